"""How well words fit a relation: the formula, what is shown to the model, and what a model must know before it is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvest.bertnet.calibrate import MIN_CORRUPTED, area, corrupted, knowledge, permutation_test, trust
from harvest.bertnet.scoring import NEUTRAL, CausalJudge, Company, pools
from harvest.bertnet.sentences import template
from kgplatform.lm.scripted import ScriptedScorer
from kgplatform.ports import Progress
from kgplatform.types import Words

SLOTS = ("head", "tail")
SEEDS = (("Cairo", "Egypt"), ("Athens", "Greece"), ("Lima", "Peru"), ("Nairobi", "Kenya"), ("Ankara", "Turkey"))
MORE = (
    *(("Warsaw", "Poland"), ("Paris", "France"), ("Madrid", "Spain"), ("Vienna", "Austria"), ("Riga", "Latvia"), ("Oslo", "Norway")),
    *(("Sofia", "Bulgaria"), ("Accra", "Ghana"), ("Rome", "Italy"), ("Tunis", "Tunisia"), ("Quito", "Ecuador"), ("Hanoi", "Vietnam")),
    *(("Kyiv", "Ukraine"), ("Bern", "Switzerland"), ("Lisbon", "Portugal"), ("Dublin", "Ireland"), ("Tokyo", "Japan"), ("Delhi", "India")),
    *(("Baku", "Azerbaijan"), ("Doha", "Qatar"), ("Havana", "Cuba"), ("Muscat", "Oman")),
)
PROMPTS = ("{head} is the capital of {tail}", "The capital of {tail} is {head}")
OTHERS = {0: [head for head, _ in MORE], 1: [tail for _, tail in MORE]}
KNOWING = ScriptedScorer(sentences=[f"{head} is the capital of {tail}" for head, tail in (*SEEDS, *MORE)] * 8, name="knowing@1")
IGNORANT = ScriptedScorer(sentences=[f"{word} is the capital of" for pair in (*SEEDS, *MORE) for word in pair], name="ignorant@1")


class Spy:
    """A scorer that remembers what it was asked, and finds everything equally likely."""

    name = "spy@1"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        self.asked += items
        return np.zeros(len(items))


def test_a_prompt_is_asked_from_its_second_slot_on() -> None:
    assert template(PROMPTS[0]).parted(("Riga", "Latvia")) == ("Riga is the capital of", " Latvia")
    assert template(PROMPTS[1]).parted(("Latvia", "Riga")) == ("The capital of Latvia is", " Riga")
    assert template("the {tail} was awarded to {head} in {year}").parted(("Prize", "Ada", "1999")) == (
        "The Prize was awarded to",
        " Ada in 1999",
    )


def test_the_score_is_the_likelihood_of_the_rest_against_other_firsts() -> None:
    table = {("A likes", " tea"): -1.0, ("B likes", " tea"): -2.0, ("C likes", " tea"): -4.0}
    judge = CausalJudge(ScriptedScorer(table), Company(SLOTS, (), {"head": ("A", "B", "C")}, shots=0))
    assert judge.scores(["{head} likes {tail}"], [("A", "tea"), ("C", "tea")]).tolist() == [[-1.0 + 3.0, -4.0 + 1.5]]


def test_without_others_of_the_kind_neutral_words_stand_for_them() -> None:
    spy = Spy()
    CausalJudge(spy, Company(SLOTS)).scores(PROMPTS[:1], [("Riga", "Latvia")])
    assert [prefix for prefix, _ in spy.asked] == ["Riga is the capital of", *(f"{word} is the capital of" for word in NEUTRAL)]


def test_no_example_shares_a_word_with_what_is_judged() -> None:
    spy = Spy()
    tuples = [("Cairo", "Libya"), ("Giza", "Egypt"), ("Riga", "Latvia"), ("Cairo", "Greece")]
    CausalJudge(spy, Company(SLOTS, SEEDS, pools(SLOTS, MORE))).scores(PROMPTS, tuples)
    for prefix, rest in spy.asked:
        *examples, sentence = (prefix + rest).split("\n")
        assert len(examples) == 3
        words = {word for pair in (*SEEDS, *MORE, *tuples) for word in pair if re.search(rf"\b{word}\b", sentence)}
        assert not any(word in example for example in examples for word in words)


def test_a_seed_is_judged_without_itself() -> None:
    spy = Spy()
    CausalJudge(spy, Company(SLOTS, SEEDS, pools(SLOTS, MORE))).scores(PROMPTS[:1], [SEEDS[0]])
    assert spy.asked[0][0].count("Cairo") == 1


words = st.text(st.characters(categories=["Lu", "Ll"]), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=8, unique=True), st.randoms(use_true_random=False))
def test_a_score_does_not_depend_on_what_else_is_judged(tuples: list[Words], random: object) -> None:
    judge = CausalJudge(KNOWING, Company(SLOTS, SEEDS, pools(SLOTS, MORE)))
    together = judge.scores(PROMPTS, tuples)
    alone = np.concatenate([judge.scores(PROMPTS, [one]) for one in tuples], axis=1)
    assert together == pytest.approx(alone, abs=1e-9)
    order = sorted(range(len(tuples)), key=lambda at: tuples[at])
    assert judge.scores(PROMPTS, [tuples[at] for at in order]) == pytest.approx(together[:, order], abs=1e-9)


def test_wider_relations_are_judged_whole() -> None:
    table = {("Ada plays", " chess in London"): -1.0, ("Bob plays", " chess in London"): -3.0}
    judge = CausalJudge(ScriptedScorer(table), Company(("head", "tail", "place"), (), {"head": ("Ada", "Bob")}, shots=0))
    assert judge.scores(["{head} plays {tail} in {place}"], [("Ada", "chess", "London")]).tolist() == [[2.0]]


def test_pools_do_not_depend_on_order_and_are_bounded() -> None:
    assert pools(SLOTS, MORE, 5) == pools(SLOTS, MORE[::-1], 5)
    assert {len(found) for found in pools(SLOTS, MORE, 5).values()} == {5}


def test_corrupted_seeds_are_no_seeds_and_enough() -> None:
    found = corrupted(SEEDS, OTHERS)
    assert len(found) >= MIN_CORRUPTED
    assert len(set(found)) == len(found)
    assert not set(found) & set(SEEDS)
    assert all(sum(word in seed for seed in SEEDS for word in row) == 1 for row in found)  # one word of a seed, one of the others
    assert corrupted(SEEDS[::-1], {place: words[::-1] for place, words in OTHERS.items()}) == found


def test_two_seeds_alone_make_two_false_pairs() -> None:
    assert set(corrupted(SEEDS[:2], {})) == {("Cairo", "Greece"), ("Athens", "Egypt")}


def test_a_model_that_knows_the_relation_is_told_from_one_that_does_not() -> None:
    judge = CausalJudge(KNOWING, Company(SLOTS, SEEDS, pools(SLOTS, MORE)))
    learnt = knowledge("capital of", judge, PROMPTS, SEEDS, OTHERS)
    assert (learnt.doubt, learnt.seeds) == ("", 5)
    assert learnt.auc > 0.9
    assert learnt.p_value < 0.001
    ignorant = knowledge("capital of", CausalJudge(IGNORANT, Company(SLOTS, SEEDS, pools(SLOTS, MORE))), PROMPTS, SEEDS, OTHERS)
    assert re.fullmatch(r"the model does not know 'capital of': its 5 seeds score no better .* \(AUC 0\.\d\d, chance .*", ignorant.doubt)


def test_two_seeds_alone_cannot_decide_and_it_says_so() -> None:
    judge = CausalJudge(KNOWING, Company(SLOTS, SEEDS[:2]))
    doubt = knowledge("capital of", judge, PROMPTS, SEEDS[:2], {}).doubt
    assert doubt.startswith(
        "whether the model knows 'capital of' cannot be decided: 2 seeds and 2 false pairs made from them are there, it takes 3 and 200"
    )


def test_corrupted_seeds_score_zero_on_average_in_their_own_units() -> None:
    judge = CausalJudge(KNOWING, Company(SLOTS, SEEDS, pools(SLOTS, MORE)))
    learnt = knowledge("capital of", judge, PROMPTS, SEEDS, OTHERS)
    scores = learnt.scores(judge.scores(PROMPTS, corrupted(SEEDS, OTHERS)))
    assert scores.mean() == pytest.approx(0, abs=1e-9)
    assert scores.std() == pytest.approx(1)
    assert (scores > learnt.floor + 1e-9).mean() <= 0.05 <= (scores >= learnt.floor - 1e-9).mean()


def test_a_prompt_that_tells_nothing_apart_counts_little_and_loudness_counts_nothing() -> None:
    draw = np.random.default_rng(1)
    right, wrong = draw.normal(3, 1, (1, 6)), draw.normal(0, 1, (1, 200))
    weights = trust(np.vstack([right, right * 10, right * 0]), np.vstack([wrong, wrong * 10, draw.normal(0, 1, (1, 200))]))
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(weights[1] * 10)
    assert weights[2] < weights[0] / 5


def test_chance_alone_is_rarely_significant() -> None:
    draws = np.random.default_rng(2)
    chances = [permutation_test(draws.normal(size=5), draws.normal(size=200)) for _ in range(60)]
    assert np.mean(np.array(chances) < 0.05) < 0.15
    assert permutation_test(draws.normal(9, 1, 5), draws.normal(size=200)) < 0.001


def test_the_area_counts_ties_half() -> None:
    assert area(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == pytest.approx((0.5 + 1 + 1 + 1) / 4)


def test_where_no_other_first_word_is_left_neutral_ones_stand_for_it() -> None:
    spy = Spy()
    seeds = (("Ann", "tea"), ("Bob", "tea"), ("Cid", "tea"))
    CausalJudge(spy, Company(SLOTS, seeds, shots=0)).scores(["{head} likes {tail}"], [("Ann", "tea")])
    assert [prefix for prefix, _ in spy.asked] == ["Ann likes", *(f"{word} likes" for word in NEUTRAL)]


def test_a_capital_letter_longer_than_the_small_one_moves_no_cut() -> None:
    assert template("{head} is in {tail}").parted(("ßeta", "X")) == ("SSeta is in", " X")


@pytest.mark.parametrize("spelled", ["Cairo", "CAIRO", "cairo", "Ｃairo"])
def test_a_seed_of_the_same_thing_is_no_example_however_it_is_spelled(spelled: str) -> None:
    spy = Spy()
    CausalJudge(spy, Company(SLOTS, SEEDS, pools(SLOTS, MORE))).scores(PROMPTS[:1], [(spelled, "Sudan")])
    (prefix,) = {prefix for prefix, rest in spy.asked if prefix.endswith(f"{spelled[1:]} is the capital of") and rest == " Sudan"}
    assert "Egypt" not in prefix and "Athens is the capital of Greece" in prefix


def test_a_seed_that_shares_the_middle_word_is_no_example() -> None:
    slots, spy = ("head", "place", "tail"), Spy()
    seeds = (("Rome", "Zama", "Carthage"), ("Sparta", "Mantinea", "Athens"))
    CausalJudge(spy, Company(slots, seeds)).scores(["{head} met at {place} the army of {tail}"], [("Gaul", "zama", "Persia")])
    (prefix,) = {prefix for prefix, _ in spy.asked if "Gaul" in prefix}
    assert "Rome" not in prefix and "Sparta met at Mantinea" in prefix
