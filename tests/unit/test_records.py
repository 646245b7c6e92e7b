"""How a put is cut into parts: nothing lost, and claims of one fact together, so that the cut cannot be seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kgplatform.names import entity_id
from kgplatform.store import records
from kgplatform.types import Claim, Entity, Evidence, Literal, Refusal, Source, SourceId

PIECE = Evidence("import", Source(SourceId("file:1"), "import"), 0.9)


def claim(head: int, tail: int, literal: bool) -> Claim:
    ends = [Entity(entity_id("thing", str(n)), str(n)) for n in (head, tail)]
    return Claim(ends[0], "likes", Literal(str(tail)) if literal else ends[1], (PIECE,))


claims = st.lists(st.builds(claim, st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=200)


@given(claims, st.integers(1, 20), st.integers(1, 4))
def test_parts_lose_nothing_and_keep_a_fact_together(listed: list[Claim], first: int, doublings: int) -> None:
    parts = list(records.parts(listed, first, first * 2**doublings))
    assert sorted(id(one) for part in parts for one in part) == sorted(map(id, listed))
    for place, part in enumerate(parts):
        others = {(one.head, one.tail) for other in parts[place + 1 :] for one in other}
        assert not others & {(one.head, one.tail) for one in part}


@given(claims)
def test_refusals_come_in_the_order_of_their_claims(listed: list[Claim]) -> None:
    refused = [Refusal(one, "why") for part in records.parts(listed, 3, 12) for one in part]
    assert [one.claim for one in records.in_order(refused, listed)] == listed
