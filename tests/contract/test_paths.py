"""Paths between entities of a graph, as people ask for them, over every store."""

from __future__ import annotations

import random

import pytest

from kgplatform.belief import Calibration
from kgplatform.errors import Ambiguous, BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.ports import Store
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Literal, Path, Relation, Source, SourceId


def entity(name: str, kind: str = "person") -> Entity:
    return Entity(entity_id(kind, name), name, (kind,))


MARIE, PIERRE, IRENE = entity("Marie Curie"), entity("Pierre Curie"), entity("Irène Curie")
PARIS, WARSAW = entity("Paris", "city"), entity("Warsaw", "city")
CARDS = [Relation("born in", inverse="birthplace of"), Relation("married to", symmetric=True)]


def claim(head: Entity, relation: str, tail: Entity | Literal, score: float = 3.0, source: str = "doc:1") -> Claim:
    return Claim(head, relation, tail, (Evidence("text", Source(SourceId(source), "document"), score),))


@pytest.fixture
def kg(store: Store) -> KnowledgeGraph:
    made = KnowledgeGraph(store)
    made.learn(relations=CARDS)
    made.put(
        [
            claim(MARIE, "born in", WARSAW),
            claim(MARIE, "born on", Literal("1867-11-07", "date")),
            claim(PIERRE, "born in", PARIS, 4.0),
            claim(MARIE, "married to", PIERRE, 4.0),
            claim(IRENE, "child of", MARIE, 2.0),
            claim(IRENE, "child of", PIERRE),
            claim(IRENE, "born in", PARIS, 2.0),
        ]
    )
    return made


def told(paths: list[Path]) -> list[str]:
    """Each path in one line: names, and relations as they are walked."""
    return [
        " ".join([path.steps[0].start.name, *(f"{'' if s.forward else '^'}{s.fact.relation} {s.end.name}" for s in path.steps)])  # type: ignore[union-attr]
        for path in paths
    ]


def test_the_shortest_come_first_and_no_entity_comes_twice(kg: KnowledgeGraph) -> None:
    paths = kg.paths("Marie Curie", "Paris")
    assert set(told(paths[:2])) == {"Marie Curie ^child of Irène Curie born in Paris", _married(kg) + " born in Paris"}
    assert [len(path.steps) for path in paths] == [2, 2, 3, 3]
    for path in paths:
        ends = [step.start for step in path.steps] + [path.steps[-1].end]
        assert len(set(ends)) == len(ends)
        assert all(kg.fact(step.fact.key) == step.fact for step in path.steps)
    assert told(kg.paths(MARIE.id, PARIS.id, k=1)) == told(paths[:1])
    assert kg.paths("Marie Curie", "Paris", max_hops=1) == []


def _married(kg: KnowledgeGraph) -> str:
    (fact,) = kg.facts(relation="married to")
    return f"Marie Curie {'' if fact.head == MARIE else '^'}married to Pierre Curie"


def test_the_most_believed_come_first(kg: KnowledgeGraph) -> None:
    assert told(kg.paths("Marie Curie", "Paris", k=1, by="confidence")) == [_married(kg) + " born in Paris"]
    (fact,) = kg.facts("Irène Curie", "born in")
    assert told(kg.paths("Marie Curie", "Paris", max_hops=2, min_confidence=fact.trust + 0.001)) == [_married(kg) + " born in Paris"]


def test_a_pattern_says_which_way_to_go(kg: KnowledgeGraph) -> None:
    assert told(kg.paths("Marie Curie", "Paris", pattern="married to/born in")) == [_married(kg) + " born in Paris"]
    assert told(kg.paths("Paris", pattern="birthplace of/child of+")) == told(kg.paths("Paris", pattern="^born in/child of+"))
    assert told(kg.paths("Irène Curie", pattern="child of")) == ["Irène Curie child of Marie Curie", "Irène Curie child of Pierre Curie"]


def test_directed_walks_go_from_head_to_tail_but_a_symmetric_relation_both_ways(kg: KnowledgeGraph) -> None:
    assert told(kg.paths("Marie Curie", "Paris", directed=True)) == [_married(kg) + " born in Paris"]
    assert kg.paths("Paris", "Marie Curie", directed=True) == []
    assert kg.paths("Pierre Curie", "Warsaw", directed=True)


def test_between_sets(kg: KnowledgeGraph) -> None:
    paths = kg.paths(["Marie Curie", "Pierre Curie"], {"Paris", "Warsaw"}, max_hops=1)
    assert sorted(told(paths)) == ["Marie Curie born in Warsaw", "Pierre Curie born in Paris"]


def test_what_is_written_and_withdrawn_meanwhile_counts(kg: KnowledgeGraph) -> None:
    before = told(kg.paths("Irène Curie", "Warsaw"))
    kg.put([claim(IRENE, "studied in", WARSAW, source="doc:2")])
    assert told(kg.paths("Irène Curie", "Warsaw", k=1)) == ["Irène Curie studied in Warsaw"]
    kg.reject("Irène Curie | studied in | Warsaw")
    assert told(kg.paths("Irène Curie", "Warsaw")) == before
    kg.retract("Irène Curie | studied in | Warsaw")
    assert len(told(kg.paths("Irène Curie", "Warsaw"))) > len(before)
    kg.forget("doc:2")
    assert told(kg.paths("Irène Curie", "Warsaw")) == before
    kg.publish(Calibration(revision="doubtful", prior=-9.0))
    assert kg.paths("Irène Curie", "Warsaw") == []


def test_an_entity_that_was_merged_is_walked_through_as_the_other(kg: KnowledgeGraph) -> None:
    kg.put([claim(entity("Mme Curie"), "worked in", entity("Sceaux", "city"))])
    assert kg.paths("Warsaw", "Sceaux") == []
    kg.merge("Marie Curie", "Mme Curie")
    assert told(kg.paths("Warsaw", "Sceaux")) == ["Warsaw ^born in Marie Curie worked in Sceaux"]


def test_what_cannot_be_asked_is_said_in_a_sentence(kg: KnowledgeGraph) -> None:
    for wrong, sentence in [
        ({"b": "Marie Curie"}, "at both ends"),
        ({"b": "Paris", "by": "longest"}, "there are shortest, specific, confidence"),
        ({"b": "Paris", "k": 0}, "k must be a whole number from 1 to 1000"),
        ({"b": "Paris", "max_hops": 0}, "max_hops must be a whole number from 1 to 100"),
        ({"b": "Paris", "min_confidence": float("nan")}, "from 0 to 1"),
        ({"b": "Paris", "pattern": "born in", "directed": True}, "leave out  directed"),
        ({"b": []}, "at least one entity at each end"),
        ({}, "a pattern that leads to the ends"),
    ]:
        with pytest.raises(BadRequest, match=sentence):
            kg.paths("Marie Curie", **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="near it: born in"):
        kg.paths("Marie Curie", "Paris", pattern="bron in")
    with pytest.raises(NotFound, match="no entity is called 'Pariss'"):
        kg.paths("Marie Curie", "Pariss")
    kg.put([claim(entity("Paris", "myth"), "son of", entity("Priam", "myth"))])
    with pytest.raises(Ambiguous, match="give the id"):
        kg.paths("Marie Curie", "Paris")


def test_a_server_is_not_read_whole_for_ends_of_few_facts(served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the answers are those of the whole."""
    chosen = random.Random(0)
    people = [entity(f"Person {number}") for number in range(1_500)]
    heads = [*people, *people[::3]]
    claims = [claim(head, f"r{chosen.randrange(4)}", chosen.choice(people), 2 + 2 * chosen.random()) for head in heads]
    whole, near = KnowledgeGraph(MemoryStore()), KnowledgeGraph(served)
    for graph in (whole, near):
        graph.put(claims)
    led = told(whole.paths("Person 0", pattern="(r0|r1|^r2|r3)+", k=99))
    ends = [path.steps[-1].end.name for path in whole.paths("Person 0", pattern="(r0|r1|r2|r3)+", max_hops=3, k=4)]  # type: ignore[union-attr]
    by_hops = [told(whole.paths("Person 0", end, min_confidence=0.5)) for end in ends[:2]]
    assert led
    assert all(by_hops)
    with monkeypatch.context() as patch:
        patch.setattr("kgplatform.viewing.read", lambda *_: pytest.fail("the whole graph was read"))
        assert told(near.paths("Person 0", pattern="(r0|r1|^r2|r3)+", k=99)) == led
        assert [told(near.paths("Person 0", end, min_confidence=0.5)) for end in ends[:2]] == by_hops
    for by in ("shortest", "confidence", "specific"):  # at last it is read
        for end in ends:
            assert told(near.paths("Person 0", end, 8, by=by)) == told(whole.paths("Person 0", end, 8, by=by)) != []


def test_an_entity_without_facts_between_entities_has_no_paths(kg: KnowledgeGraph) -> None:
    kg.put([claim(entity("Hermit"), "born on", Literal("1900", "date"))])
    assert kg.paths("Hermit", "Paris") == []
    assert kg.paths("Hermit", pattern="born in") == []
