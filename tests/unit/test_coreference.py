"""Whom a surname or a pronoun means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvest.documents.coreference import resolve, short_for
from harvest.documents.mentions import Sentence, Span

LABELS = {"person": "PERSON", "city": "GPE", "element": "NOUN", "": "PRONOUN"}


def sentence(*words: str) -> Sentence:
    """``"Marie Curie/person"``: a name and its kind; ``"she/"`` is a pronoun."""
    spans: list[Span] = []
    for part in words:
        name, _, kind = part.partition("/")
        start = spans[-1].end + 1 if spans else 0
        spans.append(Span(start, start + len(name), name, name, LABELS[kind], kind))
    text = " ".join(span.words for span in spans)
    return Sentence(0, len(text), text, tuple(spans))


def names(*sentences: Sentence) -> list[list[str]]:
    return [[span.name for span in one.spans] for one in resolve(sentences)]


def test_a_surname_is_the_full_name_that_came_first() -> None:
    assert names(sentence("Marie Curie/person"), sentence("Pierre Curie/person"), sentence("Curie/person", "Pierre/person")) == [
        ["Marie Curie"],
        ["Pierre Curie"],
        ["Marie Curie", "Pierre Curie"],
    ]


def test_the_full_name_may_come_later() -> None:
    assert names(sentence("Curie/person"), sentence("Marie Curie/person")) == [["Marie Curie"], ["Marie Curie"]]


def test_a_surname_that_was_taken_for_a_place_is_the_person() -> None:
    (_, after) = resolve([sentence("Marie Curie/person"), sentence("Curie/city")])
    assert [(span.name, span.kind) for span in after.spans] == [("Marie Curie", "person")]


def test_nouns_and_values_are_nobodys_surname() -> None:
    noun = Span(0, 4, "rose", "rose", "NOUN", "element")
    year = Span(5, 9, "1900", "1900", "YEAR")
    (after,) = resolve([Sentence(0, 9, "rose 1900", (noun, year, Span(10, 20, "Jan 1900", "Jan 1900", "PERSON", "person")))])
    assert [span.name for span in after.spans] == ["rose", "1900", "Jan 1900"]


def test_a_pronoun_is_the_first_person_of_its_sentence() -> None:
    assert names(sentence("Ada/person", "Bea/person", "she/")) == [["Ada", "Bea", "Ada"]]


def test_the_first_person_counts_also_when_the_text_was_about_them_already() -> None:
    assert names(sentence("Ada/person"), sentence("Ada/person", "Bea/person", "she/")) == [["Ada"], ["Ada", "Bea", "Ada"]]


def test_a_pronoun_before_any_person_is_whom_the_last_sentence_was_about() -> None:
    about = [sentence("Ada/person", "Bea/person"), sentence("Paris/city"), sentence("She/", "Cleo/person", "her/")]
    assert names(*about) == [["Ada", "Bea"], ["Paris"], ["Ada", "Cleo", "Cleo"]]


def test_who_a_pronoun_means_stays_the_topic() -> None:
    assert names(sentence("Ada/person"), sentence("She/"), sentence("she/")) == [["Ada"], ["Ada"], ["Ada"]]


def test_a_pronoun_that_means_nobody_is_gone() -> None:
    assert names(sentence("She/", "Paris/city"), sentence("he/")) == [["Paris"], []]


def test_the_words_stay_beside_the_name() -> None:
    (_, after) = resolve([sentence("Marie Curie/person"), sentence("She/", "Curie/person")])
    assert [(span.words, span.name, span.kind) for span in after.spans] == [
        ("She", "Marie Curie", "person"),
        ("Curie", "Marie Curie", "person"),
    ]


@pytest.mark.parametrize(
    ("short", "full", "holds"),
    [
        ("Curie", "Marie Curie", True),
        ("Marie", "Marie Curie", True),
        ("van Beethoven", "Ludwig van Beethoven", True),
        ("Per Teodor", "Per Teodor Cleve", True),
        ("Teodor", "Per Teodor Cleve", False),
        ("Marie Curie", "Marie Curie", False),
        ("curie", "Marie Curie", False),
        ("Cur", "Marie Curie", False),
        ("", "Marie Curie", False),
    ],
)
def test_short_names(short: str, full: str, holds: bool) -> None:
    assert short_for(short, full) is holds


SENTENCES = st.lists(
    st.lists(st.sampled_from(["Ada Bell/person", "Bell/person", "Ada/city", "she/", "tin/element"]), max_size=5), max_size=5
)


@given(SENTENCES)
def test_nothing_but_names_and_kinds_of_persons_changes(drawn: list[list[str]]) -> None:
    given_ = [sentence(*parts) for parts in drawn]
    for before, after in zip(given_, resolve(given_), strict=True):
        assert {(span.start, span.words) for span in after.spans} <= {(span.start, span.words) for span in before.spans}
        assert [span for span in after.spans if span.label == "NOUN"] == [span for span in before.spans if span.label == "NOUN"]
        assert all(span.kind == "person" for span in after.spans if span.label == "PRONOUN")
    assert resolve(given_) == resolve(given_)
