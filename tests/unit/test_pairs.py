"""Which pairs of a sentence are considered, and the words that join them."""

from __future__ import annotations

import dataclasses

import pytest

from harvest.documents.mentions import Sentence, Span, Token
from harvest.documents.pairs import Pair, pairs, path_words
from harvest.documents.run import tail
from kgplatform.types import Kind, Literal, Mention, Relation

KINDS = {name: Kind(name, parent) for name, parent in {"thing": "", "person": "thing", "place": "thing", "city": "place"}.items()}
BORN = Relation("born in", domain=("person",), range=("place",), prompts=("{head} was born in {tail}",))
MARRIED = Relation("married to", domain=("person",), range=("person",), symmetric=True, prompts=("{head} married {tail}",))
KNOWS = Relation("knows", domain=("person",), range=("person",), prompts=("{head} knows {tail}",))
ANY = Relation("near", prompts=("{head} is near {tail}",))


def value(wanted: str) -> Relation:
    return Relation(f"has {wanted}", domain=("person",), range=(wanted,), prompts=("{head} has {tail}",))


def sentence(text: str, *spans: tuple[str, str, str], heads: tuple[int, ...] = ()) -> Sentence:
    """Spans are (words, label, kind), found in the text one after the other; ``heads`` is the parse, a word each."""
    found, at = [], 0
    for words, label, kind in spans:
        at = text.index(words, at)
        found.append(Span(at, at + len(words), words, words, label, kind))
        at += len(words)
    tokens, at = [], 0
    for word, head in zip(text.split() if heads else [], heads, strict=True):
        at = text.index(word, at)
        tokens.append(Token(at, at + len(word), word, head))
        at += len(word)
    return Sentence(0, len(text), text, tuple(found), tuple(tokens))


def ends(found: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.head.name, pair.tail.name) for pair in found]


ADA, BEA = ("Ada", "PERSON", "person"), ("Bea", "PERSON", "person")
PARIS = ("Paris", "GPE", "city")


def test_kinds_decide_and_sub_kinds_fit() -> None:
    told = sentence("Ada Bea Paris tin", ADA, BEA, PARIS, ("tin", "NOUN", ""))
    assert ends(list(pairs(told, [BORN], KINDS))) == [("Ada", "Paris"), ("Bea", "Paris")]


def test_a_card_without_wishes_takes_everything_that_has_a_kind() -> None:
    told = sentence("Ada Paris tin", ADA, PARIS, ("tin", "NOUN", ""))
    assert ends(list(pairs(told, [ANY], KINDS))) == [("Ada", "Paris"), ("Paris", "Ada")]


def test_a_symmetric_card_has_each_pair_once_in_the_order_they_stand() -> None:
    told = sentence("Ada Bea", ADA, BEA)
    assert ends(list(pairs(told, [MARRIED], KINDS))) == [("Ada", "Bea")]
    assert ends(list(pairs(told, [KNOWS], KINDS))) == [("Ada", "Bea"), ("Bea", "Ada")]


def test_a_symmetric_pair_that_begins_at_one_character_is_one_pair() -> None:
    inner, outer = Span(0, 6, "Oxford", "Oxford", "GPE", "city"), Span(0, 17, "Oxford University", "Oxford University", "ORG", "place")
    beside = Relation("beside", symmetric=True, prompts=("{head} is beside {tail}",))
    found = list(pairs(Sentence(0, 17, outer.words, (outer, inner)), [beside], KINDS))
    assert ends(found) == [("Oxford", "Oxford University")]


def test_nothing_stands_in_a_relation_to_itself() -> None:
    assert list(pairs(sentence("Ada Ada", ADA, ADA), [KNOWS, MARRIED], KINDS)) == []


@pytest.mark.parametrize(
    ("wanted", "words", "label", "expected"),
    [
        ("date", "1867-11-07", "DATE", "1867-11-07"),
        ("date", "1867", "YEAR", None),
        ("year", "1867", "YEAR", "1867"),
        ("year", "1867-11-07", "DATE", "1867"),
        ("year", "0867-11-07", "DATE", None),
        ("year", "3021-11-07", "DATE", None),
        ("year", "88", "NUMBER", None),
        ("integer", "88", "NUMBER", "88"),
        ("integer", "39.1", "NUMBER", None),
        ("integer", "1867", "YEAR", None),
        ("decimal", "39.1", "NUMBER", "39.1"),
        ("string", "88", "NUMBER", None),
        ("boolean", "true", "NAME", None),
        ("date", "Paris", "GPE", None),
    ],
)
def test_values_are_of_the_cards_datatype(wanted: str, words: str, label: str, expected: str | None) -> None:
    found = list(pairs(sentence(f"Ada {words}", ADA, (words, label, "")), [value(wanted)], KINDS))
    assert [tail(pair) for pair in found] == ([Literal(expected, wanted)] if expected else [])


def test_a_value_is_no_entity() -> None:
    assert list(pairs(sentence("Ada 1867", ADA, ("1867", "YEAR", "")), [ANY, BORN], KINDS)) == []


def test_a_tail_is_the_mention_with_its_kind() -> None:
    (pair,) = pairs(sentence("Ada Paris", ADA, PARIS), [BORN], KINDS)
    assert tail(pair) == Mention("Paris", "city")


# Ada , who taught Bea , was born in Paris
PARSED = sentence("Ada , who taught Bea , was born in Paris", ADA, BEA, PARIS, heads=(7, 0, 3, 0, 3, 0, 7, 7, 7, 8))


def test_the_words_between_are_those_on_the_way_through_the_parse() -> None:
    ada, bea, paris = PARSED.spans
    assert path_words(PARSED, ada, paris) == "{head} born in {tail}"
    assert path_words(PARSED, paris, ada) == "{tail} born in {head}"
    assert path_words(PARSED, ada, bea) == "{head} taught {tail}"
    assert path_words(PARSED, bea, paris) == "Ada taught {head} born in {tail}"


def test_a_name_of_several_words_is_one_slot() -> None:
    told = sentence("Ada Bell saw Paris", ("Ada Bell", "PERSON", "person"), PARIS, heads=(1, 2, 2, 2))
    assert path_words(told, *told.spans) == "{head} saw {tail}"


def test_without_a_parse_only_the_ends_are_known() -> None:
    told = sentence("Ada saw Paris", ADA, PARIS)
    assert path_words(told, *told.spans) == "{head} {tail}"


def test_two_sentences_that_the_parse_does_not_join_still_give_words() -> None:
    told = sentence("Ada ran Bea", ADA, BEA, heads=(1, 1, 2))
    assert path_words(told, *told.spans) == "{head} ran {tail}"


def test_spans_that_begin_at_one_character_have_words_of_their_own() -> None:
    place, institution = (
        Span(15, 21, "Oxford", "Oxford", "GPE", "city"),
        Span(15, 32, "Oxford University", "Oxford University", "ORG", "place"),
    )
    told = sentence("Ada studied at Oxford University", ADA, heads=(1, 1, 1, 4, 2))
    for spans in ((institution, place), (place, institution)):
        found = pairs(dataclasses.replace(told, spans=(*told.spans, *spans)), [BORN], KINDS)
        assert {pair.tail.name: pair.between for pair in found} == {
            "Oxford University": "{head} studied at {tail}",
            "Oxford": "{head} studied at {tail} University",
        }
