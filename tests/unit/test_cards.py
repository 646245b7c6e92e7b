"""Relation cards and kinds: read, checked, applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform import cards
from kgplatform.errors import BadCard, BadRequest
from kgplatform.types import Claim, Entity, EntityId, Evidence, Kind, Literal, Relation, Source, SourceId

CARDS = {
    card.name: card
    for card in (
        Relation("parent of", inverse="child of"),
        Relation("married to", symmetric=True),
        Relation("born on", range=("date",)),
        Relation("born in", range=("city",)),
    )
}
KINDS = {kind.name: kind for kind in (Kind("place"), Kind("city", "place"), Kind("capital", "city"))}
ENDS = st.sampled_from([Entity(EntityId(name), name) for name in "abc"])
TAILS = st.one_of(ENDS, st.sampled_from([Literal("7 November 1867"), Literal("1867-11-07", "date"), Literal("soon")]))
SAID = Evidence("text", Source(SourceId("doc:1"), "document"), head_words="H", tail_words="T")


@given(ENDS, st.sampled_from([*CARDS, "child of", "likes"]), TAILS)
def test_the_canonical_form_is_its_own(head: Entity, relation: str, tail: Entity | Literal) -> None:
    try:
        once = cards.canonical(Claim(head, relation, tail, (SAID,)), CARDS)
    except BadRequest as error:
        assert str(error)
        return
    assert cards.canonical(once, CARDS) == once


@given(ENDS, ENDS)
def test_two_wordings_of_one_fact_meet(one: Entity, other: Entity) -> None:
    parent = cards.canonical(Claim(one, "parent of", other, (SAID,)), CARDS)
    child = cards.canonical(Claim(other, "child of", one, (SAID,)), CARDS)
    assert (parent.head, parent.relation, parent.tail) == (child.head, child.relation, child.tail)
    assert (child.evidence[0].head_words, child.evidence[0].tail_words) == ("T", "H")
    married = [cards.canonical(Claim(a, "married to", b, ()), CARDS) for a, b in ((one, other), (other, one))]
    assert married[0] == married[1]


@pytest.mark.parametrize(
    ("relation", "tail", "sentence"),
    [
        ("born on", Entity(EntityId("x"), "X"), "must be a value of type date"),
        ("born on", Literal("soon"), "'soon' is not a value of type date"),
        ("born in", Literal("Warsaw"), "must be an entity"),
        ("child of", Literal("Warsaw"), "must be an entity"),
    ],
)
def test_a_tail_that_the_card_does_not_allow_is_refused(relation: str, tail: Entity | Literal, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        cards.canonical(Claim(Entity(EntityId("a"), "A"), relation, tail, ()), CARDS)


def test_words_are_refused_where_the_card_wants_an_entity() -> None:
    known = {"played": Relation("played", inverse="played by", key_qualifiers=("place",), qualifier_kinds=(("place", "city"),))}
    ann, ulm = (Entity(EntityId(name), name) for name in ("ann", "ulm"))
    for relation in ("played", "played by"):
        with pytest.raises(BadRequest, match=r"'place' of 'played' must be an entity \(city\), not the words 'Ulm'"):
            cards.canonical(Claim(ann, relation, ann, (SAID,), (("place", "Ulm"),)), known)
        cards.canonical(Claim(ann, relation, ann, (SAID,), (("place", ulm), ("year", "1990"))), known)


GOOD: dict[str, Any] = {"name": "born in", "prompts": ["{head} was born in {tail}"]}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "no  name"),
        ({"prompts": []}, "has no prompts"),
        ({"prompts": ["born in {tail}"]}, "must hold {head} once"),
        ({"prompts": ["{head} {head} {tail}"]}, "must hold {head} once"),
        ({"prompts": ["{head} {where} {tail}"]}, "unknown slot {where}"),
        ({"prompts": [3]}, "prompts must be a list of words"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"qualifier_kinds": ["place"]}, "qualifier_kinds must say a kind"),
        ({"qualifier_kinds": {"place": ""}}, "qualifier_kinds must say a kind"),
        ({"functional": "yes"}, "functional is true or false"),
        ({"symmetric": True, "inverse": "x"}, "cannot have an inverse"),
        ({"range": ["city", "date"]}, "kinds or one datatype"),
        ({"seeds": "a, b"}, "seeds must be a list of lists"),
        ({"seeds": [["a"]]}, r"the seed \[a\] has 1 of the 2 words that are wanted: \[head, tail\]"),
        ({"seeds": [["a", "b", "c"]]}, r"has 3 of the 2 words"),
        ({"seeds": [["a", None]]}, r"the seed \[a, \] has an empty place"),
        ({"seeds": [["a", " "]]}, "has no visible character"),
        ({"seeds": [["Norway", False]]}, "words yes and no: put them in quotes"),
        ({"seeds": [["a", "b" * 1001]]}, "1,001 characters"),
        ({"seeds": [["a", "b"], ["A", " b "]]}, r"the seed \[A, b\] is given twice"),
        ({"seeds": [["a", "b"], ["b", "a"]], "symmetric": True}, "given twice"),
        (
            {"seeds": [["a", "b"], ["A", "c"]], "functional": True},
            r"one tail for each head, but .* contradict each other: \[a, b\] and \[A, c\]",
        ),
        ({"seeds": [["a", "b"], ["c", "b"]], "inverse_functional": True}, "one head for each tail, but its seeds contradict"),
        ({"seeds": [["a", "b"], ["c", "a"]], "functional": True, "symmetric": True}, "seeds contradict"),
        ({"prompts": ["{head} {tail} {place}"]}, "slots are {head} and {tail}; a third one is named in  key_qualifiers"),
        ({"key_qualifiers": ["tail"]}, "can be called 'tail'"),
    ],
)
def test_a_bad_card_gets_the_right_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadCard, match=sentence):
        cards.relation_from({**GOOD, **changes})


TERNARY: dict[str, Any] = {
    "name": "won",
    "key_qualifiers": ["valid_from", "place"],
    "prompts": ["{head} won the {tail} in {place}", "In {place} the {tail} went to {head}"],
    "seeds": [["Toni Morrison", "Nobel Prize", "Stockholm"], ["Toni Morrison", "Pulitzer Prize", 1988]],
}


def test_a_wider_relation_has_a_slot_for_each_key_qualifier_that_its_prompts_name() -> None:
    card = cards.relation_from(TERNARY)
    assert cards.slots(card) == ("head", "tail", "place")
    assert card.seeds[1] == ("Toni Morrison", "Pulitzer Prize", "1988")
    both = ["{valid_from}: {head} won {tail} at {place}"]
    assert cards.slots(cards.relation_from({**TERNARY, "prompts": both, "seeds": []})) == ("head", "tail", "valid_from", "place")
    assert cards.slots(cards.relation_from(GOOD)) == ("head", "tail")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompts": ["{head} won {tail} in {place}", "{head} won {tail}"]}, "'{head} won {tail}' has no {place}, which others have"),
        ({"prompts": ["{head} won {tail} in {place} of {place}"]}, r"must hold {head} once, {tail} once and {place} once"),
        ({"prompts": ["{head} {tail} {where}"]}, "slots are {head}, {tail}, {valid_from} and {place}$"),
        ({"seeds": [["a", "b"]]}, r"has 2 of the 3 words that are wanted: \[head, tail, place\]"),
        ({"functional": True, "seeds": [["a", "b", "x"], ["a", "c", "x"]]}, "seeds contradict each other"),
    ],
)
def test_a_bad_wider_card_gets_the_right_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadCard, match=sentence):
        cards.relation_from({**TERNARY, **changes})


def test_seeds_that_differ_in_a_further_slot_do_not_contradict() -> None:
    raw = {**TERNARY, "functional": True, "seeds": [["a", "b", "x"], ["a", "c", "y"]]}
    assert len(cards.relation_from(raw).seeds) == 2


@given(st.text(max_size=12), st.text(max_size=12))
def test_words_that_look_like_slots_stay_words(head: str, tail: str) -> None:
    assert cards.filled("{head} / {tail}", {"head": head, "tail": tail}) == f"{head} / {tail}"


def test_cards_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(
        "name: born in\nprompts: ['{head} was born in {tail}']\nrange: city\nseeds: [[a, b]]\nqualifier_kinds: {place: city}\n", "utf-8"
    )
    (tmp_path / "a.yaml").write_text("name: born on\nprompts: ['{head} {tail}']\nrange: [date]\n", "utf-8")
    found = cards.read_relations(tmp_path)
    assert list(found) == ["born on", "born in"]
    assert found["born in"].range == ("city",)
    assert found["born in"].seeds == (("a", "b"),)
    assert found["born in"].qualifier_kinds == (("place", "city"),)
    assert cards.datatype(found["born on"]) == "date"
    assert cards.datatype(found["born in"]) is None


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"name: [", "is not YAML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"- a\n", "a card is a mapping"),
        (b"name: x\n", "has no prompts"),
        (b"- 2020-13-45", "cannot be read"),
    ],
)
def test_a_file_that_is_no_card_is_named(tmp_path: Path, raw: bytes, sentence: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes(raw)
    with pytest.raises(BadCard, match=sentence) as refused:
        cards.read_relation(path)
    assert str(refused.value).startswith(str(path))
    with pytest.raises(BadCard, match="cannot be read"):
        cards.read_relation(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("city: {is_a: place}", "is_a 'place', which is not there"),
        ("a: {is_a: b}\nb: {is_a: a}", "is its own ancestor"),
        ("a: {colour: red}", "has more than"),
        ("- a", "expected a mapping"),
    ],
)
def test_a_bad_taxonomy_gets_the_right_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "kinds.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadCard, match=sentence):
        cards.read_kinds(path)


def test_sub_kinds_fit() -> None:
    assert cards.ancestors("capital", KINDS) == ("capital", "city", "place")
    assert cards.fits("capital", ["place"], KINDS)
    assert not cards.fits("place", ["capital"], KINDS)
    assert cards.fits("unheard of", [], KINDS)
    assert cards.fits("unheard of", ["unheard of"], KINDS)
