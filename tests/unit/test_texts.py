"""Packed texts are the texts they were made from, whatever is taken of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.texts import Numbering, Texts

LISTS = st.lists(st.text(max_size=8) | st.just("\ud800 alone"), max_size=12)


@given(LISTS)
def test_they_are_what_they_were_made_from(told: list[str]) -> None:
    texts = Texts.of(told)
    assert texts == told == list(texts) == [texts[place] for place in range(len(texts))]
    assert b"".join(texts.pieces()) == "".join(told).encode("utf-8", "surrogatepass")
    assert texts[1:3] == told[1:3]
    assert (texts == tuple(reversed(told))) is (told == told[::-1])


@given(LISTS, LISTS)
def test_what_is_taken_and_joined_stays_what_it_is(one: list[str], other: list[str]) -> None:
    places = np.array([place for place in range(len(one)) if place % 3 == 1], dtype=np.int64)[::-1]
    part = Texts.of(one).take(places)
    joined = Texts.joined([part, Texts.of(other), part])
    some = [one[place] for place in places]
    assert joined == [*some, *other, *some]
    assert b"".join(joined.pieces()) == "".join([*some, *other, *some]).encode("utf-8", "surrogatepass")


@given(st.lists(st.text(max_size=4), unique=True), st.text(max_size=4))
def test_sorted_ones_are_found(told: list[str], sought: str) -> None:
    texts = Texts.of(sorted(told))
    assert all(texts[texts.find(one)] == one for one in told)
    assert (texts.find(sought) >= 0) is (sought in told)


def test_numbers_follow_the_order_of_asking() -> None:
    numbers = Numbering[str]()
    assert numbers.of(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
    assert list(numbers) == ["b", "a", "c"]
