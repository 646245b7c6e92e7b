"""Whether a sentence says it: what the models are asked, what is kept, and names that look like slots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from harvest import shipped
from harvest.documents.mentions import Sentence, Span
from harvest.documents.pairs import Pair
from harvest.documents.relate import NAMES, PROPOSED, Judge, Likely, resolved, tail_words
from harvest.documents.run import strongest
from kgplatform.belief import PRIOR
from kgplatform.cards import datatype
from kgplatform.errors import BadCard
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.ports import Progress
from kgplatform.types import Relation

CARDS = shipped.relations()
BORN = CARDS["born in"]
VALUES = {"date": ("DATE", "1867-11-07", "7 November 1867"), "year": ("YEAR", "1898", "1898"), "integer": ("NUMBER", "88", "88")}


class Listening(ScriptedScorer):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__(sentences=["Marie Curie was born in Warsaw."])
        self.asked: list[tuple[str, str]] = []

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        self.asked += items
        return super().logprobs(items, progress)


def span(text: str, words: str, kind: str, name: str = "", label: str = "NAME") -> Span:
    start = text.index(words)
    return Span(start, start + len(words), words, name or words, label, kind)


def pair(card: Relation, head: str = "Marie Curie", tail: str = "Warsaw", between: str = "", start: int = 0) -> Pair:
    """A sentence that says the pair in the card's first prompt; ``between`` is what the parse makes of it."""
    wanted = datatype(card)
    label, name, words = VALUES[wanted] if wanted else ("NAME", tail, tail)
    text = f"{head} … {words}."
    ends = span(text, head, card.domain[0]), span(text, words, "" if wanted else card.range[0], name, label)
    ends = tuple(Span(s.start + start, s.end + start, s.words, s.name, s.label, s.kind) for s in ends)  # type: ignore[assignment]
    return Pair(Sentence(start, start + len(text), text, ends), card, *ends, between or card.prompts[0])


def judge(scorer: ScriptedScorer | None = None, cards: Sequence[Relation] = ()) -> Judge:
    return Judge(scorer or ScriptedScorer(), HashingEncoder(), cards)


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_every_shipped_card_can_be_judged_by_every_prompt(card: Relation) -> None:
    said = [pair(card, between=prompt) for prompt in card.prompts]
    asked, features = judge().features(said)
    assert asked == said
    assert features.shape == (len(said), len(NAMES))
    assert np.isfinite(features).all()


def test_nothing_to_judge() -> None:
    assert judge().likely([]) == []
    asked, features = judge().features([])
    assert (asked, features.shape) == ([], (0, len(NAMES)))


def test_the_model_is_not_asked_about_words_that_say_something_else() -> None:
    scorer = Listening()
    other = pair(BORN, between="xylophone zzz qqq vvv")
    assert judge(scorer).features([other])[0] == []
    assert scorer.asked == []


def test_what_is_said_is_kept_with_its_numbers_and_what_is_not_said_is_dropped() -> None:
    said, other = pair(BORN), pair(BORN, between="xylophone zzz qqq vvv")
    (kept,) = judge(Listening()).likely([other, said])
    assert kept.pair == said
    assert kept.score >= PROPOSED - PRIOR
    assert list(kept.detail) == list(NAMES)
    assert all(float(number) == float(number) for number in kept.detail.values())


def test_a_card_of_ones_own_is_judged_like_a_shipped_one() -> None:
    sailed = Relation("sailed on", domain=("person",), range=("ship",), prompts=("{head} sailed on {tail}",))
    asked, _ = judge(cards=[sailed]).features([pair(sailed, tail="Beagle")])
    assert [one.card.name for one in asked] == ["sailed on"]


def test_a_card_of_ones_own_replaces_the_shipped_one_of_its_name() -> None:
    other = Relation("born in", domain=("person",), range=("city",), prompts=("{tail} is where {head} came into this world",))
    asked, features = judge(cards=[other]).features([pair(other)])
    assert [one.card for one in asked] == [other]
    assert np.isfinite(features).all()


def test_a_card_without_prompts_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadCard, match=r"'likes' has no prompts: give at least one, such as '\{head\} likes \{tail\}'"):
        judge(cards=[Relation("likes")])


@pytest.mark.parametrize(
    ("head", "tail"), [("{tail}", "{head}"), ("{head}", "{tail} {tail}"), ("{0}", "%s"), (r"\1", r"\g<0>"), ("{", "}}")]
)
@pytest.mark.parametrize("name", ["born in", "married to"])
def test_names_that_look_like_slots_stay_names(name: str, head: str, tail: str) -> None:
    scorer = Listening()
    card = CARDS[name]
    (said,), _ = judge(scorer).features([pair(card, head, tail)])
    statement, rival, memory, plain = scorer.asked
    first = card.prompts[0].split("{head}")[1].split("{tail}")[0]
    assert statement == (f"{head} … {tail}.", f" {head}{first}{tail}.")
    assert rival == (f"{head} … {tail}. {head}{first}".rstrip(), f" {tail}")
    assert memory[0].count(tail) == 1
    assert memory[1] == plain[1] == f" {head}"
    assert plain[0].count(f"This {said.tail.kind}") == 1


def test_a_sentence_is_read_with_full_names_and_in_one_line() -> None:
    text = "There  she and\nCurie saw his notes, in 1898 and on 7 November 1867."
    spans = (
        span(text, "she", "person", "Ada Bell", "PRONOUN"),
        span(text, "Curie", "person", "Marie Curie"),
        span(text, "his", "person", "Pierre Curie", "PRONOUN"),
        span(text, "1898", "", "1898", "YEAR"),
        span(text, "7 November 1867", "", "1867-11-07", "DATE"),
    )
    told = Pair(Sentence(0, len(text), text, spans), BORN, spans[0], spans[1], "")
    assert resolved(told) == "There Ada Bell and Marie Curie saw Pierre Curie's notes, in 1898 and on 7 November 1867."


def test_offsets_of_a_later_sentence_are_the_documents() -> None:
    text = "She ran."
    she = Span(100, 103, "She", "{tail}", "PRONOUN", "person")
    assert resolved(Pair(Sentence(100, 108, text, (she,)), BORN, she, she, "")) == "{tail} ran."


def test_a_value_is_said_as_it_stands_and_a_year_as_a_year() -> None:
    assert tail_words(pair(BORN)) == "Warsaw"
    assert tail_words(pair(CARDS["born on"])) == "7 November 1867"
    day = Span(0, 15, "7 November 1898", "1898-11-07", "DATE")
    assert tail_words(Pair(Sentence(0, 15, day.words, (day,)), CARDS["discovered in"], day, day, "")) == "1898"


def test_a_fact_is_told_once_a_sentence_by_its_best_pair() -> None:
    name, pronoun, other = Likely(pair(BORN), 1.0, {}), Likely(pair(BORN), 2.0, {}), Likely(pair(BORN, start=100), 0.5, {})
    assert strongest([name, pronoun, other]) == [pronoun, other]


def test_a_symmetric_fact_is_one_either_way_round() -> None:
    married = CARDS["married to"]
    there, back = Likely(pair(married, "Ada", "Bea"), 1.0, {}), Likely(pair(married, "Bea", "Ada"), 2.0, {})
    assert strongest([there, back]) == [back]
    taught = CARDS["student of"]
    both = [Likely(pair(taught, "Ada", "Bea"), 1.0, {}), Likely(pair(taught, "Bea", "Ada"), 2.0, {})]
    assert strongest(both) == both[::-1]
