"""What every store keeps of its promises on vectors: the nearest come back, and only what can be compared is."""

from __future__ import annotations

import dataclasses
import gzip
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kgplatform.errors import BadRequest
from kgplatform.ports import Limits, Store
from kgplatform.store import embedding, local, server
from kgplatform.store.bolt import BoltStore
from kgplatform.types import Claim, Entity, EntityId, SourceId, VectorSpace
from tests import servers
from tests.contract.test_store import state, thing, told

Vectors = npt.NDArray[np.float32]
ONE, OTHER = "minilm@1", "minilm@2"
KINDS = ("person", "city", "chemical element")


def entities(count: int, kinds: tuple[str, ...] = KINDS) -> list[Entity]:
    return [thing(f"n{n:03}", kinds[n % len(kinds)]) for n in range(count)]


def filled(store: Store, listed: list[Entity], source: str = "doc:1") -> list[Entity]:
    """The entities, known to the graph by a fact each."""
    store.put([Claim(one, "is", one, (told(source),)) for one in listed])
    return listed


def directions(count: int, dimension: int = 24, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=(count, dimension))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1)[:, None], np.float32)


def given(listed: list[Entity], drawn: Vectors) -> Mapping[Entity, Vectors]:
    return dict(zip(listed, drawn, strict=True))


def found(store: Store, vector: npt.ArrayLike, limit: int = 20, encoder: str = ONE) -> list[tuple[EntityId, float]]:
    return [(hit.entity.id, hit.score) for hit in store.nearest(encoder, vector, limit)]


def nearest(listed: list[Entity], drawn: Vectors, asked: Vectors, limit: int) -> list[tuple[EntityId, float]]:
    cosines = drawn.astype(float) @ asked / np.linalg.norm(asked)
    return [(listed[n].id, cosines[n]) for n in np.argsort(-cosines)[:limit]]


def same(answer: list[tuple[EntityId, float]], expected: list[tuple[EntityId, float]]) -> None:
    assert [one for one, _ in answer] == [one for one, _ in expected]
    assert [score for _, score in answer] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_the_nearest_by_cosine_come_back_best_first(store: Store) -> None:
    listed, drawn = filled(store, entities(400)), directions(400)
    assert store.embed(ONE, given(listed, drawn)) == 400
    assert store.vector_space() == VectorSpace(ONE, 24)
    for asked in 3 * directions(15, seed=1):
        same(found(store, asked), nearest(listed, drawn, asked, 20))
    for n in range(0, 400, 40):
        assert found(store, drawn[n], 1) == [(listed[n].id, 1.0)]
    assert found(store, drawn[0], 0) == []
    assert len(found(store, drawn[0], 10_000)) == 400


def test_vectors_that_come_later_or_anew_are_found_too(store: Store) -> None:
    listed, drawn = filled(store, entities(200)), directions(200)
    store.embed(ONE, given(listed, drawn))
    found(store, drawn[0])
    more = filled(store, entities(120, ("ship", "river")))
    drawn = np.concatenate([-drawn, directions(120, seed=2)])
    store.embed(ONE, given(listed + more, drawn))
    for asked in directions(10, seed=3):
        same(found(store, asked), nearest(listed + more, drawn, asked, 20))


def test_what_lacks_a_vector_of_its_present_words_is_told(store: Store) -> None:
    listed = filled(store, entities(30))
    assert list(store.unembedded(ONE)) == sorted(listed, key=lambda one: one.id)
    store.embed(ONE, given(listed[:20], directions(20)))
    assert {one.id for one in store.unembedded(ONE)} == {one.id for one in listed[20:]}
    assert {one.id for one in store.unembedded(OTHER)} == {one.id for one in listed}
    store.embed(ONE, given(listed[20:], directions(10)))
    renamed = dataclasses.replace(listed[3], aliases=("The Third",))
    described = dataclasses.replace(listed[4], description="the fourth")
    filled(store, [renamed, described, *listed[5:]], "doc:2")
    assert {one.id: one for one in store.unembedded(ONE)} == {renamed.id: renamed, described.id: described}
    store.embed(ONE, given(listed[3:4], directions(1)))
    assert renamed in list(store.unembedded(ONE)), "a vector of older words is not one of the present words"
    store.embed(ONE, given([renamed, described], directions(2)))
    assert list(store.unembedded(ONE)) == []


def test_vectors_of_two_encoders_are_never_compared(store: Store) -> None:
    listed = filled(store, entities(9))
    with pytest.raises(BadRequest, match="no vectors"):
        found(store, [1.0, 0.0])
    store.embed(ONE, given(listed, directions(9, 2)))
    for refused in (lambda: store.embed(OTHER, given(listed, directions(9, 2))), lambda: found(store, [1.0, 0.0], encoder=OTHER)):
        with pytest.raises(BadRequest, match=r"minilm@1.*minilm@2"):
            refused()
    with pytest.raises(BadRequest, match="has 2 numbers, and one of 3"):
        found(store, [1.0, 0.0, 0.0])
    store.drop_vectors()
    assert store.vector_space() is None
    assert len(list(store.unembedded(ONE))) == 9
    store.embed(OTHER, given(listed[:1], directions(1, 3)))
    assert store.vector_space() == VectorSpace(OTHER, 3)
    assert found(store, directions(1, 3)[0], encoder=OTHER) == [(listed[0].id, 1.0)]
    store.drop_vectors()
    store.drop_vectors()
    assert store.embed(ONE, {}) == 0
    assert store.vector_space() is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([0.1, float("nan"), 0.2], "not finite"),
        ([0.1, float("inf"), 0.2], "not finite"),
        ([0.0, 0.0, 0.0], "zero"),
        ([1.0, 0.0], "has 3 numbers, and one of 2"),
        ([[1.0, 0.0, 0.0]], "shape"),
        ([], "shape"),
        ([1.0] * 5_000, "shape"),
        (["a", "b", "c"], "no list of numbers"),
    ],
)
def test_what_is_no_direction_is_refused_and_nothing_is_kept(store: Store, bad: Any, why: str) -> None:
    listed = filled(store, entities(3))
    for _ in range(2):
        with pytest.raises(BadRequest, match=why):
            store.embed(ONE, {listed[0]: [1.0, 0.0, 0.0], listed[1]: bad})
        assert len(list(store.unembedded(ONE))) in (3, 2)
        assert listed[0] in list(store.unembedded(ONE))
        store.embed(ONE, {listed[2]: [0.0, 1.0, 0.0]})
    with pytest.raises(BadRequest, match=why):
        store.nearest(ONE, bad)


def test_directions_are_kept_of_vectors_of_any_length(store: Store) -> None:
    listed = filled(store, entities(3))
    store.embed(ONE, {listed[0]: [1e200, 0], listed[1]: [3e-300, 3e-300], listed[2]: [0, -5]})
    assert found(store, [1e-200, 0]) == [(listed[0].id, 1.0), (listed[1].id, pytest.approx(0.5**0.5, abs=1e-6)), (listed[2].id, 0.0)]


def test_merged_entities_answer_as_the_one_they_are_now(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_CANDIDATES", 3)
    listed = filled(store, entities(12))
    drawn = np.eye(12, 2, dtype=np.float32) + np.linspace(1, 0, 12, dtype=np.float32)[:, None] * np.array([4, 0], np.float32) + 1e-3
    store.embed(ONE, given(listed, drawn))
    last, first = listed[-1], listed[:6]
    merges = [store.merge(last.id, one.id) for one in first]
    answer = store.nearest(ONE, [1, 0], 3)
    assert answer[0].entity.id == last.id
    assert len({hit.entity.id for hit in answer}) == 3
    assert first[0].name in answer[0].entity.aliases
    assert {one.id for one in store.unembedded(ONE)} == set()
    for made in reversed(merges):
        store.undo(made.id)
    assert found(store, [1, 0], 1)[0][0] in {one.id for one in first}
    assert {one.id for one in store.unembedded(ONE)} == set()


def test_the_vector_of_what_was_forgotten_is_gone(store: Store) -> None:
    listed, drawn = filled(store, entities(20)), directions(20)
    store.embed(ONE, given(listed, drawn))
    filled(store, listed[:15], "doc:2")
    store.forget(SourceId("doc:1"))
    same(found(store, drawn[19], 30), nearest(listed[:15], drawn[:15], drawn[19], 30))
    assert store.embed(ONE, given(listed, drawn)) == 15, "only what is there can have a vector"
    filled(store, listed[15:])
    assert {one.id for one in store.unembedded(ONE)} == {one.id for one in listed[15:]}


def test_writers_and_encoders_at_once_do_not_disturb_each_other(store: Store) -> None:
    listed, drawn = filled(store, entities(60)), directions(60)

    def write(writer: int) -> None:
        for start in range(0, 60, 20):
            filled(store, [dataclasses.replace(one, aliases=(f"{writer}",)) for one in listed[start : start + 20]], f"doc:{writer}")

    def encode(part: int) -> None:
        store.embed(ONE, given(listed[part::3], drawn[part::3]))

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, n) for n in range(3) for work in (write, encode)]:
            done.result()
    same(found(store, drawn[7], 60), nearest(listed, drawn, drawn[7], 60))
    assert {one.aliases for one in store.entities([e.id for e in listed]).values()} == {("0", "1", "2")}
    assert len(state(store)) == 60


def test_first_vectors_of_many_processes_at_once(served: BoltStore) -> None:
    listed, drawn = filled(served, entities(60)), directions(60)
    embeddings = [embedding.Embedding(served._connection, served._dialect) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(one.keep, ONE, given(listed[n::4], drawn[n::4])) for n, one in enumerate(embeddings)]:
            assert done.result() == 15
    same(found(served, drawn[7], 60), nearest(listed, drawn, drawn[7], 60))


def test_more_than_a_message_holds_goes_in(store: Store) -> None:
    listed, drawn = filled(store, entities(450)), directions(450, 4_096)
    assert store.embed(ONE, given(listed, drawn)) == 450
    assert found(store, drawn[449], 1) == [(listed[449].id, 1.0)]


def test_what_an_interrupted_replacement_left_is_not_compared(served: BoltStore) -> None:
    listed, drawn = filled(served, entities(20)), directions(20)
    served.embed(ONE, given(listed, drawn))
    served._connection.writing(lambda tx: tx.run("MATCH (m:KgMeta {id: 'vectors 2:Entity'}) DELETE m").consume())
    assert served.vector_space() is None
    served.embed(OTHER, given(listed[:5], directions(5, 24, seed=1)))
    assert {one for one, _ in found(served, drawn[10], 20, OTHER)} == {one.id for one in listed[:5]}
    served._connection.writing(lambda tx: tx.run("MATCH (n:Entity {id: $id}) SET n.emb_of = 'x:y'", id=listed[0].id).consume())
    assert {one for one, _ in found(served, drawn[10], 20, OTHER)} == {one.id for one in listed[1:5]}


def test_people_who_ask_for_nodes_are_not_given_hundreds_of_numbers(served: BoltStore) -> None:
    listed = filled(served, entities(1))
    served.embed(ONE, given(listed, directions(1)))
    ((node, numbers),) = served.read("MATCH (n:Entity) RETURN n, size(n.emb)", {}, Limits()).rows
    assert node["properties"]["name"] == listed[0].name
    assert not {"emb", "emb_of", "emb_keys"} & node["properties"].keys()
    assert numbers == 24


@pytest.fixture
def empty(local_graph: str) -> Iterator[BoltStore]:
    """Another empty graph on the local server."""
    name = f"t{uuid.uuid4().hex}"
    made = local.open_store(servers.local_home(), name)
    yield made
    made.close()
    server.drop_graph(server.ensure(servers.local_home()), name)


def test_a_backup_carries_no_vectors_and_the_restored_graph_says_so(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    listed, drawn = filled(served, entities(12)), directions(12)
    served.embed(ONE, given(listed, drawn))
    served.merge(listed[0].id, listed[1].id)
    served.backup(tmp_path / "all.kgbackup")
    assert b"emb" not in gzip.decompress((tmp_path / "all.kgbackup").read_bytes())
    empty.restore(tmp_path / "all.kgbackup")
    assert empty.vector_space() is None
    lacking = list(empty.unembedded(ONE))
    assert {one.id for one in lacking} == {one.id for one in listed}
    empty.embed(ONE, {one: drawn[listed.index(one)] for one in lacking})
    assert found(empty, drawn[5], 12) == found(served, drawn[5], 12)
