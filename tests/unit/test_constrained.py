"""Decoding, with and without a list of names, by a model whose every probability can be counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplatform.errors import BadRequest
from kgplatform.lm.beam import Free, beam
from kgplatform.lm.constrained import LONGEST, Against, Vocabulary, decode
from kgplatform.lm.scripted import ScriptedScorer

SENTENCES = (
    "The capital of France is Paris.",
    "The capital of Egypt is Cairo, a city.",
    "The capital of Peru is Lima and its port is Callao.",
    "The largest city is New York City, not York.",
    "He was born in New York, in York, in New Delhi.",
)
CITIES = ("Paris", "Cairo", "Lima", "York", "New York", "New York City", "New Delhi", "Callao")
PREFIXES = ("The capital of France is", "The capital of Peru is", "He was born in", "")
MODEL = ScriptedScorer(sentences=SENTENCES)
ENDS = (".", ",")


def _score(prefix: str, name: str, ends: Sequence[str]) -> float:
    """log p(name, an end | prefix), by asking for each whole text."""
    whole = MODEL.logprobs([(prefix, f" {name}{end}") for end in ends or ("",)])
    return float(np.logaddexp.reduce(whole))


words = st.text("ab", min_size=1, max_size=2)
names = st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=12, unique=True)


@settings(max_examples=60, deadline=None)
@given(names, st.lists(st.sampled_from(PREFIXES), max_size=3), st.sampled_from([(), (".",), ENDS]), st.integers(1, 5))
def test_a_beam_as_wide_as_the_trie_finds_what_trying_all_names_finds(
    entries: list[str], prefixes: list[str], ends: tuple[str, ...], best: int
) -> None:
    vocabulary = Vocabulary(MODEL, [*entries, *CITIES], ends)
    for prefix, found in zip(prefixes, decode(MODEL, prefixes, vocabulary, beam=vocabulary.width, best=best), strict=True):
        scores = {name: _score(prefix, name, ends) for name in [*entries, *CITIES]}
        expected = sorted(scores.values(), reverse=True)[:best]
        assert [score for _, score in found] == pytest.approx(expected)
        assert len({name for name, _ in found}) == len(found)
        assert all(scores[name] == pytest.approx(score) for name, score in found)


@settings(max_examples=60, deadline=None)
@given(names)
def test_the_trie_holds_every_name_once_and_nothing_else(entries: list[str]) -> None:
    vocabulary = Vocabulary(MODEL, entries)
    spelled = {vocabulary.path(node): entry for node, entry in enumerate(vocabulary.entry.tolist()) if entry >= 0}
    read = [tokens[first:] for tokens, first in MODEL.tokens([("", f" {name}") for name in entries])]
    assert spelled == {tokens: read.index(tokens) for tokens in read}
    prefixes = {tokens[:size] for tokens in read for size in range(len(tokens) + 1)}
    assert sorted(vocabulary.path(node) for node in range(len(vocabulary.token))) == sorted(prefixes)


def test_a_narrow_beam_finds_the_likely_and_does_the_less() -> None:
    asked: list[int] = []

    class Counting(ScriptedScorer):
        def following(self, sequences: Any, wanted: Any) -> Any:
            asked.append(len(sequences))
            return super().following(sequences, wanted)

    model = Counting(sentences=SENTENCES)
    vocabulary = Vocabulary(model, CITIES)
    ((first, _), *_) = decode(model, [PREFIXES[0]], vocabulary, beam=1)[0]
    few = sum(asked)
    asked.clear()
    decode(model, [PREFIXES[0]], vocabulary, beam=100)
    assert first == "Paris" and few == 2 < sum(asked)


def test_a_name_within_a_longer_one_competes_by_what_closes_it() -> None:
    model = ScriptedScorer(sentences=["The largest city is New York City, not York."] * 100)
    names = ("New York", "New York City", "New")
    ranked, bare = (decode(model, ["The largest city is"], Vocabulary(model, names, ends))[0] for ends in (ENDS, ()))
    assert [name for name, _ in bare] == ["New", "New York", "New York City"]
    lead = [dict(found)["New York City"] - dict(found)["New"] for found in (bare, ranked)]
    assert lead[0] < lead[1] - 1


def test_against_neutral_beginnings_names_that_fit_everywhere_lose() -> None:
    model = ScriptedScorer(sentences=[*SENTENCES, *["The capital is New York."] * 30])
    vocabulary = Vocabulary(model, CITIES)
    against = Against(model, vocabulary, ["The capital of Spain is", "The capital of Chad is"])
    plain, fair = (decode(model, [PREFIXES[0]], vocabulary, against=one)[0] for one in (None, against))
    assert plain[0][0] == "New York" and fair[0][0] == "Paris"
    own, usual = (_mean(model, [prefix], "Paris") for prefix in (PREFIXES[0], "The capital of Spain is"))
    assert dict(fair)["Paris"] == pytest.approx(own - usual)


def _mean(model: ScriptedScorer, prefixes: Sequence[str], name: str) -> float:
    return math.fsum(
        np.logaddexp.reduce(model.logprobs([(prefix, f" {name}{end}") for end in (".", ",", ";")])) for prefix in prefixes
    ) / len(prefixes)


def test_neutral_beginnings_are_computed_once() -> None:
    asked: list[str] = []

    class Counting(ScriptedScorer):
        def following(self, sequences: Any, wanted: Any) -> Any:
            asked.extend(self.text(tokens, 1) for tokens in sequences)
            return super().following(sequences, wanted)

    model = Counting(sentences=SENTENCES)
    vocabulary = Vocabulary(model, CITIES)
    against = Against(model, vocabulary, ["It was said of"])
    for prefix in PREFIXES:
        decode(model, [prefix], vocabulary, against=against, beam=100)
    neutral = [text for text in asked if text.startswith(" It was said of")]
    assert len(neutral) == len(set(neutral)) == len(vocabulary.token)


def test_what_cannot_be_chosen_is_said() -> None:
    vocabulary = Vocabulary(MODEL, ["Paris", " Paris ", "", "paris", "very " * LONGEST + "long"])
    assert len(vocabulary) == 1 and len(vocabulary.left_out) == 3
    assert [name for name, _ in decode(MODEL, ["The city is "], vocabulary)[0]] == ["Paris"]
    nothing = Vocabulary(MODEL, [])
    assert len(nothing) == 0 and decode(MODEL, ["The city is"], nothing) == [[]] and decode(MODEL, [], vocabulary) == []
    with pytest.raises(BadRequest, match="neutral"):
        Against(MODEL, vocabulary, [])


def test_free_words_go_up_to_a_stop() -> None:
    france, peru = beam(MODEL, PREFIXES[:2], best=1)
    assert france[0][0] == "Paris" and peru[0][0] == "Lima"
    for found in beam(MODEL, PREFIXES, best=10, how=Free(beam=20, longest=3)):
        texts = [text for text, _ in found]
        assert len(texts) == len(set(texts)) and len(texts) == 10
        assert all(one >= other for (_, one), (_, other) in pairwise(found))
        assert all(0 < len(text.split()) <= 3 and "and" not in text.split() and not set(text) & set(".,") for text in texts)


def test_free_words_are_scored_with_all_their_stops() -> None:
    how = Free(beam=200, longest=1, stops=(".", ",", " and"))
    found = dict(beam(MODEL, [PREFIXES[1]], best=100, how=how)[0])
    for name in ("Lima", "Paris", "Cairo"):
        assert found[name] == pytest.approx(_score(PREFIXES[1], name, (".", ",", " and")))


def test_free_words_without_end_are_none() -> None:
    assert beam(ScriptedScorer(sentences=["on and on"]), ["on"], how=Free(stops=(".",))) == [[]]
    assert beam(ScriptedScorer(), ["anything"]) == [[]] and beam(MODEL, []) == []
