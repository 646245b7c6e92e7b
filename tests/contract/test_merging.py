"""Merging entities and taking it back, on every store."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from kgplatform.errors import BadRequest, NotFound
from kgplatform.names import entity_id
from kgplatform.ports import Store
from kgplatform.store import backup, batches
from kgplatform.store.bolt import BoltStore
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, FactKey, FactQuery, Forgotten, Literal, Relation, SourceId
from tests.contract.test_store import ALL, claim, state, thing, told

ANN, ANNA, BEA = (entity_id("person", name) for name in ("Ann", "Anna", "Bea"))
SPOUSE = Relation("spouse", symmetric=True)
MET = Relation("met", key_qualifiers=("met_at",))


def spouse(one: str, other: str, source: str = "doc:1") -> Claim:
    return Claim(thing(min(one, other)), "spouse", thing(max(one, other)), (told(source),))


def fill(store: Store) -> None:
    store.learn(relations=[SPOUSE])
    store.put(
        [
            claim("Ann", "born in", "Ulm"),
            claim("Anna", "born in", "Ulm", told("doc:2")),
            claim("Anna", "born in", "Bonn"),
            claim("Anna", "born on", Literal("1867", "date"), qualifiers=(("n", "1"),)),
            spouse("Anna", "Zed"),
            spouse("Ann", "Bob"),
            Claim(thing("Zed"), "knows", thing("Anna"), (told(),)),
            Claim(thing("Anna"), "knows", thing("Ann"), (told(),)),
        ]
    )


def test_facts_of_two_that_are_one_meet_and_count_together(store: Store) -> None:
    fill(store)
    store.merge(ANN, ANNA, by="ada")
    keys = {fact.key for fact in store.facts(ALL)}
    assert keys == {
        "born in|person:ann|city:ulm",
        "born in|person:ann|city:bonn",
        "born on|person:ann|=date:::1867",
        "spouse|person:ann|person:zed",
        "spouse|person:ann|person:bob",
        "knows|person:zed|person:ann",
        "knows|person:ann|person:ann",
    }
    fact = store.fact(FactKey("born in|person:ann|city:ulm"))
    assert fact and fact.sources == ("doc:1", "doc:2")
    assert len(store.evidence(fact.key)) == 2
    assert store.claimed([ANN]) == {ANN, ANNA, *(thing(*one).id for one in (("Bob",), ("Zed",), ("Ulm", "city"), ("Bonn", "city")))}
    assert store.claimed([]) == store.claimed([BEA]) == set()


def test_many_facts_are_found_at_once_by_keys_of_now_and_of_before(store: Store) -> None:
    fill(store)
    store.merge(ANN, ANNA)
    now, before = FactKey("born in|person:ann|city:ulm"), FactKey("born in|person:anna|city:bonn")
    spouses = FactKey("spouse|person:anna|person:zed")
    found = store.facts_at([now, before, FactKey("no key"), FactKey("born in|person:zed|city:ulm"), spouses, now])
    assert {key: fact.key for key, fact in found.items()} == {
        now: now,
        before: "born in|person:ann|city:bonn",
        spouses: "spouse|person:ann|person:zed",
    }
    assert found[now] == store.fact(now)
    assert store.facts_at([]) == {}


def test_undoing_gives_back_exactly_what_was(store: Store) -> None:
    fill(store)
    before = state(store)
    made = store.merge(ANN, ANNA)
    assert store.merges() == [made]
    assert store.undo(made.id).undone
    assert state(store) == before
    assert [one.undone for one in store.merges(ANNA)] == [True]


def test_what_comes_after_a_merge_goes_back_to_the_one_it_was_claimed_for(store: Store) -> None:
    fill(store)
    made = store.merge(ANN, ANNA)
    store.put([claim("Anna", "lived in", "Rome"), claim("Ann", "lived in", "Oslo"), spouse("Anna", "Yve", "doc:7")])
    assert store.count(FactQuery(head=ANN, relation="lived in", status="all")) == 2
    store.undo(made.id)
    apart = MemoryStore()
    fill(apart)
    apart.put([claim("Anna", "lived in", "Rome"), claim("Ann", "lived in", "Oslo"), spouse("Anna", "Yve", "doc:7")])
    assert state(store) == state(apart)


def test_the_other_id_and_name_lead_to_the_kept_one(store: Store) -> None:
    fill(store)
    store.merge(ANN, ANNA)
    assert store.entities([ANNA])[ANNA] == store.entities([ANN])[ANN]
    assert store.entities([ANN])[ANN].aliases == ("Anna",)
    assert [one.id for one in store.named(["anna"])["anna"]] == [ANN]
    assert [hit.entity.id for hit in store.search("anna")][:1] == [ANN]
    old = store.fact(FactKey("born in|person:anna|city:bonn"))
    assert old and old.key == "born in|person:ann|city:bonn"
    assert store.evidence(FactKey("born in|person:anna|city:bonn"))


def test_chains_are_undone_step_by_step(store: Store) -> None:
    fill(store)
    store.put([claim("Bea", "lived in", "Rome")])
    before = state(store)
    first = store.merge(ANN, ANNA)
    between = state(store)
    second = store.merge(BEA, ANN)
    assert store.count(FactQuery(head=ANN, status="all")) == 0
    assert {fact.head.id for fact in store.facts(FactQuery(relation="born in", status="all"))} == {BEA}
    store.undo(second.id)
    assert state(store) == between
    again = store.merge(BEA, ANN)
    store.undo(first.id)
    assert store.entities([ANNA])[ANNA].id == ANNA
    store.undo(again.id)
    assert state(store) == before


@pytest.mark.parametrize(
    ("keep", "other", "words"),
    [(ANN, ANN, "one entity"), (ANN, "person:nobody", "person:nobody"), ("person:nobody", ANN, "person:nobody")],
)
def test_what_cannot_be_merged(store: Store, keep: str, other: str, words: str) -> None:
    fill(store)
    before = state(store)
    with pytest.raises(BadRequest, match=words):
        store.merge(EntityId(keep), EntityId(other))
    assert state(store) == before


def test_circles_and_second_merges_are_refused(store: Store) -> None:
    fill(store)
    made = store.merge(ANN, ANNA)
    for keep, other in ((ANNA, ANN), (ANN, ANNA), (entity_id("person", "Zed"), ANNA)):
        with pytest.raises(BadRequest):
            store.merge(keep, other)
    with pytest.raises(NotFound):
        store.undo("no such merge")
    store.undo(made.id)
    with pytest.raises(BadRequest, match="already"):
        store.undo(made.id)


def test_forgetting_finds_what_was_moved(store: Store) -> None:
    fill(store)
    made = store.merge(ANN, ANNA)
    assert store.forget(SourceId("doc:2")).evidence == 1
    store.undo(made.id)
    without = MemoryStore()
    fill(without)
    without.forget(SourceId("doc:2"))
    assert state(store) == state(without)


def test_forgetting_finds_facts_by_key_qualifiers_whose_names_are_escaped(store: Store) -> None:
    store.learn(relations=[Relation("held", key_qualifiers=("valid_from", "a=b|c%"))])
    term = (("a=b|c%", "1"), ("valid_from", "1990"))
    store.put([claim("Ann", "held", "Ulm", qualifiers=term), claim("Anna", "held", "Ulm", told("doc:2"), qualifiers=term)])
    before = state(store)
    made = store.merge(ANN, ANNA)
    assert [fact.key for fact in store.facts(ALL)] == [key for key in before if "person:ann|" in key]
    store.undo(made.id)
    store.put([claim("Bea", "born in", "Ulm", told("doc:3")), claim("Cid", "born in", "Ulm", told("doc:3"))])
    store.merge(BEA, entity_id("person", "Cid"))
    assert store.forget(SourceId("doc:1")).facts_removed == 1


def test_a_forgotten_run_takes_its_own_observation_with_it(store: Store) -> None:
    store.put([claim("Ann", "born in", "Ulm", told(score=1.0, run="first", time=1))])
    first = state(store)
    store.put([claim("Ann", "born in", "Ulm", told(score=3.0, run="second", time=2)), claim("Ann", "born in", "Bonn", told(run="second"))])
    (fact,) = store.facts(FactQuery(tail=entity_id("city", "Ulm"), status="all"))
    assert [piece.score for piece in store.evidence(fact.key)] == [3.0]
    assert store.would_forget_run("first") == Forgotten(1, 0, 1)  # though what a later run said of the same counts
    done = store.would_forget_run("second")
    assert (done.evidence, done.facts_removed, done.facts_kept) == (2, 1, 1)
    assert store.forget_run("second") == done
    assert state(store) == first
    assert store.would_forget_run("second") == store.forget_run("second") == Forgotten()


def test_a_forgotten_source_may_come_again(store: Store) -> None:
    fill(store)
    before = state(store)
    for _ in range(2):
        store.forget(SourceId("doc:1"))
        fill(store)
    assert {key: [piece.score for piece in told] for key, (_, told) in state(store).items()} == {
        key: [piece.score for piece in told] for key, (_, told) in before.items()
    }
    assert {key: fact for key, (fact, _) in state(store).items()} == {key: fact for key, (fact, _) in before.items()}


def test_followers_learn_of_every_fact_that_came_moved_or_went(store: Store) -> None:
    fill(store)
    assert {key for change in store.changes() for key in change.keys} == {fact.key for fact in store.facts(ALL)}
    last = max(change.time for change in store.changes())
    made = store.merge(ANN, ANNA)
    store.undo(made.id)
    store.forget(SourceId("doc:2"))
    later = [change for change in store.changes(last) if change.time > last]
    assert FactKey("born in|person:ann|city:ulm") in {key for change in later for key in change.keys}
    assert "born in|person:anna|city:ulm" in {key for change in later for key in change.keys}


def test_followers_miss_nothing_of_many_changes_in_one_millisecond(
    served: BoltStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(batches, "PAGE", 3)
    given = [claim(f"p{n:02}", "born in", "Ulm", told(f"doc:{n % 5}")) for n in range(20)]
    for one in given:
        served.put([one])
    served._connection.writing(lambda tx: tx.run("MATCH (b:KgBatch) SET b.time = $time", time=time.time_ns() // 1_000_000).consume())
    told_of = [key for change in served.changes() for key in change.keys]
    assert sorted(told_of) == sorted(fact.key for fact in served.facts(ALL))
    served.backup(tmp_path / "all")
    lines = [line["key"] for line in backup.read(tmp_path / "all") if "key" in line]
    assert sorted(lines) == sorted(2 * told_of)  # once for all, and once for what changed of late


def test_claims_make_the_same_graph_again(store: Store) -> None:
    fill(store)
    store.merge(ANN, ANNA)
    copy = MemoryStore()
    copy.learn(relations=[SPOUSE])
    copy.put(list(store.claims(ALL)))
    assert {k: (f.confidence, len(e)) for k, (f, e) in state(copy).items()} == {
        k: (f.confidence, len(e)) for k, (f, e) in state(store).items()
    }


@pytest.mark.parametrize("date", ["1989", "1990", "1990-04", "1990-06", "1995-12-31", "1996"])
def test_facts_as_of_a_date(store: Store, date: str) -> None:
    terms = [("Ulm", ()), ("Bonn", (("valid_from", "1990-05-01"), ("valid_to", "1995"))), ("Rome", (("valid_to", "1990"),))]
    store.put([claim("Ann", "mayor of", city, qualifiers=qualifiers) for city, qualifiers in terms])
    expected = {
        "1989": {"Ulm", "Rome"},
        "1990": {"Ulm", "Bonn", "Rome"},
        "1990-04": {"Ulm", "Rome"},
        "1990-06": {"Ulm", "Bonn", "Rome"},
        "1995-12-31": {"Ulm", "Bonn"},
        "1996": {"Ulm"},
    }
    found = store.facts(FactQuery(status="all", as_of=date))
    assert {fact.tail.name for fact in found if not isinstance(fact.tail, Literal)} == expected[date]


@pytest.mark.parametrize("seed", range(2))
def test_any_merges_forgets_and_undoings_end_where_memory_does(store: Store, seed: int) -> None:
    chosen, judge = random.Random(seed), MemoryStore()
    people = [f"p{n}" for n in range(5)]
    merges: list[tuple[str, str]] = []
    for step in range(30):
        match chosen.choice(["put", "put", "put", "merge", "merge", "undo", "forget", "forget run"]):
            case "put":
                claims = [_any_claim(chosen, people, step) for _ in range(8)]
                for one in (store, judge):
                    one.learn(relations=[SPOUSE, MET])
                    one.put(claims)
            case "merge":
                ends = [entity_id("person", name) for name in chosen.sample(people, 2)]
                try:
                    merges.append((judge.merge(*ends).id, store.merge(*ends).id))
                except BadRequest:
                    with pytest.raises(BadRequest):
                        store.merge(*ends)
            case "undo" if merges:
                for one, made in zip((judge, store), merges.pop(chosen.randrange(len(merges))), strict=True):
                    one.undo(made)
            case "forget":
                source = SourceId(f"doc:{chosen.randrange(4)}")
                assert store.forget(source) == judge.forget(source)
            case "forget run":
                run = chosen.choice("ab")
                assert store.forget_run(run) == judge.forget_run(run)
        kept = state(store)
        assert {key: fact.confidence for key, (fact, _) in kept.items()} == {
            key: fact.confidence for key, (fact, _) in state(judge).items()
        }
        assert {k: _scores(e) for k, (_, e) in kept.items()} == {k: _scores(e) for k, (_, e) in state(judge).items()}
        assert qualified(store) == qualified(judge)
        if isinstance(store, BoltStore):
            assert qualifier_nodes(store) == qualified(store)


def qualified(store: Store) -> dict[str, str]:
    """The entities that qualify facts, by what the ids of their nodes should be."""
    return {f"{fact.key}#{name}": value.id for fact in store.facts(ALL) for name, value in fact.qualifiers if isinstance(value, Entity)}


def qualifier_nodes(store: BoltStore) -> dict[str, str]:
    """Which entity each qualifier's node leads to."""
    rows = store._connection.rows("MATCH (q:KgQualifier)-[:VALUE]->(e:Entity) RETURN q.id AS id, q.fact AS fact, q.name AS name, e.id AS e")
    assert all(row["id"] == f"{row['fact']}#{row['name']}" for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row["e"] for row in rows}


def _any_claim(chosen: random.Random, people: list[str], step: int) -> Claim:
    relation, ends = chosen.choice(["knows", "spouse", "met"]), [thing(chosen.choice(people)) for _ in range(2)]
    if relation == "spouse":
        ends.sort(key=lambda end: end.id)
    piece = told(f"doc:{chosen.randrange(4)}", chosen.choice([0.5, 2.0]), time=step + 1, run=chosen.choice(["", "a", "b"]))
    said = {name: thing(chosen.choice(people)) for name in ("met_at", "with") if chosen.random() < 0.4}
    return Claim(ends[0], relation, ends[1], (piece,), tuple(said.items()))


def _scores(evidence: tuple[object, ...]) -> list[str]:
    return sorted(map(str, evidence))


def test_a_fact_with_very_many_pieces_is_as_exact_as_any(store: Store) -> None:
    """Beyond a few dozen, pieces lie apart from their fact."""
    judge = MemoryStore()
    pieces = [
        told(f"doc:{n}", (n % 7) - 2.5, "graph" if n % 50 == 0 else "text", time=n + 1, run="ab"[n % 2] if n % 3 else "")
        for n in range(1_400)
    ]
    batches = [pieces[:30], pieces[30:100], pieces[100:110], pieces[110:900], pieces[900:901], pieces[901:], pieces[:5]]

    def same() -> None:
        assert {k: (f.confidence, f.trust, f.methods, sorted(map(repr, e))) for k, (f, e) in state(store).items()} == {
            k: (f.confidence, f.trust, f.methods, sorted(map(repr, e))) for k, (f, e) in state(judge).items()
        }

    for batch in batches:
        claims = [claim("Ann", "born in", "Ulm", *batch, qualifiers=(("n", str(len(batch))),))]
        assert store.put(claims) == judge.put(claims)
    same()
    for one in (store, judge):
        one.put([claim("Anna", "born in", "Ulm", *pieces[:200])])
    made = [one.merge(ANN, ANNA).id for one in (store, judge)]
    same()
    for source in ("doc:7", "doc:50", "doc:1200"):
        assert store.forget(SourceId(source)) == judge.forget(SourceId(source))
    assert store.forget_run("a") == judge.forget_run("a")
    same()
    assert len(list(store.claims(ALL))) == len(list(judge.claims(ALL)))
    store.undo(made[0])
    judge.undo(made[1])
    same()
    store.forget_run("b")
    judge.forget_run("b")
    for n in range(0, 60, 3):
        store.forget(SourceId(f"doc:{n}"))
        judge.forget(SourceId(f"doc:{n}"))
    same()


def test_a_forget_that_meets_an_unfinished_merge_loses_nothing(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fact loses its last piece to the forget while another's piece moves there."""
    served.put([claim("Ann", "born in", "Ulm", told("doc:2")), claim("Anna", "born in", "Ulm", told("doc:1"), told("doc:2"))])
    with monkeypatch.context() as killed:
        killed.setattr(served._sweeper, "_move", lambda _: None)
        served.merge(ANN, ANNA)
    served.forget(SourceId("doc:2"))
    (fact,) = served.facts(ALL)
    assert fact.key == "born in|person:ann|city:ulm"
    assert [piece.source.id for piece in served.evidence(fact.key)] == ["doc:1"]
    served.settle(now=1 << 62)
    assert [one.key for one in served.facts(ALL)] == [fact.key]
