"""The prompts of a relation: what a model or grammar words anew, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvest import shipped
from harvest.bertnet.promptfile import PromptFile
from harvest.bertnet.prompts import ENOUGH, KEPT, Prompt, PromptSet, Refused, built_in, paraphrases, prompt_set, requests, unfilled, why_not
from kgplatform.cardform import SLOT, relation_from
from kgplatform.cards import filled, slots
from kgplatform.errors import BadCard, ModelBusy
from kgplatform.lm.scripted_chat import Faults, ScriptedChat
from kgplatform.lm.talk import Request
from kgplatform.templates import STOP_WORDS
from kgplatform.types import Relation

SEEDS = (("Warsaw", "Poland"), ("New York", "York"), ("Lima", "Peru"))
CAPITAL = Relation(
    "capital of", "The seat of government.", ("city",), ("country",), prompts=("{head} is the capital of {tail}",), seeds=SEEDS
)
WON = Relation(
    "won",
    key_qualifiers=("place",),
    prompts=("{head} won the {tail} in {place}",),
    seeds=(("Toni Morrison", "Nobel Prize", "Stockholm"), ("Ada", "Turing Award", "Boston")),
)
OTHERS = (
    "The seat of government of {tail} is found in {head}",
    "{tail} is governed from {head}",
    "If you visit {tail}, see its chief town, {head}",
    "Ministers of {tail} meet at {head}",
)


def saying(card: Relation, *templates: str) -> ScriptedChat:
    """A model that rewords the seed that it is asked about with these templates."""

    def answer(request: Request) -> str:
        named = request.messages[1].text.splitlines()[0].removeprefix("Names: ")
        seed = next(seed for seed in card.seeds if "; ".join(seed) == named)
        return json.dumps({"sentences": [filled(one, dict(zip(slots(card), seed, strict=True))) for one in templates]})

    return ScriptedChat(answer)


def worded(made: PromptSet, origin: str) -> list[str]:
    return [prompt.template for prompt in made.prompts if prompt.origin == origin]


def test_a_models_paraphrases_become_prompts(tmp_path: Path) -> None:
    made = prompt_set(CAPITAL, saying(CAPITAL, *OTHERS), tmp_path)
    assert worded(made, "card") == ["{head} is the capital of {tail}"]
    assert worded(made, "paraphrase") == list(OTHERS)
    few = prompt_set(CAPITAL, saying(CAPITAL, *OTHERS[:2]), tmp_path)
    assert worded(few, "paraphrase") == list(OTHERS[:2])
    assert "The capital of {tail} is {head}" in worded(few, "built in")
    assert len({prompt.template for prompt in few.prompts}) == len(few.prompts) == ENOUGH


def test_the_same_answers_give_the_same_prompts(tmp_path: Path) -> None:
    once, again = (prompt_set(CAPITAL, saying(CAPITAL, *OTHERS), tmp_path) for _ in range(2))
    assert once == again


def test_the_model_sees_the_seeds_words_and_the_first_round_can_be_counted(tmp_path: Path) -> None:
    model = saying(CAPITAL)
    list(paraphrases(CAPITAL, model, tmp_path))
    assert model.calls == requests(CAPITAL)
    assert [call.messages[-1].text.splitlines()[1] for call in model.calls] == [
        "Sentence: Warsaw is the capital of Poland",
        "Sentence: New York is the capital of York",
        "Sentence: Lima is the capital of Peru",
    ]


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Warsaw is a city", "it names 'Poland' not at all"),
        ("Warsaw, yes Warsaw, is Poland's capital", "it names 'Warsaw' 2 times"),
        ("The Polish seat of power of Polands is Warsaw", "it names 'Poland' not at all"),
        ("Warsaw is where Peru and Poland are governed", "it holds 'peru', which belongs to a seed"),
        ("Warsaw has ruled Poland since 1596", "it brings in '1596', of which the card says nothing"),
        ("Poland is ruled from Warsaw on the Vistula", "it brings in 'Vistula', of which the card says nothing"),
        ("Poland is ruled from Warsaw, masovia", "it says 'masovia' beside a slot, which is of one seed"),
        ("Warsaw is a capital of Poland", "it is too much like '{head} is the capital of {tail}' (93 of 100)"),
        ("All that has to do with Poland, " + "and so on, " * 20 + "is decided in Warsaw", "it has 272 letters, more than 200"),
        ("Warsaw {head} rules Poland", "it does not hold {head} once"),
        ("Warsaw {rules} Poland", "it has braces that are no slot of the card"),
    ],
)
def test_a_paraphrase_that_is_no_prompt_is_refused_with_the_reason(sentence: str, why: str, tmp_path: Path) -> None:
    model = ScriptedChat({"Warsaw is": json.dumps({"sentences": [sentence]}), "Names": json.dumps({"sentences": []})})
    made = prompt_set(dataclasses.replace(CAPITAL, seeds=(("Warsaw", "Poland"), ("Lima", "Peru"))), model, tmp_path)
    assert worded(made, "paraphrase") == []
    assert made.refused[0].why == why


def test_what_the_card_says_itself_is_no_news() -> None:
    nobel = dataclasses.replace(CAPITAL, prompts=("In 1990 {head} was the capital of {tail}, says Kapuscinski",))
    assert why_not(nobel, "Kapuscinski says that in 1990 {tail} was ruled from {head}") is None
    assert why_not(CAPITAL, "I know that {tail} is ruled from {head}. There they meet") is None


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("The town of {tail} from which one governs is {head}", None),
        ("The yorkish town of {tail} is {head}", "it holds 'yorkish', which belongs to a seed"),
        ("The yorkshiremen of {tail} live in {head}", None),
        ("{tail} is not the capital of {head}", None),
        ("{head} is not the capital of {tail}", "it is too much like '{head} is the capital of {tail}' (94 of 100)"),
        ("{head} is the capital of {tail}", "it is there already"),
        ("{tail}ers are ruled from {head}", "letters stand right beside a slot ({tail}ers), which few names bear"),
    ],
)
def test_the_rules_for_prompts(template: str, why: str | None) -> None:
    """Forms of a seed's word tell of it too; slots in another order make another prompt."""
    assert why_not(CAPITAL, template, CAPITAL.prompts) == why


def test_names_go_back_into_their_slots_whatever_their_case_and_even_inside_each_other() -> None:
    assert unfilled(CAPITAL, ' "YORK is ruled from new york." ', ("New York", "York")) == ("{tail} is ruled from {head}", "")
    assert unfilled(WON, "In Boston the Turing award went to Ada", WON.seeds[1]) == ("In {place} the {tail} went to {head}", "")
    assert unfilled(CAPITAL, "C++ is ruled from {tail}", ("{tail}", "C++")) == ("{tail} is ruled from {head}", "")


@pytest.mark.parametrize("said", ["I cannot.", '{"sentences": [1]}', '{"sentences": ["War'])
def test_an_answer_that_cannot_be_used_is_said_and_the_rest_goes_on(said: str, tmp_path: Path) -> None:
    good = json.dumps({"sentences": ["Peru is governed from Lima"]})
    made = prompt_set(CAPITAL, ScriptedChat({"Lima is": good, "Names": said}), tmp_path)
    assert worded(made, "paraphrase") == ["{tail} is governed from {head}"]
    assert "scripted:1 gave no usable answer" in made.refused[0].why
    assert len(made.prompts) > 2


def test_a_model_that_has_nothing_to_say_or_repeats_itself_is_not_asked_for_ever(tmp_path: Path) -> None:
    many = dataclasses.replace(CAPITAL, seeds=tuple((f"Capital{n}", f"Country{n}") for n in range(60)))
    silent, parrot = saying(many), saying(many, many.prompts[0], many.prompts[0])
    told = list(paraphrases(many, silent, tmp_path))
    assert told == [Refused(many.prompts[0], "scripted:1 has no other words for it")]
    assert len(list(paraphrases(many, parrot, tmp_path))) == 1
    assert (len(silent.calls), len(parrot.calls)) == (20, 10)
    assert worded(prompt_set(many, silent, tmp_path), "built in")


def test_what_was_kept_is_reworded_in_its_turn(tmp_path: Path) -> None:
    model = saying(CAPITAL, OTHERS[1])
    list(paraphrases(CAPITAL, model, tmp_path))
    asked = [call.messages[-1].text.splitlines()[1] for call in model.calls]
    assert asked[3:] == [
        "Sentence: Poland is governed from Warsaw",
        "Sentence: York is governed from New York",
        "Sentence: Peru is governed from Lima",
    ]


def test_only_useless_candidates_in_a_row_end_the_asking(tmp_path: Path) -> None:
    many = dataclasses.replace(CAPITAL, seeds=tuple((f"Capital{n}", f"Country{n}") for n in range(25)))
    good = {"Country10": OTHERS[0], "Country22": OTHERS[1]}

    def answer(request: Request) -> str:
        head, tail = request.messages[1].text.splitlines()[0].removeprefix("Names: ").split("; ")
        said = [filled(good[tail], {"head": head, "tail": tail})] if tail in good and "is the capital" in request.messages[1].text else []
        return json.dumps({"sentences": said})

    model = ScriptedChat(answer)
    assert worded(prompt_set(many, model, tmp_path), "paraphrase") == list(OTHERS[:2])
    assert len(model.calls) == 23 + 20


def test_enough_is_enough(tmp_path: Path) -> None:
    words = "amber birch cedar daisy ember fjord grove hazel ivory jolly karst lemon maple".split()
    model = saying(CAPITAL, *(f"{word * 5} {{tail}} {word * 5} {{head}}" for word in words))
    assert sum(isinstance(one, Prompt) for one in paraphrases(CAPITAL, model, tmp_path)) == KEPT
    assert len(prompt_set(CAPITAL, model, tmp_path).prompts) == ENOUGH
    assert len(model.calls) == 2
    own = dataclasses.replace(CAPITAL, prompts=(*CAPITAL.prompts, *OTHERS, "The country {tail} is ruled from {head}"))
    assert prompt_set(own, model, tmp_path).prompts == tuple(map(Prompt, own.prompts))
    assert len(model.calls) == 2  # who has enough prompts pays for no more


def test_an_outage_makes_no_poor_set_that_would_stay(tmp_path: Path) -> None:
    with pytest.raises(ModelBusy):
        prompt_set(CAPITAL, ScriptedChat({"": "{}"}, faults=Faults(busy=1.0)), tmp_path)


def test_a_cards_prompt_that_holds_a_seeds_word_is_refused_and_the_others_stand() -> None:
    told = dataclasses.replace(CAPITAL, prompts=("{head}, unlike Lima, rules {tail}", *CAPITAL.prompts))
    made = prompt_set(told)
    assert worded(made, "card") == list(CAPITAL.prompts)
    assert Refused("{head}, unlike Lima, rules {tail}", "it holds 'lima', which belongs to a seed") in made.refused
    with pytest.raises(
        BadCard, match=r"'capital of' has no prompt that it can be asked with .*'lima', which belongs to a seed.*: word one"
    ):
        prompt_set(dataclasses.replace(CAPITAL, prompts=told.prompts[:1]))


@pytest.mark.parametrize(
    ("prompt", "form"),
    [
        ("{head} is the capital of {tail}", "The capital of {tail} is {head}"),
        ("The capital of {head} is {tail}.", "{tail} is the capital of {head}"),
        ("{tail}'s mayor is {head}", "{head} is the mayor of {tail}"),
        ("{head} is a side effect of {tail}", "One side effect of {tail} is {head}"),
        ("{head} was designed by {tail}", "{tail} designed {head}"),
        ("{head} was written by {tail} in prison", "{tail} wrote {head} in prison"),
        ("{head} is owned by {tail}", "{tail} owns {head}"),
        ("{head} founded {tail}", "{tail} was founded by {head}"),
        ("{head} wrote {tail}", "{tail} was written by {head}"),
        ("{head} was born in {tail}", "The country in which {head} was born is {tail}"),
        ("{head} was born in {tail}", "One city that was born in {tail} is {head}"),
        ("{head} was born in {tail}", "Question: {head} was born in which country? Answer: {tail}"),
        ("{head} likes {tail}", "Capital of: {head} – {tail}"),
        ("{head} likes {tail}", "“capital of” means: The seat of government. Example: {head}, {tail}"),
    ],
)
def test_grammar_words_a_prompt_anew(prompt: str, form: str) -> None:
    assert form in built_in(dataclasses.replace(CAPITAL, prompts=(prompt,)))


@pytest.mark.parametrize(
    "prompt", ["{head} married {tail}", "{head} outshone {tail}", "{head} is a {tail} by trade", "{head} plays the {tail}"]
)
def test_where_no_rule_surely_applies_only_the_forms_that_always_do_are_left(prompt: str) -> None:
    made = built_in(dataclasses.replace(CAPITAL, prompts=(prompt,), domain=(), range=(), definition=""))
    assert [form for form in made if "what?" not in form] == [
        "In the relation “capital of”, {head} goes with {tail}",
        "Capital of: {head} – {tail}",
    ]
    assert not any("the what" in form for form in made)


@pytest.mark.parametrize("card", shipped.relations().values(), ids=shipped.relations())
def test_shipped_cards_get_prompts_without_a_model(card: Relation) -> None:
    made = prompt_set(card)
    assert worded(made, "card") == list(card.prompts)
    assert len(made.prompts) >= ENOUGH
    assert len(made.prompts) == max(ENOUGH, len(card.prompts))
    alone = prompt_set(dataclasses.replace(card, prompts=card.prompts[:1]))
    assert len(alone.prompts) >= 4  # one prompt of a person's is enough


def test_wider_relations_keep_all_their_slots(tmp_path: Path) -> None:
    made = prompt_set(WON, saying(WON, "In {place} the {tail} went to {head}", "The {tail} went to {head}"), tmp_path)
    assert worded(made, "paraphrase") == ["In {place} the {tail} went to {head}"]
    assert "Won: {head} – {tail} – {place}" in worded(made, "built in")
    assert all(sorted(SLOT.findall(prompt.template)) == ["head", "place", "tail"] for prompt in made.prompts)


NAMES = st.sampled_from(["Rome", "land", "New land", "Ödland", "C++", "{head}", "{tail}", "1a", "the", "of the"])
FILLERS = st.lists(
    st.sampled_from(["rules", "ROME", "Ödlands", "the", "land", "1a", "{x}", "governs all", "is, as they say,", "new"]), max_size=3
)
WORDED = st.tuples(st.permutations(["{head}", "{tail}"]), FILLERS, FILLERS, FILLERS).map(
    lambda parts: " ".join([*parts[1], parts[0][0], *parts[2], parts[0][1], *parts[3]])
)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3, unique=True), st.lists(WORDED, min_size=1, max_size=4))
def test_a_kept_prompt_has_each_slot_once_and_no_word_of_a_seed(seeds: list[tuple[str, str]], said: list[str]) -> None:
    card = dataclasses.replace(CAPITAL, seeds=tuple(seeds), prompts=("{head} oo {tail}",))
    kept = list(card.prompts)
    for template, seed in itertools.product(said, seeds):
        sentence = filled(template, dict(zip(("head", "tail"), seed, strict=True)))
        found, why = unfilled(card, sentence, seed)
        if why or why_not(card, found, kept):
            continue
        kept.append(found)
        assert Counter(SLOT.findall(found)) == Counter(("head", "tail"))
        words = set(re.findall(r"\w+", SLOT.sub(" ", found).casefold()))
        assert not words & ({word for pair in seeds for name in pair for word in re.findall(r"\w+", name.casefold())} - STOP_WORDS)
        assert not words & {"1a", "x"}
        assert filled(found, dict(zip(("head", "tail"), seed, strict=True))).casefold() == sentence.casefold()


@given(st.sampled_from(sorted(shipped.relations())), st.booleans())
def test_built_in_prompts_obey_the_rules_too(name: str, bare: bool) -> None:
    card = shipped.relations()[name]
    card = dataclasses.replace(card, domain=(), range=(), definition="") if bare else card
    made = [prompt.template for prompt in prompt_set(card).prompts]
    for number, template in enumerate(made[len(card.prompts) :], len(card.prompts)):
        assert why_not(card, template, made[:number]) is None


# kept


def test_prompts_are_kept_with_their_weights_for_the_same_card_and_models(tmp_path: Path) -> None:
    file = PromptFile(tmp_path / "prompts", CAPITAL, ("scorer@1", "chat@2"))
    assert file.read() is None
    prompts = (Prompt("{head} is the capital of {tail}", "card", 0.75), Prompt("{tail} – “{head}”", "built in", 0.25))
    assert file.keep(prompts).name.startswith("capital_of-")
    assert file.read() == prompts
    assert PromptFile(tmp_path / "prompts", CAPITAL, ("scorer@2", "chat@2")).read() is None
    assert PromptFile(tmp_path / "prompts", dataclasses.replace(CAPITAL, functional=True), file.models).read() is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"prompts": []}',
        b'{"prompts": [{"template": "{head}"}]}',
        b'{"prompts": [{"template": "{head} {tail}", "origin": "elsewhere"}]}',
        b'{"prompts": [{"template": "{head} {tail}", "weight": NaN}]}',
        b'{"prompts": [{"template": "{head} {tail}", "weight": "1"}]}',
        b'{"prompts": [{"template": "{head} {tail}", "colour": 1}]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_made_anew(raw: bytes, tmp_path: Path) -> None:
    file = PromptFile(tmp_path, CAPITAL, ("scorer@1",))
    file.path.write_bytes(raw)
    assert file.read() is None
    prompts = tuple(Prompt(template) for template in CAPITAL.prompts)
    file.keep(prompts)
    assert file.read() == prompts


@given(st.text(max_size=300))
def test_a_card_of_any_name_has_a_file_and_prompts(name: str) -> None:
    card = dataclasses.replace(CAPITAL, name=name)
    assert len(PromptFile(Path("x"), card, ("s",)).path.name.encode()) <= 255
    for form in built_in(card):
        assert Counter(SLOT.findall(form)) == Counter(("head", "tail"))


def test_a_card_that_was_read_is_asked_as_it_stands() -> None:
    card = relation_from({"name": "likes", "prompts": ["{head} likes {tail}"], "seeds": [["Ada", "tea"]]})
    assert prompt_set(card).prompts[0] == Prompt("{head} likes {tail}", "card", 1.0)


def test_a_wording_with_head_and_tail_changed_places_is_refused_unless_the_relation_is_symmetric() -> None:
    turned = "{tail} is the capital of {head}"
    assert why_not(CAPITAL, turned) == "it is '{head} is the capital of {tail}' with head and tail changed places"
    assert why_not(dataclasses.replace(CAPITAL, symmetric=True, functional=False, inverse_functional=False), turned) != why_not(
        CAPITAL, turned
    )
    assert why_not(CAPITAL, "{tail} is ruled from {head}", ["{head} is ruled from {tail}"]) is not None
