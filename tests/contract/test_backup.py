"""A backup of either server, restored into a new graph on the local one, is the same graph in every respect."""

from __future__ import annotations

import copy
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kgplatform.errors import BadFile, BadRequest
from kgplatform.names import entity_id
from kgplatform.store import backup, documents, local, server
from kgplatform.store.bolt import BoltStore
from kgplatform.store.lines import Line
from kgplatform.store.schema import SCHEMA
from kgplatform.types import FactQuery, Kind, Passage, Source, SourceId
from tests import servers
from tests.contract import test_qualifiers
from tests.contract.test_merging import ANN, ANNA, fill, qualified, qualifier_nodes
from tests.contract.test_store import STRICTER, claim, state, thing, told


@pytest.fixture
def empty(local_graph: str) -> Iterator[BoltStore]:
    """Another empty graph on the local server."""
    name = f"t{uuid.uuid4().hex}"
    made = local.open_store(servers.local_home(), name)
    yield made
    made.close()
    server.drop_graph(server.ensure(servers.local_home()), name)


def test_a_backup_restores_everything(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    fill(served)
    served.learn(kinds=[Kind("person", description="a human being")])
    served.put([claim("Ann", "lived in", "Rome", *(told(f"doc:{n}", time=n + 1) for n in range(100, 300)))])
    undone = served.merge(ANN, ANNA)
    served.undo(undone.id)
    made = served.merge(ANN, ANNA, by="ada")
    served.forget(SourceId("doc:2"))
    served.put([claim("Anna", "born in", "Ulm", told("doc:2"))])
    served.publish(STRICTER)
    path = tmp_path / "all.kgbackup"
    assert served.backup(path) > 10
    assert empty.restore(path) == served.count(FactQuery(status="all"))
    assert state(empty) == state(served)
    assert empty.calibration == STRICTER
    assert (empty.relations(), empty.kinds(), empty.merges()) == (served.relations(), served.kinds(), served.merges())
    for one in (served, empty):
        one.undo(made.id)
        one.forget(SourceId("doc:1"))
        one.put([claim("Anna", "born in", "Ulm", told("doc:2"))])
        one.forget(SourceId("doc:150"))
    assert state(empty) == state(served)


def test_a_graph_of_many_pages_is_restored_name_by_name(
    served: BoltStore, empty: BoltStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGE", 3)
    fill(served)
    served.put([claim(f"p{n}", "born in", f"town {n % 7}") for n in range(12)])
    served.backup(tmp_path / "all")
    empty.restore(tmp_path / "all")
    assert state(empty) == state(served)


def test_what_comes_during_a_backup_is_in_it_name_by_name(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    fill(served)
    lines: list[Line] = []
    for line in backup.Backup(served._connection, served._dialect, served.calibration).lines():
        if "key" in line and not any("key" in one for one in lines):
            near = (("near", thing("Aachen", "city")),)
            served.put([claim("Anna", "born in", "Zürich"), claim("Adam", "born in", "Aarau", qualifiers=near)])
            lines.append(line)
            lines += backup.Backup(served._connection, served._dialect, served.calibration)._facts([ANNA])
            continue
        lines.append(line)
    backup.write(lines, tmp_path / "all")
    empty.restore(tmp_path / "all")
    assert state(empty) == state(served)
    assert qualifier_nodes(empty) == qualifier_nodes(served) == qualified(served)


def test_qualifiers_that_are_entities_are_restored(
    served: BoltStore, empty: BoltStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGE", 3)
    test_qualifiers.fill(served)
    made = [served.merge(test_qualifiers.ULM.id, test_qualifiers.BONN.id), served.merge(ANN, entity_id("person", "Bea"))]
    served.backup(tmp_path / "all")
    empty.restore(tmp_path / "all")
    assert state(empty) == state(served)
    assert qualifier_nodes(empty) == qualifier_nodes(served) == qualified(served)
    for merge in made:
        for store in (served, empty):
            store.undo(merge.id)
            store.forget(SourceId("doc:2"))
        assert state(empty) == state(served)
        assert qualifier_nodes(empty) == qualifier_nodes(served) == qualified(served)


def library(store: BoltStore) -> list[tuple[object, list[Passage]]]:
    return [(one, list(store.passages(one.source.id))) for one in store.documents()]


def add(store: BoltStore, name: str, text: str) -> None:
    store.add_document(Source(SourceId(f"doc:{name}"), "document", f"Title {name}", f"{name}.txt"), text)


def test_documents_are_restored_with_their_passages(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    fill(served)
    for name in ("1", "alone", "gone", "again"):
        add(served, name, f"The text of {name}. 居里夫人\n\n" * 200)
    for name in ("gone", "again"):
        served.forget(SourceId(f"doc:{name}"))
    add(served, "again", "It came again.")
    served.backup(tmp_path / "all")
    empty.restore(tmp_path / "all")
    assert [one.source.id for one in empty.documents()] == ["doc:1", "doc:again", "doc:alone"]
    assert library(empty) == library(served)
    assert [one.source for one in empty.find_passages("again")] == ["doc:again"]
    add(empty, "again", "It came again.")
    for name in ("alone", "again"):
        assert empty.forget(SourceId(f"doc:{name}")) == served.forget(SourceId(f"doc:{name}"))
    assert library(empty) == library(served)
    assert state(empty) == state(served)
    with pytest.raises(BadRequest, match="not empty"):
        empty.restore(tmp_path / "all")


def test_a_document_forgotten_during_a_backup_is_not_in_it(
    served: BoltStore, empty: BoltStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PAGE", 1)
    add(served, "a", "A text that goes. " * 100)
    add(served, "b", "A text that goes and comes. " * 100)
    lines = []
    for line in backup.Backup(served._connection, served._dialect, served.calibration).lines():
        lines.append(line)
        if "passage" in line and line["passage"]["place"] == 0 and line["passage"]["epoch"] == 0:
            served.forget(SourceId(line["passage"]["source"]))
            if line["passage"]["source"] == "doc:b":
                add(served, "b", "Another text now.")
    backup.write(lines, tmp_path / "all")
    empty.restore(tmp_path / "all")
    assert [(one, [passage.text for passage in passages]) for one, passages in library(empty)] == [
        (served.document(SourceId("doc:b")), ["Another text now."])
    ]
    assert empty._connection.rows("MATCH (p:KgPassage) RETURN count(p) AS n")[0]["n"] == 1


def test_only_an_empty_graph_is_restored_into(served: BoltStore, tmp_path: Path) -> None:
    fill(served)
    before = state(served)
    served.backup(tmp_path / "all.kgbackup")
    with pytest.raises(BadRequest, match="not empty"):
        served.restore(tmp_path / "all.kgbackup")
    assert state(served) == before


def test_what_is_no_whole_backup_is_refused_with_nothing_restored(served: BoltStore, tmp_path: Path) -> None:
    fill(served)
    path = tmp_path / "all.kgbackup"
    served.backup(path)
    for source in ("doc:1", "doc:2"):
        served.forget(SourceId(source))
    whole = path.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    cases = {
        "cut": whole[: len(whole) // 2],
        "short": gzip.compress(b"".join(lines[:-1])),
        "other": gzip.compress(b'{"a": 1}\n'),
        "text": b"no backup at all",
        "newer": gzip.compress(lines[0].replace(b'"schema":%d' % SCHEMA, b'"schema":99') + b"".join(lines[1:])),
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFile, match=name):
            served.restore(tmp_path / name)
    with pytest.raises(BadFile, match="no such file"):
        served.restore(tmp_path / "nothing")
    assert state(served) == {}


def test_a_line_that_cannot_be_restored_is_named_and_nothing_is_written(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    fill(served)
    add(served, "1", "A text.")
    served.merge(ANN, ANNA)
    served.publish(STRICTER)
    path, bad = tmp_path / "all", tmp_path / "bad"
    served.backup(path)
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    breaks: list[tuple[str, Callable[[Any], object]]] = [
        ("entity", lambda line: line["entity"].pop("name")),
        ("entity", lambda line: line["entity"].update(id=5)),
        ("entity", lambda line: line["entity"].update(kinds="city")),
        ("entity", lambda line: line.update(entity=[])),
        ("key", lambda line: line.update(key=7)),
        ("key", lambda line: line.update(key="no key")),
        ("key", lambda line: line.pop("literal")),
        ("key", lambda line: line.update(pieces=[])),
        ("key", lambda line: line["pieces"][0].pop()),
        ("key", lambda line: line["pieces"][0].__setitem__(2, "{}")),
        ("key", lambda line: line["pieces"][0].__setitem__(3, "no key")),
        ("passage", lambda line: line["passage"].pop("text")),
        ("source", lambda line: line["source"].update(epoch="1")),
        ("merge", lambda line: line["merge"].pop("keep")),
        ("vocabulary", lambda line: line.update(json="[]")),
        ("calibration", lambda line: line.update(calibration="{}")),
        ("end", lambda line: line.update(end=False)),
    ]
    for what, break_ in breaks:
        changed = copy.deepcopy(lines)
        number = next(n for n, line in enumerate(changed) if what in line)
        break_(changed[number])
        bad.write_bytes(gzip.compress("\n".join(map(json.dumps, changed)).encode()))
        with pytest.raises(BadFile, match=f"bad, line {number + 1}: ") as refused:
            empty.restore(bad)
        assert "\n" not in str(refused.value)
    bad.write_bytes(gzip.compress(b"\n".join([json.dumps(lines[0]).encode(), b"{"])))
    with pytest.raises(BadFile, match="bad, line 2: "):
        empty.restore(bad)
    assert (state(empty), empty.relations(), empty.kinds()) == ({}, {}, {})
    empty.restore(path)
    assert state(empty) == state(served)
