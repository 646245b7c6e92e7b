"""A backup of either server, restored into a new graph on the local one, is the same graph in every respect."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgplatform.errors import BadFile, BadRequest
from kgplatform.store import local, server
from kgplatform.store.bolt import BoltStore
from kgplatform.types import FactQuery, Kind, SourceId
from tests import servers
from tests.contract.test_merging import ANN, ANNA, fill
from tests.contract.test_store import STRICTER, claim, state, told


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
        "newer": gzip.compress(lines[0].replace(b'"schema":3', b'"schema":99') + b"".join(lines[1:])),
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFile, match=name):
            served.restore(tmp_path / name)
    with pytest.raises(BadFile, match="no such file"):
        served.restore(tmp_path / "nothing")
    assert state(served) == {}
