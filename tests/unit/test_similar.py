"""Entities by meaning: what is encoded, when again, and that the nearest are the nearest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kgplatform import similar
from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.names import entity_id
from kgplatform.store import vectors
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Source, SourceId, VectorSpace

SAYS = Evidence("text", Source(SourceId("doc:1"), "document"), 3.0)
RADIUM = Entity(entity_id("element", "radium"), "radium", ("element",), ("Ra",), "a metal that glows in the dark")
PARIS = Entity(entity_id("city", "Paris"), "Paris", ("city",), description="the capital of France")


def graph(*entities: Entity) -> KnowledgeGraph:
    kg = KnowledgeGraph(MemoryStore())
    kg.put([Claim(one, "is", one, (SAYS,)) for one in entities])
    return kg


def many(count: int) -> list[Entity]:
    return [Entity(entity_id("thing", f"name {n}"), f"name {n}") for n in range(count)]


class Telling(HashingEncoder):
    """Tells what it was given, and breaks off after some parts."""

    def __init__(self, parts: int = 1_000, name: str = "telling@1") -> None:
        super().__init__(64, name)
        self.read: list[str] = []
        self._left = parts

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        self.read += texts
        return super().encode(texts)


def test_name_description_and_other_names_are_read() -> None:
    assert similar.words(RADIUM) == "radium: a metal that glows in the dark (Ra)"
    assert similar.words(Entity(PARIS.id, "Paris")) == "Paris"
    assert len(similar.words(Entity(PARIS.id, "Paris", description="long " * 10_000))) == vectors.WORDS


def test_the_entity_that_is_meant_comes_first() -> None:
    kg, encoder = graph(RADIUM, PARIS, *many(30)), HashingEncoder()
    assert kg.embed(encoder) == 32
    first, *others = kg.similar("something that glows in the dark", encoder, 5)
    assert first.entity == RADIUM
    assert 1 > first.score > others[0].score
    assert len(others) == 4
    assert kg.similar("  ", encoder) == []


def test_only_what_is_new_or_told_anew_is_encoded() -> None:
    kg, encoder = graph(RADIUM), Telling()
    assert kg.embed(encoder) == 1
    kg.put([Claim(PARIS, "is", PARIS, (SAYS,))])
    assert kg.embed(encoder) == 1
    kg.put([Claim(Entity(PARIS.id, "Lutetia", ("city",)), "was", RADIUM, (SAYS,))])
    assert kg.embed(encoder) == 1
    assert kg.embed(encoder) == 0
    said = [similar.words(RADIUM), similar.words(PARIS), "Paris: the capital of France (Lutetia)"]
    assert encoder.read == said


def test_what_is_interrupted_goes_on_where_it_was() -> None:
    kg = graph(*many(600))
    with pytest.raises(KeyboardInterrupt):
        kg.embed(Telling(parts=2))
    seen: list[tuple[int, int]] = []
    assert kg.embed(Telling(), progress=lambda done, total: seen.append((done, total))) == 600 - 2 * similar.PART
    assert seen == [(88, 88)]


def test_another_encoder_replaces_only_when_it_is_asked_to() -> None:
    kg = graph(RADIUM, PARIS)
    kg.embed(Telling())
    other = HashingEncoder(32, "other@1")
    with pytest.raises(BadRequest, match=r"telling@1.*other@1.*--replace"):
        kg.embed(other)
    with pytest.raises(BadRequest, match="telling@1"):
        kg.similar("radium", other)
    assert kg.store.vector_space() == VectorSpace("telling@1", 64)
    assert kg.embed(other, replace=True) == 2
    assert kg.store.vector_space() == VectorSpace("other@1", 32)
    assert kg.embed(other, replace=True) == 0


NUMBERS = st.floats(-100, 100, width=32).map(lambda number: number if abs(number) > 1e-3 else 0.0)


@given(st.data(), st.integers(1, 30), st.integers(1, 6))
def test_the_nearest_are_those_of_brute_force(data: st.DataObject, count: int, limit: int) -> None:
    drawn = data.draw(arrays.arrays(np.float64, (count + 1, 5), elements=NUMBERS).filter(lambda rows: bool(rows.any(axis=1).all())))
    listed, (asked, *held) = many(count), drawn
    store = graph(*listed).store
    store.embed("e", dict(zip(listed, held, strict=True)))
    cosines = [float(one @ asked / np.linalg.norm(one) / np.linalg.norm(asked)) for one in held]
    answer = store.nearest("e", asked, limit)
    assert [hit.score for hit in answer] == pytest.approx(sorted(cosines, reverse=True)[:limit], abs=2e-6)
    assert all(abs(hit.score - cosines[listed.index(hit.entity)]) < 2e-6 for hit in answer)
    own = store.nearest("e", held[0], count)
    assert own[0].score == pytest.approx(1, abs=2e-6)
    assert listed[0] in [hit.entity for hit in own if hit.score > 1 - 2e-6]


@given(st.text(), st.text(), st.text())
def test_marks_tell_encoders_and_words_apart(one: str, other: str, name: str) -> None:
    thing = Entity(PARIS.id, name)
    assert vectors.mark(one, thing).startswith(vectors.maker(one))
    assert (vectors.mark(one, thing) == vectors.mark(other, thing)) == (vectors.maker(one) == vectors.maker(other))
    assert vectors.mark(one, thing) != vectors.mark(one, Entity(PARIS.id, name, description="x"))
