"""Texts that do not fit into a model's context are read in parts, and nothing is left out."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import TextTooLong
from kgplatform.lm.fitting import Part, parts
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Request

SENTENCES = [f"Sentence number {number} tells of the town of Ulm." for number in range(60)]
TEXT = "\n\n".join(" ".join(SENTENCES[start : start + 6]) for start in range(0, 60, 6))


def _request(text: str) -> Request:
    return Request((Message("system", "Read."), Message("user", f"Text: {text}")), {"type": "object"}, max_tokens=50)


def test_a_text_that_fits_is_one_part() -> None:
    for context in (None, 5000):
        assert parts(ScriptedChat({}, context=context), TEXT, _request) == [Part(0, TEXT)]


@given(st.text(alphabet="ab .\n", max_size=300) | st.text(max_size=80), st.integers(170, 400))
def test_parts_are_the_text_and_each_fits(text: str, context: int) -> None:
    model = ScriptedChat(lambda _: "{}", context=context)
    found = parts(model, text, _request)
    assert "".join(part.text for part in found) == text
    assert all(text.startswith(part.text, part.start) for part in found)
    for part in found:
        model.reply(_request(part.text))


def test_a_text_is_parted_between_sentences_in_few_parts_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    model = ScriptedChat({}, context=400)
    found = parts(model, TEXT, _request)
    assert all(part.text.rstrip().endswith("Ulm.") for part in found)
    room = 400 - 50 - 48 - 2 * 8 - 10
    assert len(found) <= -(-model.count(TEXT) // (room - 2 * 11)) + 1
    assert f"is read in {len(found)} parts" in caplog.text


def test_a_question_that_leaves_no_room_is_too_long() -> None:
    with pytest.raises(TextTooLong, match="leaves no room for the text: ask for a shorter answer"):
        parts(ScriptedChat({}, context=120), TEXT, _request)
