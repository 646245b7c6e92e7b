"""Cutting a text into passages: nothing lost, nothing twice, and no sentence torn that need not be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kgplatform.errors import BadName, BadRequest
from kgplatform.passages import LONGEST, cut, draft
from kgplatform.types import Source, SourceId

DOC = SourceId("doc:1")
TEXTS = some.one_of(some.text(max_size=300), some.text(alphabet="ab .!?\"'\n\r\t。居\u00a0\u2028😀é", max_size=300))


@given(TEXTS, some.integers(min_value=1, max_value=60))
def test_passages_are_the_text_without_gap_or_overlap(text: str, longest: int) -> None:
    passages = cut(DOC, text, longest)
    assert "".join(one.text for one in passages) == text
    assert [one.place for one in passages] == list(range(len(passages)))
    assert [one.start for one in passages] == [0, *(one.end for one in passages)][: len(passages)]
    for one in passages:
        assert text[one.start : one.end] == one.text
        assert 0 < len(one.text) <= longest
        assert one.source == DOC
    assert all(len(one.text) >= longest / 4 for one in passages[:-1])


def words(text: str, longest: int) -> list[str]:
    return [one.text for one in cut(DOC, text, longest)]


def test_a_passage_ends_with_a_paragraph_else_a_sentence_else_a_word() -> None:
    assert words("One two three.\n\nFour five. Six seven.", 25) == ["One two three.\n\n", "Four five. Six seven."]
    assert words("One two three. Four five six seven.", 25) == ["One two three. ", "Four five six seven."]
    assert words('He said "No." Then he went away slowly', 25) == ['He said "No." ', "Then he went away slowly"]
    assert words("one two three four five six seven", 25) == ["one two three four five ", "six seven"]
    assert words("居里夫人发现了镭。她在巴黎工作。", 12) == ["居里夫人发现了镭。", "她在巴黎工作。"]
    assert words("a" * 30, 25) == ["a" * 25, "a" * 5]
    assert words("A. " + "b" * 30, 25) == ["A. " + "b" * 22, "b" * 8]


def test_short_texts_are_one_passage_and_none_has_none() -> None:
    assert words("One. Two.\n\nThree.", LONGEST) == ["One. Two.\n\nThree."]
    assert cut(DOC, "") == ()


@pytest.mark.parametrize("piece", ["\n", " ", ".", '."', "\n ", "a", "a. ", "😀", "\r\n\r\n"])
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    began = time.monotonic()
    assert sum(len(one.text) for one in cut(DOC, text)) == len(text)
    assert time.monotonic() - began < 20


def test_a_draft_keeps_every_offset() -> None:
    text = "a\ud800b 😀\x00c"
    made = draft(Source(SourceId("doc:\udfff"), "document", "t\ud800", "u\ud800"), text)
    assert made.text == "a?b 😀\x00c"
    assert made.source == Source(SourceId("doc:?"), "document", "t?", "u?")
    assert draft(made.source, text).digest == made.digest != draft(made.source, "other").digest


def test_what_is_no_document() -> None:
    with pytest.raises(BadRequest, match="no text"):
        draft(Source(DOC, "document"), "\n")
    with pytest.raises(BadName, match="id of a document"):
        draft(Source(SourceId(""), "document"), "text")
