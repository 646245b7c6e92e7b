"""Spans as the real pipeline finds them: names, values in canonical form, and offsets that hold in any text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvest.documents import mentions
from harvest.documents.mentions import Reader, Sentence
from kgplatform.errors import WeightsCorrupt
from kgplatform.literals import canonical
from kgplatform.lm import weights
from kgplatform.settings import load
from tests import servers

pytestmark = pytest.mark.models
PIPELINE = "en_core_web_sm"
VALUES = {"DATE": "date", "YEAR": "year", "NUMBER": "decimal"}


@pytest.fixture(scope="module")
def made() -> list[Reader]:
    return []


@pytest.fixture
def reader(made: list[Reader]) -> Reader:
    home = load().home
    if not made and not weights.present(PIPELINE, home):
        servers.missing(f"the model {PIPELINE} (run  kg models fetch {PIPELINE})")
    if not made:
        made.append(Reader(weights.folder(PIPELINE, home)))
    return made[0]


def found(sentences: list[Sentence], *labels: str) -> list[str]:
    return [span.name for sentence in sentences for span in sentence.spans if not labels or span.label in labels]


def check(text: str, sentences: list[Sentence]) -> None:
    """The laws of offsets: all are characters of the document."""
    last = 0
    for sentence in sentences:
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text.strip()
        assert sentence.start >= last
        last = sentence.end
        assert [span.start for span in sentence.spans] == sorted(span.start for span in sentence.spans)
        for span in sentence.spans:
            assert text[span.start : span.end] == span.words
            assert sentence.start <= span.start < span.end <= sentence.end
            assert span.name.strip()
            assert span.label not in VALUES or canonical(span.name, VALUES[span.label]) == span.name
        for token in sentence.tokens:
            assert text[token.start : token.end] == token.text
            assert 0 <= token.head < len(sentence.tokens)


def test_people_places_and_things_are_found(reader: Reader) -> None:
    sentences = reader.sentences("Marie Curie was born in Warsaw. Professor Curie discovered polonium in Paris, and she saw radium.")
    names = found(sentences)
    assert {"Marie Curie", "Warsaw", "Curie", "Paris", "polonium", "radium"} <= set(names)
    assert found(sentences, "PRONOUN") == ["she"]
    assert "Professor Curie" not in names


def test_a_first_name_that_the_tagger_left_out_joins_its_surname(reader: Reader) -> None:
    sentences = reader.sentences("Johannes Kepler was a student of Tycho Brahe.")
    assert {"Johannes Kepler", "Tycho Brahe"} <= set(found(sentences))


@pytest.mark.parametrize("date", ["7 November 1867", "November 7, 1867", "1867-11-07", "7th November, 1867"])
def test_dates_of_every_form_are_one_value(reader: Reader, date: str) -> None:
    sentences = reader.sentences(f"Marie Curie was born on {date} in Warsaw.")
    assert found(sentences, *VALUES) == ["1867-11-07"]
    assert [span.words for span in sentences[0].spans if span.label == "DATE"] == [date]


def test_years_and_numbers_are_values(reader: Reader) -> None:
    sentences = reader.sentences("In 1898 she had 1,234,567 grams, number 88, of weight 226.030, not 3.4.5 or a-7 or 12345.")
    assert found(sentences, "YEAR") == ["1898"]
    assert found(sentences, "NUMBER") == ["1234567", "88", "226.03"]


def test_what_is_no_day_is_no_date(reader: Reader) -> None:
    sentences = reader.sentences("He came on 31 February 1900.")
    assert found(sentences, "DATE") == []
    assert found(sentences, "YEAR") == ["1900"]


def test_digits_of_other_scripts_are_no_values_in_canonical_form(reader: Reader) -> None:
    assert found(reader.sentences("It was ٣ March ٢٠٠١ and ١٨٦٧-١١-٠٧, in 1٨٦٧ and ٨٨."), *VALUES) == []


def test_an_institution_names_the_place_it_lies_in(reader: Reader) -> None:
    text = "Curie studied at the University of Paris and worked at Uppsala University."
    spans = {span.name: span for sentence in reader.sentences(text) for span in sentence.spans}
    assert {"University of Paris", "Paris", "Uppsala University", "Uppsala"} <= set(spans)
    assert spans["Paris"].label == spans["Uppsala"].label == "GPE"
    assert (spans["Paris"].start, spans["Uppsala"].start) == (text.index("Paris"), text.index("Uppsala"))


def test_emoji_are_no_names(reader: Reader) -> None:
    text = "😀😀 Marie Curie 👩\u200d🔬 was born in Warsaw 🎉."
    sentences = reader.sentences(text)
    check(text, sentences)
    assert found(sentences) == ["Marie Curie", "Warsaw"]


HOSTILE = [
    "",
    " \n\t ",
    "Marie Curie\r\nwas born\r\n\r\nin\tWarsaw on 7 November 1867.\r\n\r\n\r\nShe died.",
    "ולדה מארי קירי ב-1867. \u202eMarie Curie\u202c was born in Warsaw.",
    f"{'a' * 10_000} Marie Curie was born in Warsaw.",
    "{tail} was born in {head}. <script>alert(1)</script>. MATCH (n) DETACH DELETE n. ' OR 1=1 --",
    "e\u0301 \u200b\u200d\ufeff\x07 Marie\u00a0Curie \x85 was\u2028born\u2029in Warsaw.",
    "the the a an Sir Dr. 's . , 's",
    "\n\n\n  Marie Curie  \n \n Warsaw \n\n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_offsets_hold_in_hostile_texts(reader: Reader, text: str) -> None:
    check(text, reader.sentences(text))


PARTS = [
    "Marie Curie",
    "Sir",
    "she",
    "his",
    "University of Paris",
    "7 November 1867",
    "1867-11-07",
    "1,000",
    "'s",
    "the",
    "of",
    "was born in",
]
PARTS += ["\n\n", "\r\n", "\t", ". ", " ", "😀", "{head}", "<b>", "קירי", "\u202e", "radium", "-", "(", "\u0301", "İ", "ß"]
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=25).map(" ".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(TEXTS)
def test_offsets_hold_in_any_text(reader: Reader, text: str) -> None:
    check(text, reader.sentences(text))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["Marie Curie", "born", " ", "\n", "Warsaw.", "a" * 90]), min_size=20, max_size=60).map(" ".join))
def test_a_paragraph_longer_than_the_pipeline_takes_is_read_in_parts(reader: Reader, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mentions, "_LONGEST", 60)
        patch.setattr(reader._nlp, "max_length", 60)
        sentences = reader.sentences(text)
    check(text, sentences)
    assert "".join("".join(sentence.text.split()) for sentence in sentences) == "".join(text.split())


def test_a_folder_that_is_no_pipeline_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="kg models fetch"):
        Reader(tmp_path)
