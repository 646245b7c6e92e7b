"""What every store keeps of its promises (``kgplatform.ports.Store``)."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import itertools
import math
import pkgutil
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

import kgplatform.store
from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.ports import Signature, Store
from kgplatform.store import bolt, fulltext, local, memory, neo4j, paging, records
from kgplatform.types import (
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Kind,
    Literal,
    Method,
    Qualifiers,
    Relation,
    Source,
    SourceId,
    Status,
    in_words,
)
from kgplatform.view import GraphView

ALL = FactQuery(status="all")
HOSTILE = [
    'O\'Brien "the" \\ quote',
    "two\nlines\tand tab",
    "😀👩‍👩‍👧 emoji",
    "مرحبا بالعالم",
    "<script>alert(1)</script>",
    "x'}) DETACH DELETE n //",
    "`:Evil {a: 1}) MATCH (n) DELETE n`",
    "$(type) <<WHERE>> {head} %s %7C | a=b",
    "null\x00byte \ud800 surrogate",
    "ab" * 5_000,
    "many words " * 900,
    "+ - && || ! ( ) { } [ ] ^ ~ * ? : / AND OR NOT",
    "+++",
]


def thing(name: str, kind: str = "person", *aliases: str, description: str = "") -> Entity:
    return Entity(names.entity_id(kind, name), name, (kind,), aliases, description)


def told(source: str = "doc:1", score: float = 2.0, method: Method = "text", time: int = 1_000, quote: str = "", run: str = "") -> Evidence:
    return Evidence(method, Source(SourceId(source), "document", f"Title of {source}"), score, quote=quote, time=time, run=run)


def review(score: float, by: str = "person:ann", time: int = 1_000) -> Evidence:
    return Evidence("review", Source(SourceId(by), "person"), score, time=time)


def claim(head: str, relation: str, tail: str | Literal, *evidence: Evidence, qualifiers: Qualifiers = ()) -> Claim:
    end = tail if isinstance(tail, Literal) else thing(tail, "city")
    return Claim(thing(head), relation, end, evidence or (told(),), qualifiers)


def key_of(one: Claim) -> FactKey:
    return names.fact_key(one.relation, one.head.id, one.tail if isinstance(one.tail, Literal) else one.tail.id)


def state(store: Store) -> dict[FactKey, tuple[Fact, tuple[Evidence, ...]]]:
    found = {fact.key: fact for fact in store.facts(ALL)}
    evidence = store.evidence_at(found)
    return {key: (fact, evidence[key]) for key, fact in found.items()}


def only(store: Store) -> Fact:
    (fact,) = store.facts(ALL)
    return fact


def test_a_claim_becomes_a_fact(store: Store) -> None:
    given = Claim(
        thing("Marie Curie", "person", "Maria Skłodowska", description="physicist"), "born in", thing("Warsaw", "city"), (told(),)
    )
    assert store.put([given]) == dataclasses.replace(store.put([]), new=1)
    fact = only(store)
    assert (fact.head, fact.relation, fact.tail) == (given.head, "born in", given.tail)
    assert fact.key == key_of(given)
    assert fact.confidence == fact.trust == belief.probability(Calibration().prior_weight("born in") + 2 * belief.UNIT)
    assert (fact.verdict, fact.judge, fact.methods, fact.sources) == ("none", "", ("text",), ("doc:1",))
    assert store.fact(fact.key) == fact


def test_the_same_evidence_again_changes_nothing(store: Store) -> None:
    undated = claim("Ada", "born in", "London", told(time=0))
    given = [claim("Marie", "born in", "Warsaw"), claim("Marie", "born on", Literal("1867-11-07", "date")), undated]
    store.put(given)
    before = state(store)
    again = store.put(given)
    assert (again.new, again.merged, again.unchanged) == (0, 0, 3)
    assert state(store) == before
    later = store.put([claim("Marie", "born in", "Warsaw", told(time=5_000))])
    assert (later.new, later.merged, later.unchanged) == (0, 0, 1)


def test_second_evidence_is_merged_and_believed_more(store: Store) -> None:
    store.put([claim("Marie", "born in", "Warsaw")])
    before = only(store)
    receipt = store.put([claim("Marie", "born in", "Warsaw", told("doc:2"))])
    assert (receipt.new, receipt.merged, receipt.unchanged) == (0, 1, 0)
    assert only(store).confidence > before.confidence
    assert only(store).sources == ("doc:1", "doc:2")


def test_of_two_scores_the_later_counts_in_any_order(store: Store) -> None:
    early, late = told(score=3.0, time=1_000), told(score=0.5, time=2_000)
    for name, order in (("A", (early, late)), ("B", (late, early))):
        for piece in order:
            store.put([claim(name, "born in", "Warsaw", piece)])
        assert store.evidence(key_of(claim(name, "born in", "Warsaw"))) == (late,)
    undated = [told(score=score, time=0) for score in (3.0, 0.5)]
    receipts = [store.put([claim("C", "born in", "Warsaw", piece)]) for piece in undated]
    assert [r.merged for r in receipts] == [0, 1]
    assert [e.score for e in store.evidence(key_of(claim("C", "born in", "Warsaw")))] == [0.5]


def test_literals_stand_as_tails_and_go_with_their_fact(store: Store) -> None:
    values = [Literal("12.5", "decimal", "km"), Literal("chat", "string", "", "fr"), Literal("x|y=%\n'\"" * 400)]
    store.put([claim("Marie", "has", value) for value in values])
    store.put([claim("Pierre", "has", values[0], told("doc:2"))])
    assert {fact.tail for fact in store.facts(ALL)} == set(values)
    assert store.count(FactQuery(head=thing("Marie").id)) == 3
    assert store.forget(SourceId("doc:1")).facts_removed == 3
    assert only(store).tail == values[0]
    assert only(store).head == thing("Pierre")


def test_what_cannot_be_kept_is_refused_with_a_sentence_and_the_rest_is_kept(store: Store) -> None:
    good = claim("Marie", "born in", "Warsaw")
    bad = [
        dataclasses.replace(good, evidence=()),
        dataclasses.replace(good, head=Entity(EntityId("=x"), "x")),
        dataclasses.replace(good, head=Entity(EntityId("y" * 2_000), "x")),
        dataclasses.replace(good, tail=Entity(EntityId("z"), " \n")),
        dataclasses.replace(good, relation=" "),
        dataclasses.replace(good, relation="r" * 300),
        dataclasses.replace(good, evidence=(told(""),)),
        dataclasses.replace(good, evidence=(told(quote="q" * 2_000_000),)),
    ]
    receipt = store.put([*bad, good])
    assert receipt.new == 1
    assert [refusal.claim for refusal in receipt.refused] == bad
    assert all(len(refusal.why) > 20 and "\n" not in refusal.why for refusal in receipt.refused)
    assert only(store).key == key_of(good)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_goes_in_and_comes_out(store: Store, number: int) -> None:
    text = HOSTILE[number][: names.NAME_LENGTH - 10]
    name, description = names.clean(text), names.clean(HOSTILE[number])
    relation = name[:40].strip()
    said = Evidence(
        "text", Source(SourceId("s:1"), "document", name, name), 1.0, quote=name, head_words=name, time=5, detail=((name, name),)
    )
    given = Claim(
        Entity(names.entity_id("person", text), text, ("person", relation), (f"alias {name}",), description),
        relation,
        thing(text, relation),
        (said,),
        ((relation, name[:500]),),
    )
    bystander = claim("Bystander", "knows", "Town")
    assert store.put([given, bystander]).refused == ()
    (fact,) = store.facts(FactQuery(head=given.head.id, relation=relation, status="all"))
    assert fact.head.name == name
    assert fact.head.aliases == (f"alias {name}",)
    assert fact.head.description == description
    assert fact.relation == relation
    assert isinstance(fact.tail, Entity)
    assert (fact.tail.name, fact.tail.kinds) == (name, (relation,))
    assert fact.qualifiers == ((relation, name[:500]),)
    assert store.evidence(fact.key) == (said,)
    assert {hit.entity.name for hit in store.search(text)} >= {name}
    assert [e.id for e in store.named([names.normalise(name)])[names.normalise(name)]] == sorted({given.head.id, fact.tail.id})
    assert [e.id for e in store.named([names.normalise(f"alias {name}")])[names.normalise(f"alias {name}")]] == [given.head.id]
    assert store.count(ALL) == 2


def test_a_name_that_is_too_long_is_refused_with_a_sentence(store: Store) -> None:
    longest, longer = "n" * names.NAME_LENGTH, "n" * (names.NAME_LENGTH + 1)
    given = [
        Claim(Entity(EntityId("a"), longer), "knows", thing("Ann"), (told(),)),
        Claim(Entity(EntityId("b"), "Bea", aliases=(longer,)), "knows", thing("Ann"), (told(),)),
        Claim(thing("Ann"), "knows", Entity(EntityId("c"), longest), (told(),)),
    ]
    receipt = store.put(given)
    assert [one.claim for one in receipt.refused] == given[:2]
    assert all("it has 1,001 characters, at most 1,000" in one.why for one in receipt.refused)
    assert isinstance(only(store).tail, Entity)
    assert only(store).tail == Entity(EntityId("c"), longest)


def test_queries_select_by_every_part(store: Store) -> None:
    given = [
        claim("Marie", "born in", "Warsaw", told("doc:1", 2.0)),
        claim("Marie", "lived in", "Paris", told("doc:2", 3.5)),
        claim("Pierre", "born in", "Paris", told("doc:2", 1.5), told("doc:3", 1.0)),
        claim("Pierre", "likes", Literal("tea"), told("doc:3", 1.5)),
    ]
    store.put(given)
    keys = [key_of(one) for one in given]
    marie, paris = thing("Marie").id, thing("Paris", "city").id
    for query, expected in [
        (FactQuery(), {0, 1, 2, 3}),
        (FactQuery(head=marie), {0, 1}),
        (FactQuery(tail=paris), {1, 2}),
        (FactQuery(head=marie, tail=paris), {1}),
        (FactQuery(relation="born in"), {0, 2}),
        (FactQuery(relation="Born in"), set()),
        (FactQuery(relation="never seen"), set()),
        (FactQuery(head=marie, relation="born in"), {0}),
        (FactQuery(tail=paris, relation="born in"), {2}),
        (FactQuery(source=SourceId("doc:2")), {1, 2}),
        (FactQuery(source=SourceId("doc:2"), relation="born in", tail=paris), {2}),
        (FactQuery(source=SourceId("doc:9")), set()),
        (FactQuery(head=EntityId("person:nobody")), set()),
        (FactQuery(min_confidence=0.8), {1, 2}),
    ]:
        assert {fact.key for fact in store.facts(query)} == {keys[n] for n in expected}, query
        assert store.count(query) == len(expected), query
    for limit in (0, 1, 3, 9):
        assert len(list(store.facts(FactQuery(limit=limit)))) == store.count(FactQuery(limit=limit)) == min(limit, 4)


def test_facts_come_in_the_order_of_head_and_key(store: Store) -> None:
    given = [claim(f"p{n % 7}", f"r{n % 3}", f"c{n % 11}", told(f"doc:{n % 2}")) for n in range(60)]
    store.put(given)
    for query in (ALL, FactQuery(relation="r1"), FactQuery(source=SourceId("doc:1")), FactQuery(tail=thing("c3", "city").id)):
        found = list(store.facts(query))
        assert found == sorted(found, key=lambda fact: (fact.head.id, fact.key))
        assert len({fact.key for fact in found}) == len(found) > 3


def test_facts_go_on_behind_a_key_also_one_that_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    store.put([claim(f"p{n % 4}", f"r{n % 3}", f"c{n % 11}", told(f"doc:{n % 2}")) for n in range(40)])
    head, tail = thing("p1").id, thing("c3", "city").id
    for query in (ALL, FactQuery(relation="r1"), FactQuery(head=head), FactQuery(source=SourceId("doc:1")), FactQuery(tail=tail)):
        whole = [fact.key for fact in store.facts(query)]
        gone: list[FactKey] = []
        after = None
        while page := [fact.key for fact in store.facts(dataclasses.replace(query, after=after, limit=3))]:
            gone, after = [*gone, *page], page[-1]
        assert gone == whole and len(whole) > 3
        assert store.count(dataclasses.replace(query, after=whole[2])) == len(whole) - 3
    store.forget(SourceId("doc:0"))
    left = [fact.key for fact in store.facts(ALL)]
    behind = dataclasses.replace(ALL, after=key_of(claim("p2", "r", "c")))
    assert [fact.key for fact in store.facts(behind)] == [key for key in left if "|person:p3|" in key]


def test_signatures_say_what_current_facts_join(store: Store) -> None:
    assert store.signatures() == []
    store.put([claim("Marie", "born in", "Warsaw"), claim("Pierre", "born in", "Paris"), claim("Eve", "born in", "Mars", review(-1))])
    store.put([claim("Marie", "born on", Literal("1867", "date"))])
    assert store.signatures() == [Signature("born in", "person", "city", 2), Signature("born on", "person", "date", 1)]


def test_facts_are_complete_over_many_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    given = [claim(f"p{n:02}", "r", f"c{n % 5}") for n in range(20)]
    store.put(given)
    assert [fact.key for fact in store.facts(ALL)] == sorted(map(key_of, given))
    assert len(list(store.facts(FactQuery(relation="r", limit=7)))) == 7
    assert len(list(store.facts(FactQuery(source=SourceId("doc:1"))))) == 20


def test_columns_are_the_facts_in_the_same_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    store.put([*random_claims(1), claim("Ada", "height", Literal("165", "integer", "cm"))])
    for query in (ALL, FactQuery(), FactQuery(relation="born in", status="all"), FactQuery(status="all", limit=7)):
        facts = list(store.facts(query))
        columns = list(store.columns(query))
        assert [key for part in columns for key in part.key] == [fact.key for fact in facts]
        assert [tail for part in columns for tail in part.tail] == [in_words(fact.tail) for fact in facts]
        assert [one for part in columns for one in part.origin] == [fact.origin for fact in facts]
        assert [one for part in columns for one in part.confidence] == [fact.confidence for fact in facts]
    (fact,) = store.facts(FactQuery(relation="height", status="all"))
    for query in (FactQuery(source=fact.sources[0], status="all"), FactQuery(head=fact.head.id, status="all")):
        assert sorted(key for part in store.columns(query) for key in part.key) == sorted(fact.key for fact in store.facts(query))


def test_triples_and_values_are_the_facts_by_ids(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    heights = [claim("Ada", "height", Literal("165", "integer", "cm")), claim("Ada", "height", Literal("tall"))]
    store.put([*random_claims(1), *heights, claim("Ada", "born on", Literal("1815-12-10", "date"))])
    source = next(iter(store.facts(ALL))).sources[0]
    ada = thing("Ada").id
    for query in (
        ALL,
        FactQuery(),
        FactQuery(relation="born in", status="all"),
        FactQuery(source=source),
        FactQuery(head=ada, status="all"),
    ):
        facts = list(store.facts(query))
        ends = [(f.key, f.head.id, f.relation, f.tail.id, f.trust) for f in facts if isinstance(f.tail, Entity)]
        values = [(f.key, f.head.id, f.relation, f.tail.value, f.tail.datatype, f.tail.unit) for f in facts if isinstance(f.tail, Literal)]
        assert sorted(row for part in store.triples(query) for row in zip(*part, strict=True)) == sorted(ends)
        assert sorted(row for part in store.values(query) for row in zip(*part, strict=True)) == sorted(values)
        for tails, many in (("entities", len(ends)), ("literals", len(values))):
            narrow = dataclasses.replace(query, tails=tails)  # type: ignore[arg-type]
            assert (store.count(narrow), len(list(store.facts(narrow)))) == (many, many)
    assert len(list(store.values(ALL))) > 0
    assert sum(len(part.key) for part in store.triples(FactQuery(status="all", limit=7))) == 7
    near = store.neighbours([ada], FactQuery(status="all", tails="literals"))
    assert {fact.relation for fact in near} == {"height", "born on"}
    assert len(near) == 3


def test_what_is_told_since_now_is_what_was_not_to_be_read_yet(store: Store) -> None:
    store.put([claim("Marie", "born in", "Warsaw")])
    now = store.now()
    assert now >= max(change.time for change in store.changes())
    store.put([claim("Marie", "lived in", "Paris")])
    assert key_of(claim("Marie", "lived in", "Paris")) in {key for change in store.changes(now) for key in change.keys}
    # The same evidence again, which tells of a kind that was not known: a follower has to look.
    now = store.now() + 1
    store.put([dataclasses.replace(claim("Marie", "born in", "Warsaw"), head=thing("Marie", "person"), tail=thing("Warsaw", "city"))])
    assert not [change for change in store.changes(now) if change.time > now and change.keys and isinstance(store, bolt.BoltStore)]
    known = dataclasses.replace(thing("Warsaw", "city"), kinds=("city", "capital"))
    store.put([dataclasses.replace(claim("Marie", "born in", "Warsaw"), tail=known)])
    later = {key for change in store.changes(now) if change.time > now for key in change.keys}
    assert key_of(claim("Marie", "born in", "Warsaw")) in later


def test_followers_learn_of_a_new_calibration(store: Store) -> None:
    store.put([claim("Marie", "born in", "Warsaw")])
    last = max(change.time for change in store.changes())
    store.publish(STRICTER)
    assert key_of(claim("Marie", "born in", "Warsaw")) in {k for change in store.changes(last) if change.time > last for k in change.keys}


def test_a_view_follows_its_graph(store: Store) -> None:
    kg = KnowledgeGraph(store)
    kg.put([*random_claims(2), claim("Ada", "height", Literal("165", "integer", "cm"))])
    view = kg.view(literals=True)
    assert view.revision == dataclasses.replace(GraphView.of(kg.facts()), literals=view.literals).revision
    kg.put(random_claims(3)[:20])
    first, other = list(view.entities)[:2]
    kg.reject(next(fact for fact in kg.facts() if isinstance(fact.tail, Entity)))
    made = kg.merge(first.id, other.id)
    merged = view.updated(kg)
    assert (merged.revision, merged.keys) == ((fresh := kg.view(literals=True)).revision, fresh.keys)
    kg.undo(made)
    kg.forget(next(iter(kg.sources())))
    now = merged.updated(kg)
    assert (now.revision, now.keys) == ((fresh := kg.view(literals=True)).revision, fresh.keys)
    assert now.revision not in (view.revision, merged.revision)


def test_status_is_what_the_pure_function_says(store: Store) -> None:
    parts: list[tuple[Evidence, ...]] = [(), (told("doc:1", 3.0),), (told("doc:1", -2.0),), (told("doc:1", 1.0),)]
    graphs: list[tuple[Evidence, ...]] = [(), (told("model:x", 2.0, "graph"),)]
    reviews: list[tuple[Evidence, ...]] = [
        (),
        (review(1.0),),
        (review(-1.0),),
        (review(0.0),),
        (review(1.0), review(-1.0, "person:bob", 2_000)),
    ]
    given = [
        claim(f"p{n}", "r", "c", *text, *graph, *judged)
        for n, (text, graph, judged) in enumerate(itertools.product(parts, graphs, reviews))
        if text or graph or judged
    ]
    store.put(given)
    facts = list(store.facts(ALL))
    assert len(facts) == len(given)
    seen: set[Status] = set()
    for status in ("current", "predicted", "proposed", "rejected"):
        wanted: Status = status
        expected = {fact.key for fact in facts if belief.status(fact.verdict, fact.trust, fact.methods) == wanted}
        assert {fact.key for fact in store.facts(FactQuery(status=wanted))} == expected
        assert store.count(FactQuery(status=wanted)) == len(expected)
        assert {fact.key for fact in store.neighbours([thing("c", "city").id], FactQuery(status=wanted))} == expected
        seen |= {wanted} if expected else set()
    assert len(seen) == 4


def test_evidence_comes_back_whole_and_strongest_first(store: Store) -> None:
    full = Evidence(
        "text",
        Source(SourceId("doc:1"), "document", "T", "file:///t"),
        1.25,
        "m@1",
        "the quote",
        3,
        12,
        "she",
        "it",
        "run:1",
        77,
        (("b", "2"), ("a", "1")),
    )
    pieces = (
        told("doc:2", -3.0),
        told("doc:3", 2.5, "memory"),
        full,
        told("doc:4", 0.1),
        told("doc:5", math.nan),
        told("doc:6", 0.9, "import"),
    )
    store.put([claim("Marie", "born in", "Warsaw", *pieces)])
    found = store.evidence(key_of(claim("Marie", "born in", "Warsaw")))
    assert full in found
    assert [piece.source.id for piece in found] == ["doc:6", "doc:2", "doc:3", "doc:1", "doc:4", "doc:5"]
    assert math.isnan(found[-1].score)


def test_unknown_keys_have_no_fact(store: Store) -> None:
    for key in ("r|a|b", "nonsense", "", "a|b", "r|a|=string:::x"):
        assert store.fact(FactKey(key)) is None
        assert store.evidence(FactKey(key)) == ()


def test_entities_learn_names_and_kinds_but_keep_their_own(store: Store) -> None:
    curie = EntityId("Q7186")
    first = Entity(curie, "Marie Curie", ("person",), ("Maria",))
    then = Entity(curie, "Madame Curie", ("person", "chemist", "chemical element"), ("M. Curie",), "physicist")
    store.put([Claim(first, "born in", thing("Warsaw", "city"), (told(),)), Claim(thing("Eve"), "child of", first, (told(),))])
    store.put([Claim(then, "won", thing("Prize", "award"), (told("doc:2"),))])
    found = store.entities([curie, EntityId("nobody")])
    assert set(found) == {curie}
    assert found[curie].name == "Marie Curie"
    assert set(found[curie].aliases) == {"Maria", "Madame Curie", "M. Curie"}
    assert found[curie].kinds[0] == "person"
    assert set(found[curie].kinds) == {"person", "chemist", "chemical element"}
    assert found[curie].description == "physicist"
    assert {fact.relation for fact in store.neighbours([curie], ALL)} == {"born in", "child of", "won"}
    assert all(found[curie] in (fact.head, fact.tail) for fact in store.facts(ALL))


def test_neighbours_stand_at_either_end_most_believed_first(store: Store) -> None:
    store.put(
        [
            claim("Marie", "born in", "Warsaw", told(score=1.2)),
            claim("Marie", "lived in", "Paris", told(score=3.0)),
            Claim(thing("Eve"), "child of", thing("Marie"), (told(score=2.0),)),
            Claim(thing("Marie"), "knows", thing("Marie"), (told(score=1.5),)),
            claim("Else", "born in", "Rome"),
            claim("Marie", "age", Literal("66", "integer"), told(score=1.3)),
        ]
    )
    marie = thing("Marie").id
    assert [fact.relation for fact in store.neighbours([marie], ALL)] == ["lived in", "child of", "knows", "age", "born in"]
    assert [fact.relation for fact in store.neighbours([marie, thing("Eve").id], FactQuery(limit=2))] == ["lived in", "child of"]
    assert [fact.relation for fact in store.neighbours([marie], FactQuery(relation="born in"))] == ["born in"]
    assert store.neighbours([], ALL) == store.neighbours([EntityId("nobody")], ALL) == []


def test_forgetting_a_source_takes_what_it_alone_held(store: Store) -> None:
    store.put([claim("Marie", "born in", "Warsaw", told("doc:1"), told("doc:2"))])
    store.put([claim("Marie", "lived in", "Paris", told("doc:1", quote="one")), claim("Marie", "age", Literal("66", "integer"))])
    done = store.forget(SourceId("doc:1"))
    assert (done.evidence, done.facts_removed, done.facts_kept) == (3, 2, 1)
    assert only(store).sources == ("doc:2",)
    assert set(store.entities([thing("Paris", "city").id, thing("Warsaw", "city").id, thing("Marie").id])) == {
        thing("Marie").id,
        thing("Warsaw", "city").id,
    }
    assert store.search("Paris") == []
    assert (
        store.forget(SourceId("doc:1"))
        == store.forget(SourceId("nothing"))
        == dataclasses.replace(done, evidence=0, facts_removed=0, facts_kept=0)
    )
    assert store.put([claim("Marie", "lived in", "Paris", told("doc:1"))]).new == 1
    assert store.forget(SourceId("doc:1")).facts_removed == 1


def test_search_finds_exact_first_then_beginnings_and_misspellings(store: Store) -> None:
    store.put(
        [
            claim("Marie Curie", "born in", "Warsaw"),
            claim("Curie", "is", "Unit"),
            claim("Curie Institute", "in", "Paris"),
            Claim(thing("Albert Einstein", "person", "Einstein, A."), "born in", thing("Ulm", "city"), (told(),)),
            claim("居里夫人", "born in", "Zürich"),
        ]
    )
    assert store.search("CURIE")[0].entity.name == "Curie"
    assert {hit.entity.name for hit in store.search("curie")} >= {"Curie", "Curie Institute", "Marie Curie"}
    for text, expected in [
        ("Warsa", "Warsaw"),
        ("Wrsaw", "Warsaw"),
        ("einstien", "Albert Einstein"),
        ("Einstein, A.", "Albert Einstein"),
        ("marie cur", "Marie Curie"),
        ("居里", "居里夫人"),
        ("  zürich ", "Zürich"),
    ]:
        assert expected in [hit.entity.name for hit in store.search(text)], text
    assert len(store.search("curie", limit=2)) == 2
    scores = [hit.score for hit in store.search("curie")]
    assert scores == sorted(scores, reverse=True)
    assert store.search("xylophone quartet") == store.search("") == store.search("curie", limit=0) == []
    for text in HOSTILE:
        assert isinstance(store.search(text), list)


def test_named_finds_exact_names_and_aliases_in_one_go(store: Store) -> None:
    store.put(
        [
            Claim(thing("Paris", "city", "Lutetia", "+++"), "in", thing("France", "country"), (told(),)),
            Claim(thing("Paris", "person"), "of", thing("Troy", "city", "Ilion"), (told(),)),
        ]
    )
    found = store.named(["paris", "lutetia", "ilion", "+++", "par", ""])
    assert {name: [one.id for one in listed] for name, listed in found.items()} == {
        "paris": ["city:paris", "person:paris"],
        "lutetia": ["city:paris"],
        "ilion": ["city:troy"],
        "+++": ["city:paris"],
        "par": [],
        "": [],
    }
    assert store.named([]) == {}


def test_aliases_that_share_words_are_looked_up_one_by_one(served: bolt.BoltStore) -> None:
    many = [thing(f"Entity {n}", "city", f"alias {n}") for n in range(200)]
    served.put([Claim(many[n], "in", many[n - 1], (told(),)) for n in range(200)])
    found = served.named(["alias 7", "alias 20", "alias", "entity 7"])
    assert {name: [one.id for one in listed] for name, listed in found.items()} == {
        "alias 7": [many[7].id],
        "alias 20": [many[20].id],
        "alias": [],
        "entity 7": [many[7].id],
    }
    proposed = "CALL db.index.fulltext.queryNodes($index, $mark) YIELD node RETURN node.id AS id"
    for key, ids in (("alias 7", [many[7].id]), ("alias", []), ("entity 7", [])):
        rows = served._connection.rows(proposed, index=served._dialect.aliases, mark=fulltext.mark(key))
        assert [row["id"] for row in rows] == ids


def test_cards_and_kinds_are_kept_and_replaced(store: Store) -> None:
    kinds = (("q", "city"),)
    card = Relation("born in", "…", ("person",), ("city",), key_qualifiers=("q",), qualifier_kinds=kinds, prompts=("{head} {tail}",))
    card = dataclasses.replace(card, seeds=(("a", "b"), ("a", "c", "d")))
    store.learn([card, Relation("other")], [Kind("city", "place", "towns", ("Rome",)), Kind("place")])
    assert store.relations() == {"born in": card, "other": Relation("other")}
    assert store.kinds()["city"] == Kind("city", "place", "towns", ("Rome",))
    store.learn([dataclasses.replace(card, functional=True)])
    assert store.relations()["born in"].functional
    assert set(store.kinds()) == {"city", "place"}


def test_key_qualifiers_make_facts_and_others_follow_the_strongest_evidence(store: Store) -> None:
    store.learn([Relation("president of", key_qualifiers=("valid_from",))])
    for year in ("1885", "1893"):
        store.put([claim("Cleveland", "president of", "USA", qualifiers=(("valid_from", year), ("valid_to", "x")))])
    assert store.count(ALL) == 2
    assert {fact.qualifiers for fact in store.facts(ALL)} == {(("valid_from", year), ("valid_to", "x")) for year in ("1885", "1893")}
    weak, strong = told("doc:1", 1.0), told("doc:2", 3.0)
    key = key_of(claim("Marie", "born in", "Warsaw"))
    store.put([claim("Marie", "born in", "Warsaw", strong, qualifiers=(("valid_from", "1867"), ("key", "mine")))])
    store.put([claim("Marie", "born in", "Warsaw", weak, qualifiers=(("valid_from", "1868"), ("where", "home")))])
    found = store.fact(key)
    assert found is not None
    assert found.qualifiers == (("key", "mine"), ("valid_from", "1867"), ("where", "home"))
    store.forget(SourceId("doc:2"))
    found = store.fact(key)
    assert found is not None
    assert found.qualifiers == (("valid_from", "1868"), ("where", "home"))


def test_the_latest_review_decides(store: Store) -> None:
    def judged() -> tuple[str, str]:
        return only(store).verdict, only(store).judge

    store.put([claim("Marie", "born in", "Rome", told(score=3.0))])
    store.put([claim("Marie", "born in", "Rome", review(-1.0, time=2_000))])
    assert judged() == ("rejected", "person:ann")
    assert only(store).confidence < 0.01
    store.put([claim("Marie", "born in", "Rome", review(1.0, "person:bob", 3_000))])
    assert judged() == ("accepted", "person:bob")
    store.put([claim("Marie", "born in", "Rome", review(-1.0, "person:ann", 1_000))])
    assert judged() == ("accepted", "person:bob")
    store.put([claim("Marie", "born in", "Rome", review(0.0, "person:bob", 4_000))])
    assert judged() == ("rejected", "person:ann")
    store.put([claim("Marie", "born in", "Rome", review(-1.0, "person:ann", 0))])
    assert judged() == ("rejected", "person:ann")
    store.forget(SourceId("person:ann"))
    assert judged() == ("none", "")


def test_evidence_of_one_group_counts_once(store: Store) -> None:
    passages = [dataclasses.replace(told(), start=n * 10, end=n * 10 + 5) for n in range(3)]
    store.put([claim("Marie", "born in", "Warsaw", passages[0])])
    once = only(store).confidence
    store.put([claim("Marie", "born in", "Warsaw", *passages)])
    assert len(store.evidence(only(store).key)) == 3
    assert only(store).confidence == once
    store.put([claim("Marie", "born in", "Warsaw", told("model:a", 2.0, "graph"), told("model:b", 2.0, "graph"))])
    assert only(store).trust == once
    assert only(store).confidence == belief.probability(3 * belief.UNIT)
    assert only(store).origin == ("harvested", "predicted")


def test_hundreds_of_pieces_lie_on_one_fact(store: Store) -> None:
    pieces = [told(f"doc:{n}", (n % 40) / 10 - 1.5) for n in range(300)]
    for part in (pieces[:200], pieces[100:]):
        store.put([claim("Marie", "born in", "Warsaw", *part)])
    fact = only(store)
    assert len(store.evidence(fact.key)) == 300
    assert len(fact.sources) >= 64
    weights = [(piece.source.id, Calibration().weight("text", "", piece.score)) for piece in pieces]
    assert fact.confidence == belief.believe(Calibration().prior_weight(""), weights).confidence
    assert store.forget(SourceId("doc:7")).facts_kept == 1
    assert len(store.evidence(fact.key)) == 299


def test_a_put_of_several_batches_is_kept_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PIECES", 7)
    given = [claim(f"p{n % 5}", f"r{n % 2}", f"c{n}", told("doc:1"), told("doc:2")) for n in range(30)]
    assert store.put([*given, *given]).new == 30
    assert store.put(given).unchanged == 30
    assert store.forget(SourceId("doc:1")).facts_kept == 30
    assert store.forget(SourceId("doc:2")).facts_removed == 30
    assert store.count(ALL) == 0
    assert store.search("p1") == []


def test_much_text_in_one_put_is_no_obstacle(store: Store) -> None:
    given = [claim(f"p{n}", "r", "c", told(f"doc:{n}", quote=f"{n} " + "ü" * 300_000)) for n in range(60)]
    assert store.put(given).new == 60
    assert len(store.evidence(key_of(given[41]))[0].quote) == 300_003


def in_threads(store: Store, parts: Iterable[list[Claim]]) -> None:
    def write(claims: list[Claim]) -> None:
        for start in range(0, len(claims), 10):
            store.put(claims[start : start + 10])

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, part) for part in parts]:
            done.result()


def test_writers_at_once_lose_nothing(store: Store) -> None:
    def part(writer: int) -> list[Claim]:
        chosen = random.Random(writer)
        return [
            Claim(
                dataclasses.replace(thing(f"p{n % 6}"), aliases=(f"alias {writer} {n % 6}",)),
                f"r{n % 2}",
                thing(f"c{n % 4}", "city"),
                (told(f"doc:{writer}", 1.0 + n % 3, time=n + 1), told(f"doc:{chosen.randrange(8)}", 1.5, "memory", time=9)),
            )
            for n in chosen.sample(range(60), 60)
        ]

    parts = [part(writer) for writer in range(4)]
    in_threads(store, parts)
    alone = memory.MemoryStore()
    for claims in parts:
        alone.put(claims)
    assert state(store) == state(alone)
    for source in range(8):
        assert store.forget(SourceId(f"doc:{source}")) == alone.forget(SourceId(f"doc:{source}"))
    assert state(store) == {}


def random_claims(seed: int, many: int = 60) -> list[Claim]:
    chosen = random.Random(seed)
    tails: list[str | Literal] = ["Warsaw", "Paris", Literal("1867", "date"), "Rome"]
    made = []
    for n in range(many):
        method: Method = chosen.choice(["import", "text", "memory", "review", "text"])
        score = chosen.choice([-1.0, 0.0, 0.4, 1.0, 2.5])
        piece = told(f"doc:{chosen.randrange(5)}", score, method, time=1_000 + chosen.randrange(20))
        made.append(
            claim(
                f"p{chosen.randrange(4)}",
                chosen.choice(["born in", "lived in"]),
                chosen.choice(tails),
                piece,
                qualifiers=(("n", str(n % 3)),),
            )
        )
    return made


@pytest.mark.parametrize("seed", range(3))
def test_laws_of_order_repetition_and_withdrawal(store: Store, seed: int) -> None:
    given = [dataclasses.replace(one, qualifiers=()) for one in random_claims(seed)]
    shuffled = random.Random(seed + 100).sample(given, len(given))
    for start in range(0, len(shuffled), 9):
        store.put(shuffled[start : start + 9])
    expected = memory.MemoryStore()
    expected.put(given)
    assert state(store) == state(expected)
    store.put(given)
    assert state(store) == state(expected)
    store.forget(SourceId("doc:3"))
    without = memory.MemoryStore()
    without.put([one for one in given if one.evidence[0].source.id != "doc:3"])
    assert state(store) == state(without)
    ids = [EntityId(f"person:p{n}") for n in range(4)]
    assert store.entities(ids) == without.entities(ids)


STRICTER = Calibration("stricter-1", prior=-2.5, curves=belief.PRIORS)


def test_a_new_calibration_is_that_of_every_fact_old_and_new(store: Store) -> None:
    given, later = random_claims(1), random_claims(2)
    store.put([*given, claim("Ann", "born in", "Ulm", *(told(f"doc:{n}", 0.5, time=n + 1) for n in range(100, 200)))])
    before = state(store)
    assert store.publish(STRICTER) == len(before)
    store.put(later)
    assert store.calibration == STRICTER
    judge = memory.MemoryStore()
    judge.publish(STRICTER)
    judge.put([*given, claim("Ann", "born in", "Ulm", *(told(f"doc:{n}", 0.5, time=n + 1) for n in range(100, 200)))])
    judge.put(later)
    assert beliefs(store) == beliefs(judge) != {key: (fact.confidence, fact.trust) for key, (fact, _) in before.items()}
    with pytest.raises(BadRequest, match="stricter-1"):
        store.publish(STRICTER)


def beliefs(store: Store) -> dict[FactKey, tuple[float, float]]:
    return {fact.key: (fact.confidence, fact.trust) for fact in store.facts(ALL)}


def test_every_store_is_in_this_suite() -> None:
    """A new store or dialect that no fixture opens fails here."""
    asked = {name for name, member in inspect.getmembers(Store) if not name.startswith("_") and callable(member)}
    asked_of_dialects = {"prepare", "settle", "plans", "read"}
    found = set()
    for module in pkgutil.iter_modules(kgplatform.store.__path__, "kgplatform.store."):
        for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if (
                one.__module__ == module.name
                and not getattr(one, "_is_protocol", False)
                and (asked <= set(dir(one)) or asked_of_dialects <= set(dir(one)))
            ):
                found.add(one)
    assert found == {memory.MemoryStore, bolt.BoltStore, local.Local, neo4j.Neo4j}


def test_the_address_tells_where_and_no_secret(store: Store) -> None:
    assert store.address
    assert "password" not in store.address
    assert "@" not in store.address
