"""What people bring that no example has: very many relations, kinds named like the platform's own, a clock that is set back."""

from __future__ import annotations

import time

import pytest

from kgplatform.ports import Limits, Store
from kgplatform.store.bolt import BoltStore
from kgplatform.store.pieces import Clock
from kgplatform.types import FactQuery, SourceId
from tests.contract.test_store import ALL, claim, state, thing, told


@pytest.mark.slow
def test_a_thousand_relations(store: Store) -> None:
    made = [claim(f"head {n % 50}", f"relation {n}", f"tail {n % 70}", told("doc:a" if n % 2 else "doc:b")) for n in range(1_000)]
    assert store.put(made).new == 1_000
    assert store.put(made).unchanged == 1_000
    assert [fact.relation for fact in store.facts(FactQuery(relation="relation 77", status="all"))] == ["relation 77"]
    assert store.forget(SourceId("doc:a")).facts_removed == 500
    assert store.count(ALL) == 500


@pytest.mark.parametrize("kind", ["Source", "Batch", "Entity", "KgSource", "kg batch", "Relation", "Node"])
def test_kinds_named_like_our_own_get_in_nobodys_way(served: BoltStore, kind: str) -> None:
    one = claim("head", "likes", "tail")
    head = thing("Nile", kind)
    served.put([type(one)(head, "likes", thing("Egypt", kind), (told("doc:a"),)), one])
    assert served.entities([head.id])[head.id].kinds == (kind,)
    assert served.search("Nile")[0].entity == head
    count = "MATCH (s:KgSource) RETURN count(s) AS n"
    assert served.read(count, {}, Limits()).rows == ((2,),)
    assert served.forget(SourceId("doc:a")).facts_removed == 1
    assert head.id not in served.entities([head.id])
    assert served.count(ALL) == 1


def test_what_is_said_later_counts_also_when_the_clock_is_set_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put([claim("a", "likes", "b", told(score=1.0, time=0))])
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    store.put([claim("a", "likes", "b", told(score=-2.0, time=0))])
    ((_, (piece,)),) = state(store).values()
    assert piece.score == -2.0


def test_a_clock_never_says_the_same_twice_nor_less(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([5_000_000, 5_000_000, 1_000_000, 9_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(times))
    clock = Clock()
    assert [clock() for _ in range(4)] == [5, 6, 7, 9]
