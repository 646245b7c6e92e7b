"""One ``KnowledgeGraph`` that eight threads read and write at once, as a server's threads or async code do."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.opening import connect
from kgplatform.ports import Store
from kgplatform.types import Claim, Entity, Evidence, Fact, FactKey, Relation, Source, SourceId

PEOPLE = [Entity(entity_id("person", f"p{n}"), f"p{n}", ("person",)) for n in range(8)]
BORN, KNOWS = Relation("born in", functional=True), Relation("knows", symmetric=True)
WRITERS, ROUNDS, EACH = 4, 2, 12
FIRST = Claim(PEOPLE[0], "knows", PEOPLE[1], (Evidence("import", Source(SourceId("doc:first"), "import"), 0.9, time=1),))
"""Never withdrawn."""


def claims_of(writer: int, round_: int) -> list[Claim]:
    """What a writer says; every writer speaks of the same few facts, by sources of its own and by common ones."""
    chosen = random.Random(100 * writer + round_)
    made = []
    for n in range(EACH):
        head, tail = chosen.sample(PEOPLE, 2)
        source = SourceId(f"doc:{chosen.choice([f'of {writer}', 'common'])}")
        piece = Evidence("text", Source(source, "document"), chosen.choice([1.0, 2.0, 3.0]), time=2 + n + 100 * round_ + 1_000 * writer)
        made.append(Claim(head, chosen.choice(["knows", "born in"]), tail, (piece,)))
    return made


def write(kg: KnowledgeGraph, writer: int) -> None:
    for round_ in range(ROUNDS):
        kg.put(claims_of(writer, round_))
    kg.forget(f"doc:of {writer}")
    kg.put(claims_of(writer, ROUNDS))


def read(kg: KnowledgeGraph, reader: int) -> None:
    """By every way, over and over: whole facts, each once, and always the one that was there from the beginning."""
    view = kg.view()
    for turn in range(ROUNDS):
        found = list(kg.facts(status="all"))
        assert len({fact.key for fact in found}) == len(found)
        assert all(0 < fact.confidence < 1 and fact.sources for fact in found)
        (first,) = (fact for fact in found if "doc:first" in fact.sources)
        assert first.key in {fact.key for fact in kg.neighbours("p0", hops=1 + turn % 2, status="all")}
        assert kg.paths("p0", "p1", max_hops=1, min_confidence=0.5 if reader % 2 else 0.0)
        assert kg.explain(first).reasons
        view = view.updated(kg)
        assert first.key in set(view.keys) | set(view.beside.keys)
        assert first.key in kg.facts(source="doc:first").to_arrow()["key"].to_pylist()


def believed(kg: KnowledgeGraph) -> dict[FactKey, tuple[Fact, set[str]]]:
    return {fact.key: (fact, set(map(repr, kg.store.evidence(fact.key)))) for fact in kg.facts(status="all")}


def test_eight_threads_read_and_write_and_end_with_the_right_facts(store: Store) -> None:
    kg, alone = KnowledgeGraph(store), connect("memory")
    for graph in (kg, alone):
        graph.learn([BORN, KNOWS])
        graph.put([FIRST])
    with ThreadPoolExecutor(8) as threads:
        working = [threads.submit(write, kg, n) for n in range(WRITERS)] + [threads.submit(read, kg, n) for n in range(8 - WRITERS)]
        for one in working:
            one.result()
    for writer in range(WRITERS):
        write(alone, writer)
    assert believed(kg) == believed(alone)
    view, fresh = kg.view(), alone.view()
    assert view.revision == fresh.revision and len(view) > 5
