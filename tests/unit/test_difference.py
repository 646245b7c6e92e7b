"""What a run changed, told at its end."""

from __future__ import annotations

import json

import pytest

from kgplatform.difference import Before, Seen, difference, seen
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Relation, Source, SourceId


def thing(name: str) -> Entity:
    return Entity(entity_id("thing", name), name)


def claim(head: str, relation: str, tail: str, document: str = "1", score: float = 1.0) -> Claim:
    piece = Evidence("text", Source(SourceId(f"doc:{document}"), "document"), score, quote=f"{head} {tail}", start=0, end=9, time=1_000)
    return Claim(thing(head), relation, thing(tail), (piece,))


@pytest.fixture
def kg() -> KnowledgeGraph:
    graph = KnowledgeGraph(MemoryStore())
    graph.learn([Relation("born in", inverse="birthplace of", functional=True)])
    graph.put([claim("Marie", "born in", "Warsaw"), claim("Pierre", "born in", "Paris"), claim("Eve", "likes", "music", "old")])
    return graph


def test_what_is_new_stronger_conflicting_and_withdrawn_is_told(kg: KnowledgeGraph) -> None:
    claims = [
        claim("Warsaw", "birthplace of", "Marie", "2"),
        claim("Pierre", "born in", "Lyon", "2"),
        claim("Irène", "born in", "Paris", "2"),
    ]
    before: Seen = json.loads(json.dumps(seen(kg, claims, [SourceId("doc:old")])))
    assert len(kg.put(claims).refused) == 0
    kg.forget("doc:old")
    found = difference(kg, before)
    assert (found.new.count, set(found.new.examples)) == (2, {"Pierre | born in | Lyon", "Irène | born in | Paris"})
    assert (found.strengthened.count, found.strengthened.examples) == (1, ("Marie | born in | Warsaw",))
    assert (found.conflicting.count, found.conflicting.examples) == (1, ("Pierre | born in | Lyon",))
    assert (found.withdrawn.count, found.weakened.count, found.looked) == (1, 0, 3)
    assert json.loads(json.dumps(found.shape()))["new"]["count"] == 2


def test_the_same_again_is_no_difference(kg: KnowledgeGraph) -> None:
    claims = [claim("Marie", "born in", "Warsaw"), claim("Pierre", "born in", "Paris")]
    before = seen(kg, claims)
    kg.put(claims)
    assert difference(kg, before).shape() == difference(kg, {}).shape() | {"looked": 0}


def test_a_source_that_says_less_than_before_weakens_what_others_say_too(kg: KnowledgeGraph) -> None:
    kg.put([claim("Marie", "born in", "Warsaw", "2")])
    before = seen(kg, sources=[SourceId("doc:2")])
    kg.forget("doc:2")
    assert (difference(kg, before).weakened.count, difference(kg, before).withdrawn.count) == (1, 0)


def test_over_several_steps_the_first_look_counts(kg: KnowledgeGraph) -> None:
    before = Before(kg, Direct())
    for document in ("2", "3"):
        claims = [claim("Irène", "born in", "Paris", document), claim("Marie", "born in", "Warsaw", document)]
        assert before.look(document, lambda claims=claims: claims)  # type: ignore[misc]
        kg.put(claims)
    found = before.difference()
    assert (found.new.count, found.strengthened.count) == (1, 1)


def test_facts_of_merged_entities_are_found_where_they_lie(kg: KnowledgeGraph) -> None:
    kg.put([claim("Maria", "likes", "physics")])
    kg.merge("Marie", "Maria")
    claims = [claim("Maria", "born in", "Warsaw", "2")]
    before = seen(kg, claims)
    kg.put(claims)
    found = difference(kg, before)
    assert (found.new.count, found.strengthened.count) == (0, 1)
