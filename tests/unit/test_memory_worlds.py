"""Five worlds are one graph in other words: what changes, what stays, and that nothing of the originals is left."""

from __future__ import annotations

import dataclasses
import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import BadFile
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact, FactKey
from kgplatform.view import GraphView
from reasoning.memory.rewriting import Rewriting, tokens
from reasoning.memory.texts import Texts, read_texts
from reasoning.memory.worlds import WORLDS, World, anonymised, coded, fully_anonymised, inconsistent, virtual, worlds
from reasoning.split import Split, read_split, split

NAMES = ("Marie Curie", "Warsaw", "Poland", "Paris", "New York", "New York City", "東京", "Curie (unit)")
RELATIONS = ("born in", "located in")


def view_of(names: list[str], rows: list[tuple[int, int, int]], relations: int) -> GraphView:
    entities = [Entity(EntityId(f"{name}#{number}"), name) for number, name in enumerate(names)]
    said = [(f"rel {r % relations}", entities[h % len(names)], entities[t % len(names)]) for h, r, t in rows]
    return GraphView.of(Fact(fact_key(r, h.id, t.id), h, r, t, 1.0, 1.0) for r, h, t in said)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Split, Texts]:
    """A split and texts in which names stand in descriptions, share words, and may be shared by entities."""
    pool = draw(st.lists(st.text("abAB é東.+", min_size=1, max_size=5).filter(tokens), min_size=1, max_size=6) | st.just(list(NAMES)))
    rows = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30))
    view = view_of(pool, rows, draw(st.integers(1, 4)))
    names = tuple(entity.name for entity in view.entities)
    words = st.sampled_from([*names, *RELATIONS, "is", "the capital of", ",", "unlike", "b"])
    told = st.lists(words, max_size=6).map(" ".join)
    descriptions = tuple(draw(told) for _ in names)
    relations = tuple(f"{RELATIONS[number % 2]} {number // 2 or ''}".strip() for number in range(len(view.relations)))
    return split(view, seed=draw(st.integers(0, 9))), Texts(names, descriptions, relations)


def holds(text: str, name: str) -> bool:
    """Whether a text has all words of a name, side by side."""
    said, wanted = tokens(text), tokens(name)
    return any(said[at : at + len(wanted)] == wanted for at in range(len(said) - len(wanted) + 1))


def bijective(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    return len(set(zip(old, new, strict=True))) == len(set(old)) == len(set(new))


@given(graphs(), st.integers(0, 5))
def test_every_world_is_the_same_graph_under_one_to_one_names(graph: tuple[Split, Texts], seed: int) -> None:
    parts, texts = graph
    told = worlds(parts, texts, seed)
    assert [world.name for world in told] == list(WORLDS)
    assert len({world.split.train.revision for world in told}) == 1  # nothing a model of numbers learns from differs
    for world in told:
        assert np.array_equal(world.split.train.triples, parts.train.triples)
        assert np.array_equal(world.split.valid, parts.valid)
        assert np.array_equal(world.split.test, parts.test)
        assert bijective(texts.names, world.texts.names)
        assert bijective(texts.relations, world.texts.relations)
        assert tuple(entity.name for entity in world.split.train.entities) == world.texts.names
        assert list(map(bool, world.texts.descriptions)) == list(map(bool, texts.descriptions))


@given(graphs())
def test_a_world_that_is_put_together_anew_keeps_its_numbers(graph: tuple[Split, Texts]) -> None:
    view = worlds(*graph)[1].split.train
    known = set(view.triples[:, [0, 2]].ravel().tolist()) == set(range(len(view.entities)))
    facts = [
        Fact(FactKey(key), view.entities[h], view.relations[r], view.entities[t], 1.0, 1.0)
        for key, (h, r, t) in zip(view.keys, view.triples, strict=True)
    ]
    again = GraphView.of(reversed(facts))
    assert not known or (np.array_equal(again.triples, view.triples) and again.entities == view.entities and again.keys == view.keys)


@given(graphs(), st.integers(0, 5))
def test_a_seed_decides_the_names(graph: tuple[Split, Texts], seed: int) -> None:
    _, texts = graph
    for make in (virtual, anonymised, inconsistent, fully_anonymised):
        assert make(texts, seed) == make(texts, seed)
    assert anonymised(texts, seed) != anonymised(texts, seed + 1)


@given(graphs())
def test_swapped_names_are_the_old_ones_and_nobody_keeps_his(graph: tuple[Split, Texts]) -> None:
    _, texts = graph
    other = virtual(texts)
    for old, new in ((texts.names, other.names), (texts.relations, other.relations)):
        assert set(old) == set(new)
        assert len(set(old)) == 1 or all(one != two for one, two in zip(old, new, strict=True))


@given(graphs(), st.integers(0, 5))
def test_no_original_is_left_where_names_are_random(graph: tuple[Split, Texts], seed: int) -> None:
    _, texts = graph
    for other in (anonymised(texts, seed), fully_anonymised(texts, seed)):
        for name in {*texts.names, *texts.relations}:
            assert not any(holds(text, name) for part in (other.names, other.relations, other.descriptions) for text in part)
    left = {word for text in fully_anonymised(texts, seed).descriptions for word in tokens(text)}
    assert left.isdisjoint(word for text in texts.descriptions for word in tokens(text))


@given(graphs(), st.integers(0, 5))
def test_inconsistent_descriptions_are_all_there_beside_the_old_names(graph: tuple[Split, Texts], seed: int) -> None:
    _, texts = graph
    other = inconsistent(texts, seed)
    assert (other.names, other.relations) == (texts.names, texts.relations)
    assert Counter(other.descriptions) == Counter(texts.descriptions)


def test_a_description_goes_with_its_entity_and_says_the_new_names() -> None:
    texts = Texts(("Warsaw", "Poland", "Paris"), ("Capital of POLAND, unlike Paris.", "", ""), ("located in",))
    other = virtual(texts, seed=3)
    new = dict(zip(texts.names, other.names, strict=True))
    assert other.descriptions == (f"Capital of {new['Poland']}, unlike {new['Paris']}.", "", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("New York City and New York", "B and A"),
        ("new  york, news", "A, news"),
        ("a New_York-based firm", "a A-based firm"),
        ("他住在東京都", "他住在C都"),
        ("us and US", "them and THEM"),
        ("Us", "THEM"),
        ("C++ is no C+", "D is no C+"),
        ("", ""),
    ],
)
def test_names_in_running_text(text: str, said: str) -> None:
    rewriting = Rewriting({"New York": "A", "New York City": "B", "東京": "C", "C++": "D", "us": "them", "US": "THEM", "_": "nothing"})
    assert rewriting(text) == said


def test_new_names_are_not_replaced_again() -> None:
    assert Rewriting({"a": "b", "b": "c", "b c": "d"})("a b") == "b c"


def test_ids_tell_no_names() -> None:
    view = view_of(list(NAMES), [(n, 0, n + 1) for n in range(8)], 1)
    parts = Split(view, view.triples[:0], view.triples[:0])
    for world in worlds(parts, Texts.of(view)):
        train = world.split.train
        told = [*train.entity_ids, *train.relations, *train.keys]
        assert not any(holds(text, name) for text in told for name in (*NAMES, "rel"))
    assert dataclasses.replace(coded(parts, Texts.of(view)), train=view).train is view  # the given split is left as it is


# -- texts beside a split ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.txt").write_text("Q1\tP1\tQ2\nQ2\tP_2\tbig_cat\n")
    (tmp_path / "valid.txt").write_text("")
    (tmp_path / "test.txt").write_text("Q1\tP1\tbig_cat\n")
    return tmp_path


def read(folder: Path) -> Texts:
    return read_texts(folder, read_split(folder).train)


def test_without_texts_the_ids_are_read_as_words(folder: Path) -> None:
    assert read(folder) == Texts(("Q1", "Q2", "big cat"), ("", "", ""), ("P1", "P 2"))


def test_texts_are_read_where_they_are(folder: Path) -> None:
    (folder / "entity2text.txt.gz").write_bytes(gzip.compress(b"Q1\tWarsaw\tthe capital\tof Poland\r\nQ9\tNobody\nQ2\tPoland\n"))
    (folder / "entity2textlong.txt").write_text("Q2\ta country\n")
    (folder / "relation2text.txt").write_text("P1\tlocated in\n")
    assert read(folder) == Texts(("Warsaw", "Poland", "big cat"), ("the capital of Poland", "a country", ""), ("located in", "P 2"))


def test_texts_may_go_by_number(folder: Path) -> None:
    (folder / "relation2id.txt").write_text("2\nP_2\t0\nP1\t1\n")
    (folder / "relation2text.txt").write_text("0\tkeeps\n1\tlocated in\n")
    assert read(folder).relations == ("located in", "keeps")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"Q1\tWarsaw\nQ2 Poland\n", "entity2text.txt, line 2: expected a name and its text"),
        (b"7\tWarsaw\n", "names nothing that is in the triples"),
        (b"Q1\t\xff\n", "not UTF-8"),
        (b"\x1f\x8bnone", "compressed content is damaged|cannot be read"),
    ],
)
def test_texts_that_cannot_be_read_are_refused(folder: Path, text: bytes, words: str) -> None:
    (folder / "entity2text.txt").write_bytes(text)
    with pytest.raises(BadFile, match=words):
        read(folder)


def test_a_graph_brings_its_own_texts() -> None:
    ann = Entity(EntityId("person:ann"), "Ann", ("person",), description="A painter.")
    view = GraphView.of([Fact(fact_key("lives_in", ann.id, "x"), ann, "lives_in", Entity(EntityId("x"), "Ulm"), 1.0, 1.0)])
    assert Texts.of(view) == Texts(("Ann", "Ulm"), ("", ""), ("lives in",))
    assert Texts.of(view, {ann.id: ann}) == Texts(("Ann", "Ulm"), ("A painter.", ""), ("lives in",))
    assert isinstance(worlds(Split(view, view.triples[:0], view.triples[:0]), Texts.of(view))[0], World)
