"""Documents in every store: whole or not there, found by their words, gone when they are forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from kgplatform.errors import BadName, BadRequest, NotFound
from kgplatform.ports import Store
from kgplatform.store import documents
from kgplatform.store.bolt import BoltStore
from kgplatform.store.connection import Connection, run
from kgplatform.types import Document, Passage, Source, SourceId
from tests.contract.test_store import ALL, HOSTILE, claim, state, told

CURIE = "Marie Curie\n\nMarie Curie was born in Warsaw. In 1898 she found radium and polonium.\n\n" + "It rained in Paris that year. " * 60
KEPLER = "Johannes Kepler\n\nKepler was a student of Michael Maestlin. He was born in Weil der Stadt.\n"


def source(name: str, title: str = "A title", uri: str = "a.txt") -> Source:
    return Source(SourceId(f"doc:{name}"), "document", title, uri)


def text(store: Store, name: str) -> str:
    return "".join(passage.text for passage in store.passages(SourceId(f"doc:{name}")))


def found(store: Store, words: str) -> list[str]:
    return [passage.source for passage in store.find_passages(words)]


def raw(served: BoltStore, cypher: str = "MATCH (p:KgPassage) RETURN count(p) AS n") -> int:
    return int(served._connection.rows(cypher)[0]["n"])


def test_a_document_is_kept_with_its_text_and_what_it_is(store: Store) -> None:
    assert store.add_document(source("curie"), CURIE)
    kept = store.document(SourceId("doc:curie"))
    assert kept
    assert kept == Document(source("curie"), len(CURIE), kept.passages, kept.time)
    assert kept.time > 1_600_000_000_000
    passages = list(store.passages(SourceId("doc:curie")))
    assert [passage.place for passage in passages] == list(range(kept.passages))
    assert kept.passages > 1
    assert all(CURIE[passage.start : passage.end] == passage.text for passage in passages)
    assert text(store, "curie") == CURIE
    assert store.document(SourceId("doc:nothing")) is None
    assert list(store.passages(SourceId("doc:nothing"))) == []


def test_the_same_document_again_changes_nothing(store: Store) -> None:
    store.add_document(source("curie"), CURIE)
    before, passages = store.document(SourceId("doc:curie")), list(store.passages(SourceId("doc:curie")))
    assert not store.add_document(source("curie", "Another name of the file", "b.txt"), CURIE)
    assert store.document(SourceId("doc:curie")) == before
    assert list(store.passages(SourceId("doc:curie"))) == passages


def test_two_texts_under_one_id_and_no_text_are_refused(store: Store) -> None:
    store.add_document(source("curie"), CURIE)
    with pytest.raises(BadRequest, match="another text as 'doc:curie'"):
        store.add_document(source("curie"), KEPLER)
    assert text(store, "curie") == CURIE
    for empty in ("", " \n"):
        with pytest.raises(BadRequest, match="no text"):
            store.add_document(source("empty"), empty)
    for name in ("", "x" * 2_000):
        with pytest.raises(BadName, match="id of a document"):
            store.add_document(replace(source("x"), id=SourceId(name)), CURIE)
    assert [one.source.id for one in store.documents()] == ["doc:curie"]


def test_documents_come_in_the_order_of_their_ids_page_by_page(store: Store) -> None:
    store.put([claim("Ann", "born in", "Ulm", told("doc:no text", run="r"))])
    for n in (3, 1, 4, 0, 2):
        store.add_document(source(str(n)), f"Text {n}.")
    ids = [f"doc:{n}" for n in range(5)]
    assert [one.source.id for one in store.documents()] == ids
    assert [one.source.id for one in store.documents(limit=2)] == ids[:2]
    assert [one.source.id for one in store.documents(after="doc:1", limit=2)] == ids[2:4]
    assert store.documents(after="doc:4") == store.documents(limit=0) == []


def test_passages_around_some_characters(store: Store) -> None:
    store.add_document(source("long"), long := "".join(f"Sentence number {n}. " for n in range(400)))
    everything = list(store.passages(SourceId("doc:long")))
    assert len(everything) > 5
    start, end = everything[2].end - 1, everything[3].start + 1
    assert list(store.passages(SourceId("doc:long"), start, end)) == everything[2:4]
    assert list(store.passages(SourceId("doc:long"), everything[2].start, everything[2].end)) == everything[2:3]
    assert list(store.passages(SourceId("doc:long"), everything[-1].start)) == everything[-1:]
    assert list(store.passages(SourceId("doc:long"), end=1)) == everything[:1]
    assert list(store.passages(SourceId("doc:long"), 10**9)) == []
    assert list(store.passages(SourceId("doc:long"), -5, 10**9)) == everything
    assert "".join(one.text for one in everything) == long


def test_passages_are_found_by_their_words(store: Store) -> None:
    store.add_document(source("curie"), CURIE)
    store.add_document(source("kepler"), KEPLER)
    store.add_document(source("signs"), "O'Brien and the state-of-the-art 3.14 laboratory. 居里夫人发现了镭。 Zürich.")
    for words, where in [
        ("RADIUM", "doc:curie"),
        ("who was a student of Maestlin?", "doc:kepler"),
        ("Maestlin,", "doc:kepler"),
        ("o'brien", "doc:signs"),
        ("state-of-the-art", "doc:signs"),
        ("3.14", "doc:signs"),
        ("居里", "doc:signs"),
        ("zürich", "doc:signs"),
    ]:
        assert found(store, words)[:1] == [where], words
    first = store.find_passages("the year when she found polonium")[0]
    assert isinstance(first, Passage)
    assert first.place == 0
    assert "polonium" in first.text
    assert CURIE[first.start : first.end] == first.text
    assert len(store.find_passages("Paris", limit=1)) == 1
    for nothing in ("xylophone", "", " ", "+++", "?", "😀"):
        assert store.find_passages(nothing) == [], nothing
    assert store.find_passages("Paris", limit=0) == []


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_is_kept_and_searched_for(store: Store, number: int) -> None:
    hostile = HOSTILE[number]
    there = Source(SourceId(f"doc:{hostile[:300]}"), "document", hostile, hostile)
    store.add_document(source("bystander"), "A bystander in the garden.")
    assert store.add_document(there, hostile)
    assert not store.add_document(there, hostile)
    kept = next(one for one in store.documents() if one.source.id != "doc:bystander")
    assert kept.length == len(hostile)
    assert kept.source.title == hostile.encode("utf-8", "replace").decode()
    assert "".join(one.text for one in store.passages(kept.source.id)) == kept.source.title
    assert isinstance(store.find_passages(hostile), list)
    assert found(store, "garden") == ["doc:bystander"]
    assert store.forget(kept.source.id).passages == kept.passages
    assert [one.source.id for one in store.documents()] == ["doc:bystander"]


def test_forgetting_takes_the_text_with_the_facts(store: Store) -> None:
    store.add_document(source("1"), CURIE)
    store.add_document(source("2"), KEPLER)
    store.put([claim("Marie", "born in", "Warsaw", told("doc:1"), told("doc:2"))])
    kept = store.document(SourceId("doc:1"))
    done = store.forget(SourceId("doc:1"))
    assert kept
    assert (done.evidence, done.facts_kept, done.passages) == (1, 1, kept.passages)
    assert store.document(SourceId("doc:1")) is None
    assert list(store.passages(SourceId("doc:1"))) == store.find_passages("radium") == []
    assert [one.source.id for one in store.documents()] == ["doc:2"]
    assert text(store, "2") == KEPLER
    assert store.forget(SourceId("doc:1")).passages == 0


def test_a_document_without_facts_is_forgotten_and_may_come_again(store: Store) -> None:
    for _ in range(3):
        assert store.add_document(source("curie"), CURIE)
        assert found(store, "radium") == ["doc:curie"]
        assert store.document(SourceId("doc:curie")) is not None
        assert store.forget(SourceId("doc:curie")).passages > 1
        assert store.document(SourceId("doc:curie")) is None
        assert found(store, "radium") == []
    assert store.add_document(source("curie"), KEPLER)
    assert text(store, "curie") == KEPLER


def test_facts_and_text_of_one_source_come_in_any_order(store: Store) -> None:
    store.put([claim("Marie", "born in", "Warsaw", told("doc:1"))])
    before = state(store)
    assert store.document(SourceId("doc:1")) is None
    store.add_document(source("1", "Its own title"), CURIE)
    kept = store.document(SourceId("doc:1"))
    assert kept
    assert kept.source == source("1", "Its own title")
    assert state(store) == before
    store.withdraw(SourceId("doc:1"), list(before))
    assert store.count(ALL) == 0
    assert text(store, "1") == CURIE


def test_writers_of_the_same_documents_at_once(store: Store) -> None:
    texts = {f"{n}": f"Document {n}. " * 200 for n in range(4)}
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(store.add_document, source(name), words) for _ in range(4) for name, words in texts.items()]:
            done.result()
    assert {name: text(store, name) for name in texts} == texts
    assert len(store.find_passages("document", limit=1_000)) == sum(one.passages for one in store.documents())


def test_writers_and_a_forgetter_of_one_document_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "BYTES", 500)

    def forget(_: int) -> None:
        store.forget(SourceId("doc:curie"))
        with suppress(NotFound):  # another forgets it while it is read
            assert text(store, "curie") in ("", CURIE)

    with ThreadPoolExecutor(3) as pool:
        adding = [pool.submit(store.add_document, source("curie"), CURIE) for _ in range(10)]
        forgetting = [pool.submit(forget, n) for n in range(4)]
        for added in adding:
            added.result()
        for forgotten in forgetting:
            forgotten.result()
    there = store.document(SourceId("doc:curie"))
    assert text(store, "curie") == (CURIE if there else "")
    assert found(store, "radium") == (["doc:curie"] if there else [])
    store.add_document(source("curie"), CURIE)
    assert text(store, "curie") == CURIE
    store.forget(SourceId("doc:curie"))
    if isinstance(store, BoltStore):
        store.settle(now=1 << 62)
        assert raw(store) == 0


def test_a_large_document_is_kept_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "BYTES", 20_000)
    monkeypatch.setattr(documents, "PAGE", 50)
    large = "".join(f"Ünusual sentence {n} about 居里. " for n in range(4_000))
    assert store.add_document(source("large"), large)
    assert text(store, "large") == large
    assert found(store, "3999") == ["doc:large"]
    assert store.forget(SourceId("doc:large")).passages > 100


# -- servers alone: writers that break off, or come late ----------------------------------------------


def test_a_writer_that_broke_off_leaves_nothing_to_be_seen(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(documents, "_complete", killed)
        with pytest.raises(KeyboardInterrupt):
            served.add_document(source("curie"), CURIE)
    assert raw(served) > 1
    assert served.document(SourceId("doc:curie")) is None
    assert served.documents() == []
    assert list(served.passages(SourceId("doc:curie"))) == served.find_passages("radium") == []
    assert served.add_document(source("curie"), CURIE)
    assert text(served, "curie") == CURIE
    assert found(served, "radium") == ["doc:curie"]
    with monkeypatch.context() as broken:
        broken.setattr(documents, "_complete", killed)
        with pytest.raises(KeyboardInterrupt):
            served.add_document(source("kepler"), KEPLER)
    assert served.forget(SourceId("doc:kepler")).passages == 1
    assert found(served, "Kepler") == []


def test_a_document_that_is_forgotten_while_it_is_written_comes_whole_or_not_at_all(
    served: BoltStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forget falls before a part, and then before the word that all are there; each time the writer begins again."""
    writing = served._connection.writing
    for name in ("_write", "_complete"):
        step, forgets = getattr(documents, name), iter([True])

        def meanwhile(work: Any, known: Any = None, step: object = step, forgets: Iterator[bool] = forgets) -> Any:
            if getattr(work, "func", None) is step and next(forgets, False):
                served.forget(SourceId("doc:curie"))
            return writing(work, known)

        with monkeypatch.context() as racing:
            racing.setattr(served._connection, "writing", meanwhile)
            assert served.add_document(source("curie"), CURIE)
        assert text(served, "curie") == CURIE
        served.forget(SourceId("doc:curie"))
        assert raw(served) == 0


def test_passages_that_are_committed_after_a_forget_are_void_and_swept(served: BoltStore) -> None:
    """A writer that had read that nobody forgot the source, as one does whose check came before the mark."""
    served.add_document(source("curie"), CURIE)
    late = [dict(row) for row in served._connection.rows("MATCH (p:KgPassage) RETURN properties(p) AS p")]
    rows = [row["p"] for row in late]
    served.forget(SourceId("doc:curie"))

    def commit_late() -> None:
        served._connection.writing(partial(_commit, rows=rows))
        assert raw(served, "MATCH (p:KgPassage {epoch: 0}) RETURN count(p) AS n") == len(rows)

    commit_late()
    assert served.documents() == []
    assert list(served.passages(SourceId("doc:curie"))) == served.find_passages("radium") == []
    served.add_document(source("curie"), CURIE)
    assert len(found(served, "radium")) == 1
    served.settle(now=1 << 62)
    assert raw(served, "MATCH (p:KgPassage {epoch: 0}) RETURN count(p) AS n") == 0
    assert text(served, "curie") == CURIE
    assert found(served, "radium") == ["doc:curie"]


def _commit(tx: object, *, rows: list[dict[str, object]]) -> None:
    run(tx, "UNWIND $rows AS row CREATE (p:KgPassage) SET p = row", rows=rows)  # type: ignore[arg-type]


def test_a_document_forgotten_while_it_is_read_is_said(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PAGE", 1)
    served.add_document(source("curie"), CURIE)
    passages = served.passages(SourceId("doc:curie"))
    next(passages)
    served.forget(SourceId("doc:curie"))
    with pytest.raises(NotFound, match="forgotten while"):
        list(passages)


def test_no_message_is_larger_than_a_server_takes(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    writing = Connection.writing

    def measured(self: Connection, work: object) -> object:
        if isinstance(work, partial) and "rows" in work.keywords:
            sizes.append(sum(len(row["text"].encode()) for row in work.keywords["rows"]))
        return writing(self, work)  # type: ignore[arg-type]

    monkeypatch.setattr(Connection, "writing", measured)
    served.add_document(source("wide"), "居里夫人" * 400_000)
    assert len(sizes) > 4
    assert max(sizes) <= documents.BYTES
