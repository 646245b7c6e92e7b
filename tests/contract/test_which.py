"""``status``, ``min_confidence``, ``source`` and ``as_of`` select the same facts by every word, over every store."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from kgplatform import belief
from kgplatform.errors import BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.opening import connect
from kgplatform.ports import Store
from kgplatform.types import Claim, Entity, Evidence, Fact, FactKey, Literal, Method, Qualifiers, Relation, Source, SourceId, in_words

ANN, BEN, CARL, ROME, ULM = (Entity(entity_id("thing", name), name) for name in ("Ann", "Ben", "Carl", "Rome", "Ulm"))
PEOPLE = (ANN, BEN, CARL)
RIVAL = "import:rival"


def told(score: float = 3.0, source: str = "doc:1", method: Method = "text") -> Evidence:
    return Evidence(method, Source(SourceId(source), "document"), score)


def claim(head: Entity, relation: str, tail: Entity | Literal, *pieces: Evidence, start: str = "", end: str = "") -> Claim:
    said: Qualifiers = tuple((name, date) for name, date in (("valid_from", start), ("valid_to", end)) if date)
    return Claim(head, relation, tail, pieces or (told(),), said)


@pytest.fixture
def kg(store: Store) -> KnowledgeGraph:
    made = KnowledgeGraph(store)
    many = [told(0.1, f"doc:many {number}") for number in range(70)]  # more than lie on one relationship
    made.put(
        [
            claim(ANN, "lives in", ROME, told(3.0), start="1950", end="1960-05"),
            claim(ANN, "lives in", ULM, told(3.0, "doc:2"), start="1960-06"),
            claim(ANN, "knows", BEN, told(1.0), told(0.9, RIVAL, "import"), *many),
            claim(ANN, "likes", BEN, *many),
            claim(BEN, "lives in", ROME, told(-3.0)),
            claim(CARL, "lives in", ULM, told(4.0), end="1955"),
            claim(CARL, "knows", ANN, told(1.0, "graph:m@1", "graph")),
            claim(CARL, "born on", Literal("1930-01-02", "date"), told(2.0, "doc:2")),
            claim(BEN, "height", Literal("180", "integer", "cm"), told(2.0), start="1999"),
        ]
    )
    made.reject("Ben | lives in | Rome")
    return made


def fits(fact: Fact, sources: Collection[str], status: str, min_confidence: float, source: str | None, as_of: str | None) -> bool:
    """As a person reads it."""
    held = dict(fact.qualifiers)
    since, until = (str(held.get(name, default)) for name, default in (("valid_from", "0000"), ("valid_to", "9999")))
    return (
        status in ("all", belief.status(fact.verdict, fact.trust, fact.methods))
        and fact.confidence >= min_confidence
        and (source is None or source in sources)
        and (as_of is None or (since[:4] <= as_of[:4] <= until[:4] and (len(as_of) == 4 or since[:7] <= as_of[:7] <= until[:7])))
    )


CASES: list[dict[str, Any]] = [
    {"min_confidence": 0.9, "as_of": "1955"},
    {"source": "doc:many 69"},
    {"source": RIVAL},
    {"as_of": "1960-06", "status": "all", "source": "doc:1", "min_confidence": 0.5},
    {"as_of": "1960", "status": "all", "source": "doc:2", "min_confidence": 0.0001},
]
"""Few shapes: a server plans each anew."""


def test_every_word_speaks_of_the_same_facts(kg: KnowledgeGraph, tmp_path: Path) -> None:
    everything = {fact.key: fact for fact in kg.facts(status="all")}
    sources = {key: {piece.source.id for piece in kg.store.evidence(key)} for key in everything}
    for case in CASES:
        asked: dict[str, Any] = {"status": "current", "min_confidence": 0.0, "source": None, "as_of": None} | case
        expected = {key for key, fact in everything.items() if fits(fact, sources[key], **asked)}
        between = {key for key in expected if isinstance(everything[key].tail, Entity)}
        assert {fact.key for fact in kg.facts(**case)} == expected, case
        assert len(kg.facts(**case)) == len(expected), case
        assert set(kg.facts(**case).to_arrow()["key"].to_pylist()) == expected, case
        view = kg.view(**case, literals=True)
        assert set(view.keys) == between and view.literals is not None, case
        assert set(view.literals.keys) == {key for key in expected - between if everything[key].head.id in view.entity_ids}, case
        assert {fact.key for one in PEOPLE for fact in kg.neighbours(one.id, **case)} == expected, case
        assert _walked(kg, case) == between, case
        _check_files(kg, tmp_path, case, expected)


def _walked(kg: KnowledgeGraph, case: dict[str, Any]) -> set[FactKey]:
    """The facts that paths of one step are made of, between any that facts join."""
    pairs = ([ANN.id], [BEN.id, CARL.id, ROME.id, ULM.id]), ([BEN.id, CARL.id], [ROME.id, ULM.id])
    return {path.steps[0].fact.key for pair in pairs for path in kg.paths(*pair, max_hops=1, k=99, **case)}


def _check_files(kg: KnowledgeGraph, folder: Path, case: dict[str, Any], expected: set[FactKey]) -> None:
    for name in ("facts.jsonld", "facts.tsv"):
        assert kg.dump(folder / name, **case) == len(expected), case
    if expected:
        copy = connect("memory")
        copy.load(folder / "facts.jsonld")
        assert {fact.key for fact in copy.facts(status="all")} == expected, case


def test_a_sources_facts_around_a_hub_are_found_behind_those_of_others(kg: KnowledgeGraph) -> None:
    many = [told(0.2, f"doc:other {number}") for number in range(70)]
    kg.put([claim(BEN, f"knows {number}", CARL, *many) for number in range(4)])
    kg.put([claim(BEN, f"met {number}", CARL, told(2.0, "doc:rare")) for number in range(3)])
    for limit in (1, 2, 3, 9):
        found = kg.neighbours("Ben", source="doc:rare", limit=limit)
        assert [fact.relation for fact in found] == ["met 0", "met 1", "met 2"][:limit]


def test_a_symmetric_fact_is_found_by_either_end(store: Store) -> None:
    kg = KnowledgeGraph(store)
    kg.learn([Relation("married to", symmetric=True), Relation("like", symmetric=True)])
    kg.put([claim(BEN, "married to", ANN), claim(BEN, "married to", CARL, told(3.0, "doc:2")), claim(ANN, "lives in", ROME)])
    kg.put([claim(BEN, "lives in", ULM), claim(CARL, "knows", BEN), claim(BEN, "like", BEN), claim(ANN, "like", BEN)])

    def found(*ends: str | None, **which: Any) -> list[str]:
        facts = kg.facts(*ends, **which)
        listed = [f"{fact.head.name} {fact.relation} {in_words(fact.tail)}" for fact in facts]
        assert (len(facts), len(facts.to_pandas()), facts.to_arrow().num_rows) == (len(listed),) * 3
        return listed

    wed = ["Ann married to Ben", "Ben married to Carl"]
    assert found("Ben", "married to") == found(None, "married to", "Ben") == wed
    assert found("Ben") == ["Ann like Ben", wed[0], "Ben like Ben", "Ben lives in Ulm", wed[1]]
    assert found(None, None, "Ben") == ["Ann like Ben", wed[0], "Ben like Ben", wed[1], "Carl knows Ben"]
    assert (
        found("Ben", "married to", "Ann")
        == found("Ann", "married to", "Ben")
        == found("Ben", "married to", "Ann", source="doc:1")
        == wed[:1]
    )
    assert found("Ben", "married to", source="doc:2") == found("Carl", "married to") == wed[1:]
    assert found("Ben", "lives in") == ["Ben lives in Ulm"] and found("Ben", "knows") == []
    pages, after = list[str](), None
    while page := list(kg.facts("Ben", limit=2, after=after)):
        pages, after = [*pages, *(fact.key for fact in page)], page[-1].key
    assert pages == [fact.key for fact in kg.facts("Ben")]


def test_a_relation_or_a_source_that_is_not_there_is_said_with_near_ones(kg: KnowledgeGraph) -> None:
    asked: list[Callable[[], object]] = [
        lambda: kg.facts(relation="live in"),
        lambda: kg.facts(source="doc:l"),
        lambda: kg.view(source="doc:l"),
        lambda: kg.neighbours("Ann", source="doc:l"),
        lambda: kg.paths("Ann", "Ben", source="doc:l"),
        lambda: kg.forget("doc:l"),
    ]
    near = ["the graph has no relation 'live in'; near it: lives in", *["the graph has no source 'doc:l'; near it: doc:"] * 5]
    for ask, sentence in zip(asked, near, strict=True):
        with pytest.raises(NotFound, match=sentence):
            ask()
    assert len(kg.facts(source=RIVAL, relation="likes")) == 0
    kg.add_document(Source(SourceId("doc:text"), "document"), "A text of which nothing was read yet.")
    assert len(kg.facts(source="doc:text")) == 0
    kg.forget(RIVAL)
    with pytest.raises(NotFound, match=f"no source '{RIVAL}'"):
        kg.facts(source=RIVAL)


def test_a_view_of_some_facts_follows_them(kg: KnowledgeGraph) -> None:
    for case in (CASES[0], CASES[1], CASES[4]):
        view = kg.view(**case, literals=True)
        kg.put([claim(BEN, "saw", ROME, told(3.0, "doc:new")), claim(BEN, "saw", ULM, told(3.0, "doc:new"), start="1990")])
        kg.put([claim(BEN, "weight", Literal("80", "integer", "kg"), told(3.0, "doc:new"), end="1970")])
        kg.put([claim(CARL, "lives in", ULM, told(4.0), start="1940", end="1999")])
        now, fresh = view.updated(kg), kg.view(**case, literals=True)
        assert (now.revision, now.keys) == (fresh.revision, fresh.keys), case
        kg.forget("doc:new")
        gone, fresh = now.updated(kg), kg.view(**case, literals=True)
        assert (gone.revision, gone.keys) == (fresh.revision, fresh.keys), case


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"status": "sure"}, "'sure' is no status of facts: there are current"),
        ({"min_confidence": 1.5}, "min_confidence must be from 0 to 1, not 1.5"),
        ({"min_confidence": float("nan")}, "min_confidence must be from 0 to 1"),
        ({"min_confidence": "high"}, "min_confidence must be from 0 to 1, not high"),
        ({"as_of": "last spring"}, "as_of: 'last spring' is no date: write it as 1990"),
    ],
)
def test_what_is_wrong_is_said_alike_by_every_word(wrong: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    kg = connect("memory")
    kg.put([claim(ANN, "knows", BEN)])
    for ask in (
        lambda: kg.facts(**wrong),
        lambda: kg.view(**wrong),
        lambda: kg.neighbours("Ann", **wrong),
        lambda: kg.paths("Ann", "Ben", **wrong),
        lambda: kg.dump(tmp_path / "facts.tsv", **wrong),
    ):
        with pytest.raises(BadRequest, match=sentence):
            ask()
    assert not list(tmp_path.iterdir())
