"""A view that is brought up to date is the view that a fresh reading gives, whatever was written meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Fact, FactKey, FactQuery, Literal, Method, Relation, Source, SourceId
from kgplatform.view import GraphView

CARDS = [
    Relation("born in"),
    Relation("married to", symmetric=True),
    Relation("chairs", key_qualifiers=("since", "at"), qualifier_kinds=(("at", "thing"),)),
]
NAMES = [f"e{n}" for n in range(6)]
VALUES = [
    Literal("165", "integer", "cm"),
    Literal("1.65", "decimal", "m"),
    Literal("1867-11-07", "date"),
    Literal("1867", "date"),
    Literal("tall"),
]


def entity(name: str, *kinds: str) -> Entity:
    return Entity(entity_id("thing", name), name, ("thing", *kinds))


def same(one: GraphView, other: GraphView) -> None:
    """All that a reader can see of two views."""
    assert one.entities == other.entities
    assert one.relations == other.relations
    for mine, theirs in ((one.rows, other.rows), (one.beside, other.beside)):
        assert np.array_equal(mine.triples, theirs.triples)
        assert np.array_equal(mine.confidence, theirs.confidence)
        assert mine.keys == theirs.keys
    assert (one.literals is None) is (other.literals is None)
    if one.literals is not None and other.literals is not None:
        assert (one.literals.relations, one.literals.units) == (other.literals.relations, other.literals.units)
        assert np.array_equal(one.literals.entities, other.literals.entities)
        assert np.array_equal(one.literals.columns, other.literals.columns)
        assert np.array_equal(one.literals.values, other.literals.values)
        assert one.literals.keys == other.literals.keys
    assert one.revision == other.revision


def evidence(source: int, score: float, method: Method = "text") -> tuple[Evidence, ...]:
    kind = "person" if method == "review" else "document"
    return (
        Evidence(method, Source(SourceId(f"{kind}:{source}"), "person" if method == "review" else "document"), score, run=f"run {source}"),
    )


PEOPLE = st.builds(
    lambda name, kind: entity(name, *([kind] if kind else [])), st.sampled_from(NAMES), st.sampled_from(["", "", "actor", "poet"])
)
EVIDENCE = st.builds(evidence, st.integers(0, 3), st.sampled_from([0.2, 1.0, 2.5, -2.0]))
CLAIMS = st.one_of(
    st.builds(Claim, PEOPLE, st.sampled_from(["born in", "married to"]), PEOPLE, EVIDENCE),
    st.builds(Claim, PEOPLE, st.sampled_from(["height", "born on"]), st.sampled_from(VALUES), EVIDENCE),
    st.builds(
        lambda head, tail, told, since, at: Claim(head, "chairs", tail, told, (("at", at), ("since", since))),
        PEOPLE,
        PEOPLE,
        EVIDENCE,
        st.sampled_from(["2001", "2011"]),
        PEOPLE,
    ),
)


def put(claims: list[Claim]) -> Callable[[KnowledgeGraph], None]:
    return lambda kg: void(kg.put(claims))


def judge(number: int, score: float) -> Callable[[KnowledgeGraph], None]:
    def judged(kg: KnowledgeGraph) -> None:
        if facts := list(kg.facts(status="all")):
            fact = facts[number % len(facts)]
            kg.accept(fact, "ann") if score > 0 else kg.reject(fact, "ann")

    return judged


def forget(source: int, run: bool) -> Callable[[KnowledgeGraph], None]:
    return lambda kg: void(kg.store.forget_run(f"run {source}") if run else kg.store.forget(SourceId(f"document:{source}")))


def merge(keep: str, other: str) -> Callable[[KnowledgeGraph], None]:
    def merged(kg: KnowledgeGraph) -> None:
        with suppress(BadRequest):
            kg.store.merge(entity(keep).id, entity(other).id)

    return merged


def undo(kg: KnowledgeGraph) -> None:
    if made := [one for one in kg.merges() if not one.undone]:
        kg.undo(made[0])


def stricter(kg: KnowledgeGraph) -> None:
    if kg.store.calibration.revision != "stricter":
        kg.publish(Calibration(revision="stricter", prior=-3.0))


def void(_: object) -> None:
    """An act is done for what it writes."""


ACTS = st.lists(
    st.one_of(
        st.builds(put, st.lists(CLAIMS, min_size=1, max_size=6)),
        st.builds(judge, st.integers(0, 30), st.sampled_from([1.0, -1.0])),
        st.builds(forget, st.integers(0, 3), st.booleans()),
        st.builds(merge, st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.just(undo),
        st.just(stricter),
    ),
    max_size=6,
)


@given(st.lists(CLAIMS, max_size=12), ACTS, ACTS, st.booleans())
def test_an_update_gives_what_a_fresh_reading_gives(
    first: list[Claim], before: list[Callable[[KnowledgeGraph], None]], after: list[Callable[[KnowledgeGraph], None]], literals: bool
) -> None:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(CARDS)
    kg.put(first)
    view = kg.view(literals=literals)
    for acts in (before, after):
        for act in acts:
            act(kg)
        view = view.updated(kg)
        same(view, kg.view(literals=literals))


@given(st.lists(CLAIMS, max_size=20), ACTS)
def test_a_view_of_a_graph_is_the_view_of_its_facts(first: list[Claim], acts: list[Callable[[KnowledgeGraph], None]]) -> None:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(CARDS)
    kg.put(first)
    for act in acts:
        act(kg)
    for status in ("current", "all"):
        same(kg.view(status=status), GraphView.of(kg.facts(status=status)))


def world() -> KnowledgeGraph:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(CARDS)
    one, other, third = (entity(name) for name in ("Marie", "Warsaw", "Nobody"))
    kg.put(
        [
            Claim(one, "born in", other, evidence(0, 2.5)),
            Claim(one, "height", Literal("165", "integer", "cm"), evidence(0, 2.5)),
            Claim(one, "height", Literal("1.65", "decimal", "m"), evidence(1, 2.5)),
            Claim(one, "born on", Literal("1867-07-02", "date"), evidence(1, 2.5)),
            Claim(other, "founded", Literal("1300", "year"), evidence(1, 2.5)),
            Claim(other, "motto", Literal("semper invicta"), evidence(1, 2.5)),
            Claim(third, "height", Literal("180", "integer", "cm"), evidence(1, 2.5)),
        ]
    )
    return kg


def test_values_stand_beside_the_facts_by_entity_and_unit() -> None:
    view = world().view(literals=True)
    told = view.literals
    assert told is not None
    assert len(view) == 1
    rows = zip(told.entities.tolist(), told.columns.tolist(), told.values.tolist(), strict=True)
    assert [(view.entities[one].name, told.relations[column], told.units[column], round(value, 2)) for one, column, value in rows] == [
        ("Marie", "born on", "", 1867.5),
        ("Marie", "height", "cm", 165.0),
        ("Marie", "height", "m", 1.65),
        ("Warsaw", "founded", "", 1300.0),
    ]
    assert set(told.keys) <= {fact.key for fact in world().facts()}


def test_a_coarse_date_is_its_beginning_and_what_is_no_value_is_left_out() -> None:
    kg = world()
    told = evidence(2, 2.5)
    bad = [
        Claim(entity("Marie"), name, Literal(value, kind), told)
        for name, value, kind in (("died", "1934", "date"), ("x", "n/a", "integer"))
    ]
    kg.store.put(
        [
            *bad,
            Claim(entity("Marie"), "y", Literal("1934-13-40", "date"), told),
            Claim(entity("Marie"), "died", Literal("1934-07", "date"), told),
        ]
    )
    literals = kg.view(literals=True).literals
    assert literals is not None
    died = literals.values[literals.columns == literals.relations.index("died")]
    assert sorted(died.tolist()) == pytest.approx([1934.0, 1934 + 181 / 365])
    assert not {"x", "y"} & set(literals.relations)


def test_only_what_was_touched_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kg = world()
    view = kg.view()
    kg.put([Claim(entity("Pierre"), "born in", entity("Paris"), evidence(5, 2.5))])
    asked: list[str] = []
    usual = kg.store.facts_at

    def facts_at(keys: Collection[FactKey]) -> dict[FactKey, Fact]:
        asked.extend(keys)
        return usual(keys)

    monkeypatch.setattr(kg.store, "facts_at", facts_at)
    monkeypatch.setattr(kg.store, "triples", lambda query: pytest.fail("the whole graph was read"))
    now = view.updated(kg)
    assert asked == ["born in|thing:pierre|thing:paris"]
    assert (len(view), len(now)) == (1, 2)
    assert now.time > view.time


def test_a_view_says_when_it_was_read_and_does_not_change() -> None:
    kg = world()
    view = kg.view()
    revision = view.revision
    kg.forget("document:0")
    assert (len(view), view.revision) == (1, revision)
    assert 0 < view.time < kg.store.now()
    assert len(view.updated(kg)) == 0


def test_a_part_of_a_graph_cannot_follow_it() -> None:
    kg = world()
    with pytest.raises(BadRequest, match=r"kg\.view"):
        kg.view().only(np.array([0])).updated(kg)
    with pytest.raises(BadRequest, match="no status"):
        kg.view(status="any")  # type: ignore[arg-type]


def test_facts_may_be_asked_for_by_what_their_tails_are() -> None:
    kg = world()
    assert kg.store.count(FactQuery(tails="entities")) == 1
    assert kg.store.count(FactQuery(tails="literals")) == kg.store.count(FactQuery()) - 1
