"""What makes a candidate likely: its score, and its lead over others in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvest.bertnet.calibrate import Knowledge
from harvest.bertnet.candidates import Judged
from harvest.bertnet.judging import RIVALS, Judging, posterior, rivals
from harvest.bertnet.scoring import Floats
from kgplatform.ports import Progress
from kgplatform.types import Words

LEARNT = Knowledge(5, 220, 0.9, 0.001, (1.0,), 0.0, 1.0, 1.5)


@dataclass(frozen=True)
class Table:
    """A judge that says what it was given, and nothing of all else."""

    said: Mapping[Words, float]
    name: str = "table@1"

    def scores(self, prompts: Sequence[str], tuples: Sequence[Words], progress: Progress | None = None) -> Floats:
        return np.tile([self.said.get(words, np.nan) for words in tuples], (len(prompts), 1))


def judged(
    said: Mapping[Any, float], tuples: Sequence[Words], *, pool: Sequence[str] = (), either_way: bool = False
) -> dict[Words, Judged]:
    return {one.words: one for one in Judging(Table(said), ["p"], LEARNT, pool, either_way).of(tuples)}


def test_a_pair_that_fits_better_the_other_way_round_is_no_fact() -> None:
    tuples = [("Riga", "Latvia"), ("Norway", "Oslo"), ("Sofia", "Chile")]
    said = {**dict(zip(tuples, (4.0, 3.0, -1.0), strict=True)), ("Latvia", "Riga"): 1.0, ("Oslo", "Norway"): 6.0, ("Chile", "Sofia"): -1.0}
    plain, both = judged(said, tuples), judged(said, tuples, either_way=True)
    assert plain[tuples[1]].probability > 0.5 > both[tuples[1]].probability
    assert both[tuples[0]].probability > 0.5


def test_a_candidate_that_stands_alone_is_measured_against_words_of_the_kind() -> None:
    riga, oslo = ("Riga", "Latvia"), ("Oslo", "Peru")
    said = {riga: 2.0, ("Riga", "Peru"): -1.0, ("Riga", "Chile"): -2.0, oslo: 2.0, ("Oslo", "Latvia"): 1.0, ("Oslo", "Chile"): 5.0}
    found = judged(said, [riga, oslo], pool=("Peru", "Chile", "Latvia", "Riga"))
    assert {words: one.lead for words, one in found.items()} == {riga: 3.0, oslo: -3.0}
    assert found[riga].probability > 0.5 > found[oslo].probability


def test_words_that_the_model_cannot_read_are_no_candidates_and_no_rivals() -> None:
    said = {("Riga", "Latvia"): 2.0, ("Riga", "Chile"): 0.5}
    found = judged(said, [("Riga", "Latvia"), ("Riga", "☃")], pool=("☃☃", "Chile"))
    assert {words: one.lead for words, one in found.items()} == {("Riga", "Latvia"): 1.5}


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123456789")), unique=True),
    st.lists(st.sampled_from("56789a"), unique=True),
)
def test_a_head_has_four_rivals_where_there_are_so_many(tuples: list[Words], pool: list[str]) -> None:
    beside = rivals(tuples, pool)
    assert not set(beside) & set(tuples)
    assert len(set(beside)) == len(beside)
    for head in {head for head, _ in tuples}:
        tails = {tail for other, tail in tuples if other == head}
        added = {tail for other, tail in beside if other == head}
        assert head not in added
        assert len(added) == min(max(0, RIVALS + 1 - len(tails)), len(set(pool) - tails - {head}))


@pytest.mark.parametrize("many", [1, 3, 8, 20])
def test_candidates_without_rivals_that_score_like_false_ones_are_not_believed(many: int) -> None:
    draw, put = np.random.default_rng(many), 0
    for _ in range(50):
        tuples = [(f"head {number}", f"tail {number}") for number in range(many)]
        said = dict(zip(tuples, draw.normal(size=many), strict=True))
        put += sum(one.probability >= 0.5 for one in judged(said, tuples).values())
    assert put / (50 * many) < 0.1


def test_the_share_of_true_candidates_is_found_from_their_scores() -> None:
    draw = np.random.default_rng(0)
    for share in (0.02, 0.1, 0.5):
        truth = draw.random(20_000) < share
        scores = draw.normal(np.where(truth, 1.0, -1.0))  # log-likelihood ratio 2x
        assert posterior(2 * scores).mean() == pytest.approx(share, abs=0.015)
