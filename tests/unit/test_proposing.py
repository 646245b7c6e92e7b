"""Who proposes candidates proposes new ones, each once, and ends; and what a model says amiss is no candidate."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harvest.bertnet.proposing import Asked, Decoded, Listed, Nearest, Proposer
from harvest.bertnet.proposing.decoded import _telling
from harvest.bertnet.proposing.nearest import _BLOCK
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Request
from kgplatform.names import normalise
from kgplatform.types import Relation, Words

SEEDS = (("Cairo", "Egypt"), ("Athens", "Greece"), ("Lima", "Peru"))
WORLD = (
    *SEEDS,
    ("Warsaw", "Poland"),
    ("Paris", "France"),
    ("Madrid", "Spain"),
    ("Vienna", "Austria"),
    ("Rome", "Italy"),
)
CARD = Relation(
    "capital of",
    domain=("city",),
    range=("country",),
    functional=True,
    inverse_functional=True,
    prompts=("{head} is the capital of {tail}", "The capital of {tail} is {head}."),
    seeds=SEEDS,
)
FOUGHT = Relation(
    "fought",
    domain=("army",),
    range=("army",),
    key_qualifiers=("place",),
    prompts=("{head} fought {tail} at {place}", "At {place} {tail} met {head}"),
    seeds=(("Rome", "Carthage", "Zama"), ("Sparta", "Athens", "Mantinea")),
)
HEADS, TAILS = tuple(head for head, _ in WORLD), tuple(tail for _, tail in WORLD)
MODEL = ScriptedScorer(
    sentences=[
        *[f"{head} is the capital of {tail}." for head, tail in WORLD] * 20,
        *[f"The capital of {tail} is {head}." for head, tail in WORLD] * 20,
        f"Examples of city: {', '.join(HEADS)}.",
        *["Rome fought Carthage at Zama.", "Sparta fought Athens at Mantinea.", "Persia fought Greece at Marathon."] * 20,
    ]
)


def facts(tuples: Iterable[Words], *keys: str) -> str:
    return json.dumps({"facts": [dict(zip(keys or ("city", "country"), words, strict=True)) for words in tuples]})


def knowing(request: Request) -> str:
    """A chat model that knows the world: by names, by letters, and two more at a time."""
    asked = request.messages[-1].text
    if "place" in str(request.schema):
        fought = {"Persia": [{"tail": "Greece", "place": "Marathon"}], "Rome": [{"tail": "Carthage", "place": "Zama"}]}
        if request.schema and request.schema["title"] == "facts_by_name":
            return json.dumps({name: fought.get(name, [{"tail": "", "place": ""}]) for name in request.schema["required"]})
        return facts([("Persia", "Greece", "Marathon"), ("Rome", "Carthage", "Zama")], "head", "tail", "place")
    if letter := re.search(r"letter (\w)", asked):
        return json.dumps({"names": [tail for tail in TAILS if tail.startswith(letter[1])]})
    if request.schema and request.schema["title"] == "facts_by_name":
        heads = {tail: head for head, tail in WORLD}
        return json.dumps({name: [heads.get(name, "")] for name in request.schema["required"]})
    return facts([pair for pair in WORLD if f"{pair[0]} – " not in asked and pair not in SEEDS][:2])


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def listed(tmp_path: Path, notes: list[str]) -> Callable[[Any], Listed]:
    return lambda answer: Listed(ScriptedChat(answer), tmp_path, notes.append)


@pytest.fixture(params=["nearest", "decoded", "listed"])
def proposer(request: pytest.FixtureRequest, listed: Callable[[Any], Listed]) -> Proposer:
    made: dict[str, Callable[[], Proposer]] = {
        "nearest": lambda: Nearest(HashingEncoder()),
        "decoded": lambda: Decoded(MODEL, each=4),
        "listed": lambda: listed(knowing),
    }
    return made[request.param]()


def asked(card: Relation = CARD, heads: Iterable[str] = HEADS, tails: Iterable[str] = TAILS, size: int = 200, **more: Any) -> Asked:
    return Asked(card, card.prompts, tuple(heads), tuple(tails), size, **more)


def proposed(proposer: Proposer, question: Asked) -> list[Words]:
    return [words for round in proposer.rounds(question) for words in round.tuples]


@pytest.mark.parametrize("question", [asked(), asked(heads=(), tails=()), asked(FOUGHT), asked(size=1), asked(tails=())], ids=range(5))
def test_nothing_comes_twice_and_the_same_question_gives_the_same(proposer: Proposer, question: Asked) -> None:
    rounds = list(proposer.rounds(question))
    known = [tuple(map(normalise, words)) for words in question.card.seeds]
    for words in (words for round in rounds for words in round.tuples):
        assert len(words) == len(question.card.seeds[0]) and all(words) and words[0] != words[1]
        assert tuple(map(normalise, words)) not in known
        known.append(tuple(map(normalise, words)))
    assert rounds == list(proposer.rounds(question))


def test_what_is_there_to_find_is_found(proposer: Proposer) -> None:
    assert set(WORLD) - set(SEEDS) <= set(proposed(proposer, asked()))


def test_what_the_graph_holds_is_proposed_too_since_a_model_that_says_it_speaks_for_it(proposer: Proposer) -> None:
    assert ("Paris", "France") in proposed(proposer, asked(held=(("PARIS", " france"),)))


def test_a_proposer_goes_on_behind_any_of_its_rounds(proposer: Proposer) -> None:
    heads = [*HEADS, *(f"Town {number}" for number in range(2 * _BLOCK if isinstance(proposer, Nearest) else 0))]
    named = not isinstance(proposer, Listed)  # one answer about eight names would be all
    question = asked(heads=heads if named else (), tails=TAILS if named else ())
    whole = list(proposer.rounds(question))
    assert len(whole) > 1
    for done in range(len(whole) + 1):
        assert list(proposer.rounds(question, whole[:done])) == whole[done:]


def test_names_that_are_decoded_are_not_decoded_again() -> None:
    read: list[int] = []

    class Counting(ScriptedScorer):
        def following(self, sequences: Any, wanted: Any) -> Any:
            read.append(len(sequences))
            return super().following(sequences, wanted)

        def likeliest(self, sequences: Any, count: int) -> Any:
            read.append(len(sequences))
            return super().likeliest(sequences, count)

    towns = [f"Town {number}" for number in range(60)]
    for free in (False, True):
        model = Counting(sentences=["Town 1 is the capital of Poland."])
        question = asked(heads=towns, tails=TAILS, size=0)
        whole = list(Decoded(model, free=free).rounds(question))
        read.clear()
        assert list(Decoded(model, free=free).rounds(question, whole)) == []
        assert sum(read) == 0


def test_near_tails_of_heads_that_are_done_are_not_looked_for_again() -> None:
    encoded: list[str] = []

    class Counting(HashingEncoder):
        def encode(self, texts: Any) -> Any:
            encoded.extend(texts)
            return super().encode(texts)

    question = asked(heads=[f"Town {number}" for number in range(_BLOCK + 3)])
    whole = list(Nearest(Counting()).rounds(question))
    encoded.clear()
    assert list(Nearest(Counting()).rounds(question, whole[:1])) == whole[1:]
    assert len(encoded) == len(TAILS) + 3
    encoded.clear()
    assert list(Nearest(Counting()).rounds(question, whole)) == []
    assert encoded == []


def test_a_proposer_tells_how_far_it_is_within_a_round_and_can_be_ended_there(proposer: Proposer) -> None:
    class Enough(Exception):
        pass

    seen: list[tuple[int, int]] = []
    next(proposer.rounds(asked(), progress=lambda done, total: seen.append((done, total))))
    assert len(seen) > 1 or isinstance(proposer, Listed)  # whose round is one request
    assert seen == sorted(seen) and len({total for _, total in seen}) == 1

    def enough(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        next(proposer.rounds(asked(), progress=enough))


def test_ends_of_a_symmetric_relation_are_proposed_in_one_order(proposer: Proposer) -> None:
    card = dataclasses.replace(CARD, symmetric=True, functional=False, inverse_functional=False)
    found = proposed(proposer, asked(card, [*HEADS, *TAILS], [*TAILS, *HEADS]))
    assert found and len({frozenset(words) for words in found}) == len(found)


def test_only_a_chat_model_has_requests_to_be_paid(proposer: Proposer) -> None:
    requests = proposer.requests(asked())
    assert bool(requests) == isinstance(proposer, Listed)


def test_near_tails_are_found_block_after_block() -> None:
    heads = [f"place {number} of Ruritania" for number in range(_BLOCK + 3)]
    rounds = list(Nearest(HashingEncoder(), each=2).rounds(asked(heads=heads, tails=["Ruritania", "Freedonia", "Sylvania", heads[0]])))
    assert [len(round.tuples) for round in rounds] == [2 * _BLOCK, 6]
    assert ("place 1 of Ruritania", "Ruritania") in rounds[0].tuples


def test_decoding_fills_a_graphs_gaps_with_its_own_entities() -> None:
    lands = [*TAILS, *(f"Land {number}" for number in range(30))]
    cities = [*HEADS, *(f"Town {number}" for number in range(30))]
    first = [words for round in islice(Decoded(MODEL).rounds(asked(heads=cities, tails=lands, size=0)), 3) for words in round.tuples]
    assert {head for head, _ in first} <= set(cities) and {tail for _, tail in first} <= set(lands)
    assert set(WORLD) - set(SEEDS) <= set(first)


def test_decoding_lists_names_that_nobody_gave() -> None:
    found = proposed(Decoded(MODEL, free=True), asked(heads=(), tails=()))
    assert {("Warsaw", "Poland"), ("Vienna", "Austria")} <= set(found)


def test_decoding_asks_no_more_of_a_seed_that_has_its_only_answer() -> None:
    found = proposed(Decoded(MODEL, free=True), asked(heads=HEADS[:3], tails=TAILS[:3], size=0))
    assert found == []
    card = dataclasses.replace(CARD, functional=False)
    assert any(head == "Cairo" for head, _ in proposed(Decoded(MODEL, free=True), asked(card, HEADS[:3], TAILS[:3], 0)))


def test_words_that_fit_every_head_come_after_those_that_tell() -> None:
    said = [[("various uses", -1.0), (own, -1.5), ("nonsense " + own, -9.0)] for own in ("sewing", "digging", "cooking", "writing")]
    assert _telling(said)[1] == ["digging", "various uses", "nonsense digging"]


def test_a_model_that_says_nothing_ends_the_decoding() -> None:
    assert proposed(Decoded(ScriptedScorer(), free=True), asked(heads=(), tails=())) == []


def test_lists_end_with_the_size(listed: Callable[[Any], Listed]) -> None:
    assert len(proposed(listed(knowing), asked(heads=(), tails=(), size=4))) == 4


def test_lists_are_asked_by_letters_when_the_model_repeats_itself(listed: Callable[[Any], Listed]) -> None:
    def repeating(request: Request) -> str:
        return facts(WORLD[:4]) if "more facts" in request.messages[-1].text else knowing(request)

    found = proposed(listed(repeating), asked(heads=(), tails=()))
    assert found[0] == WORLD[3] and set(found) == set(WORLD) - set(SEEDS)


def test_an_answer_about_something_else_than_was_asked_does_not_count(listed: Callable[[Any], Listed]) -> None:
    said = json.dumps({"Poland": ["Warsaw"], "Austria": [""]})
    proposer = listed(lambda request: said if "For each country" in request.messages[-1].text else "{}")
    assert proposed(proposer, asked(heads=(), tails=["Poland", "Austria"])) == [WORLD[3]]
    beside = json.dumps({"Poland": ["Warsaw"], "Austria": [""], "Ohio": ["Springfield"]})
    assert proposed(listed(lambda _: beside), asked(heads=(), tails=["Poland", "Austria"])) == []


def test_a_model_that_says_everything_of_one_thing_is_asked_about_others(listed: Callable[[Any], Listed]) -> None:
    def rambling(request: Request) -> str:
        many = [(f"Town {request.sample} {number}", "Utopia") for number in range(20)]
        return facts(many) if "more facts" in request.messages[1].text else knowing(request)

    assert set(WORLD) - set(SEEDS) <= set(proposed(listed(rambling), asked(heads=(), tails=(), size=100)))


def test_a_model_that_only_repeats_itself_is_not_asked_for_ever(listed: Callable[[Any], Listed]) -> None:
    proposer = listed(lambda request: facts(WORLD[:4]) if "facts" in str(request.schema) else '{"names": ["Poland", "Utopia"]}')
    assert proposed(proposer, asked(heads=(), tails=())) == [WORLD[3]]
    calls = proposer._model.calls  # type: ignore[attr-defined]
    assert len(calls) < 12
    again = [request for request in calls if request.temperature]
    assert again and all(request.sample for request in again)


@pytest.mark.parametrize("said", ["I am sorry.", '{"facts": [', '{"facts": [{"city": 3}]}', '{"facts": []}', ""])
def test_unusable_answers_are_noted_and_the_rest_goes_on(listed: Callable[[Any], Listed], notes: list[str], said: str) -> None:
    proposer = listed(lambda request: said if "more facts" in request.messages[1].text else knowing(request))
    assert set(proposed(proposer, asked(heads=(), tails=()))) == set(WORLD) - set(SEEDS)
    assert bool(notes) == ("[]" not in said)


def test_a_cut_answer_counts_as_far_as_it_came(listed: Callable[[Any], Listed]) -> None:
    many = [(f"{'a b c d e f ' * 4}{number}", f"{'g h i ' * 8}{number}") for number in range(20)]
    found = proposed(listed(lambda request: facts(many) if "facts" in str(request.schema) else "{}"), asked(heads=(), tails=()))
    assert found and set(found) < set(many)


def test_names_are_cleaned_and_nonsense_is_dropped(listed: Callable[[Any], Listed]) -> None:
    said = [
        ('"Bern"', "Switzerland,"),
        ("Bern", "switzerland"),
        (" ", "Chad"),
        ("Chad", "Chad"),
        ("x" * 59, "\u202e"),
        ("Oslo", "Norway\n"),
    ]
    found = proposed(listed(lambda _: facts(said)), asked(heads=(), tails=(), size=5))
    assert found == [("Bern", "Switzerland"), ("Oslo", "Norway")]


def test_requests_are_bounded_and_name_all_slots(listed: Callable[[Any], Listed]) -> None:
    proposer = listed(knowing)
    wide = asked(FOUGHT, heads=[f"Army {number}" for number in range(40)])
    (first,) = proposer.requests(wide)
    found = proposed(proposer, wide)
    calls: list[Request] = proposer._model.calls  # type: ignore[attr-defined]
    assert found == [("Persia", "Greece", "Marathon")] and calls[0] == first
    assert all(request.max_tokens <= 1100 and request.schema for request in calls)
    schema = json.dumps(first.schema)
    assert all(word in schema for word in ("Army 0", "tail", "place", "maxItems", "maxLength"))


def test_a_long_harvest_does_not_make_long_requests(listed: Callable[[Any], Listed]) -> None:
    held = tuple((f"Town {number}", f"Land {number}") for number in range(1000))
    proposer = listed(knowing)
    next(proposer.rounds(asked(heads=(), tails=(), held=held)))
    text = proposer._model.calls[0].messages[-1].text  # type: ignore[attr-defined]
    assert len(text) < 2500 and "Land" in text


WON = dataclasses.replace(CARD, functional=False, inverse_functional=False)


def test_a_list_is_told_what_the_graph_has_about_the_names_it_is_asked_about(listed: Callable[[Any], Listed]) -> None:
    held = (("Paris", "France"), ("Oslo", "Norway"), ("Lima", "Peru"))
    (request,) = listed(knowing).requests(asked(WON, heads=["Paris"], held=held))
    text = request.messages[-1].text
    assert "Known already, do not repeat: Paris – France.\n" in text  # not Oslo, which is not asked about; nor a seed
    examples = text.split("For example:")[1].splitlines()[0]
    assert "Paris" not in examples


def test_an_open_list_is_told_the_surest_and_then_the_latest(listed: Callable[[Any], Listed]) -> None:
    held = tuple((f"Town {number}", f"Land {number}") for number in range(1000))
    proposer = listed(knowing)
    proposed(proposer, asked(WON, heads=(), tails=(), held=held, size=4))
    first, second = (call.messages[-1].text for call in proposer._model.calls[:2])  # type: ignore[attr-defined]
    assert "Town 999 – Land 999" in first and "Town 0 – " not in first
    assert "Paris – France" in second and first.count(" – ") == second.count(" – ") == 40


def test_the_only_fact_about_a_name_is_not_told_to_whom_is_asked_for_it(listed: Callable[[Any], Listed]) -> None:
    (request,) = listed(knowing).requests(asked(heads=(), tails=["France"], held=(("Paris", "France"),)))
    assert "Paris" not in request.messages[-1].text


def test_what_is_held_and_listed_again_does_not_count_as_new_names(listed: Callable[[Any], Listed]) -> None:
    held = WORLD[3:]
    proposer = listed(lambda request: facts(held) if "facts" in str(request.schema) else '{"names": []}')
    assert proposed(proposer, asked(heads=(), tails=(), held=held)) == list(held)
    texts = [call.messages[-1].text for call in proposer._model.calls]  # type: ignore[attr-defined]
    assert sum("more facts" in text for text in texts) == 2
