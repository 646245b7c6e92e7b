"""Answers that must fit a schema: mended, asked for again, or put into quarantine with all that was said."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kgplatform.errors import AnswerUnusable, ModelUnreachable
from kgplatform.lm.cached_chat import CachedChat
from kgplatform.lm.mending import values
from kgplatform.lm.schemas import Leave
from kgplatform.lm.scripted_chat import Faults, ScriptedChat
from kgplatform.lm.structured import ask, erase
from kgplatform.lm.talk import Message, Request, Usage

PAIR = {
    "type": "object",
    "properties": {"head": {"type": "string"}, "tail": {"type": "string"}},
    "required": ["head", "tail"],
    "additionalProperties": False,
}
SCHEMA = {
    "title": "pairs",
    "type": "object",
    "properties": {"pairs": {"type": "array", "items": PAIR}},
    "required": ["pairs"],
    "additionalProperties": False,
}
ASKED = Request((Message("user", "Which capitals are there?"),), SCHEMA)
PARIS, BERLIN = {"head": "Paris", "tail": "France"}, {"head": "Berlin", "tail": "Germany"}
WHOLE = {"pairs": [PARIS, BERLIN]}
TEXT = json.dumps(WHOLE)


def _saying(*answers: str) -> ScriptedChat:
    """Says these one after the other, the last for ever."""
    return ScriptedChat(lambda request: answers[min((len(request.messages) - 1) // 2, len(answers) - 1)])


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"Sure, here it is [as you wished]:\n{TEXT}\nAnything {{else}}?",
        f"<think>Perhaps {{}} or {json.dumps({'pairs': []})}?</think>\n{TEXT}",
        TEXT.replace("}]", "},]"),
        TEXT.replace('"', "'"),
        TEXT.replace("}, {", "} {"),
        TEXT.replace('"pairs":', "pairs:  // as asked\n"),
    ],
)
def test_what_is_all_there_is_mended(text: str, tmp_path: Path) -> None:
    model = _saying(text)
    value, reply = ask(model, ASKED, tmp_path)
    assert value == WHOLE
    assert len(model.calls) == 1 and reply.text == text and not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [{"pairs": []}, [], {}, "", 0, False, None])
def test_empty_values_are_values(value: Any, tmp_path: Path) -> None:
    schema = SCHEMA if value == {"pairs": []} else {}
    assert ask(_saying(json.dumps(value)), Request(ASKED.messages, schema), tmp_path)[0] == value


@pytest.mark.parametrize("bad", ["I cannot.", "", TEXT[:-20], '{"pairs": [{"head": "Paris"}]}', "[1, 2]", '{"pairs": NaN}', "[" * 900])
def test_what_cannot_be_mended_is_asked_for_again_with_the_reason(bad: str, tmp_path: Path) -> None:
    model = _saying(bad, TEXT)
    value, reply = ask(model, ASKED, tmp_path)
    assert value == WHOLE
    first, second = model.calls
    assert second.messages[:1] == first.messages and second.messages[1].text == (bad[:2000] or "…")
    assert second.messages[2].text.startswith("That answer cannot be used: ") and second.schema == SCHEMA
    assert reply.usage == sum((model.reply(call).usage for call in (first, second)), Usage())
    assert not list(tmp_path.iterdir())


def test_the_reason_names_the_place(tmp_path: Path) -> None:
    model = _saying('{"pairs": [{"head": "Paris", "tail": 7}]}', TEXT)
    ask(model, ASKED, tmp_path)
    assert "at $.pairs[0].tail: 7 is not of type 'string'" in model.calls[1].messages[2].text


def test_a_long_value_does_not_hide_what_is_wrong_with_it(tmp_path: Path) -> None:
    long = json.dumps({"pairs": [{"head": "Paris", "tail": ["M" * 5_000]}]})
    model = _saying(long, TEXT)
    ask(model, ASKED, tmp_path)
    complaint = model.calls[1].messages[2].text
    assert "is not of type 'string'" in complaint
    assert len(complaint) < 500


def test_a_check_of_ones_own_is_told_too(tmp_path: Path) -> None:
    model = _saying(json.dumps({"pairs": [BERLIN]}), TEXT)
    value, _ = ask(model, ASKED, tmp_path, lambda value: None if PARIS in value["pairs"] else "Paris is missing")
    assert value == WHOLE
    assert "Paris is missing" in model.calls[1].messages[2].text


def test_what_stays_unusable_is_kept_with_all_that_was_said(tmp_path: Path) -> None:
    model = _saying("I cannot. ☃", "Really not.")
    with pytest.raises(AnswerUnusable, match="gave no usable answer") as caught:
        ask(model, ASKED, tmp_path / "quarantine")
    (file,) = (tmp_path / "quarantine").iterdir()
    assert str(file) in str(caught.value) and caught.value.text == "Really not."
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = json.loads(file.read_text("utf-8"))
    assert [answer["text"] for answer in kept["answers"]] == ["I cannot. ☃", "Really not."]
    assert (kept["model"], kept["reason"], kept["request"]["schema"]) == ("scripted:1", "it holds no JSON", SCHEMA)
    assert kept["request"]["messages"] == [{"role": "user", "text": "Which capitals are there?"}] and kept["time"].endswith("Z")
    with pytest.raises(AnswerUnusable):
        ask(model, ASKED, tmp_path / "quarantine")
    assert len(list((tmp_path / "quarantine").iterdir())) == 1  # the same failure again is the same file


def test_what_could_not_be_used_and_was_kept_is_asked_for_anew_by_the_next_who_asks(tmp_path: Path) -> None:
    asked: list[Request] = []

    def broken(request: Request) -> str:
        asked.append(request)
        return "I would rather not."

    with pytest.raises(AnswerUnusable) as caught:
        ask(CachedChat(ScriptedChat(broken), tmp_path / "chats.sqlite"), ASKED, tmp_path)
    assert len(asked) == 2 and caught.value.tokens > 0
    mended = CachedChat(ScriptedChat(lambda _: TEXT), tmp_path / "chats.sqlite")
    assert ask(mended, ASKED, tmp_path)[0] == WHOLE


def test_a_quarantine_that_cannot_be_written_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AnswerUnusable, match=r"could not be kept in .*file"):
        ask(_saying("no"), ASKED, tmp_path / "file")


def test_a_long_answer_cannot_make_the_second_question_too_long(tmp_path: Path) -> None:
    model, asked = ScriptedChat(lambda _: "no " * 300, context=400), Request(ASKED.messages, SCHEMA, max_tokens=350)
    for times in (1, 2):  # what was kept of it is no answer for ever
        with pytest.raises(AnswerUnusable):
            ask(CachedChat(model, tmp_path / "chats.sqlite"), asked, tmp_path / "quarantine")
        assert len(list((tmp_path / "quarantine").iterdir())) == times


def test_of_a_cut_answer_the_whole_items_are_kept_and_the_caller_sees_that(tmp_path: Path) -> None:
    model = ScriptedChat(lambda _: TEXT)
    bound = model.count(TEXT) - 8
    value, reply = ask(model, Request(ASKED.messages, SCHEMA, max_tokens=bound), tmp_path)
    assert value == {"pairs": [PARIS]} and reply.cut and len(model.calls) == 1


def test_faults_of_the_model_pass_through(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreachable):
        ask(ScriptedChat({"capitals": TEXT}, faults=Faults(timeout=1.0)), ASKED, tmp_path)


def test_broken_answers_never_become_wrong_ones(tmp_path: Path) -> None:
    model = ScriptedChat({"capitals": TEXT}, faults=Faults(broken=0.4, seed=1))
    unusable = 0
    for sample in range(200):
        try:
            assert ask(model, Request(ASKED.messages, SCHEMA, sample=sample), tmp_path)[0] == WHOLE
        except AnswerUnusable:
            unusable += 1
    assert 10 < unusable < 60  # two of two broken: 16 of a hundred


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_taken_as_it_is(value: Any) -> None:
    assert next(values(json.dumps(value))) == value


@given(st.lists(JSON, max_size=6), st.integers(1, 400))
def test_of_a_list_that_was_cut_the_first_whole_items_are_kept(items: list[Any], end: int) -> None:
    said = json.dumps({"first": 1, "items": items})
    for found in values(said[:end], cut=True) if end < len(said) else ():
        assert found in [{"first": 1, "items": items[:number]} for number in range(len(items) + 1)]


@settings(deadline=None)
@example("[" * 3000, False)
@example('{"a":' * 3000 + "1" + "}" * 3000, True)
@given(st.text(alphabet="{}[]\",:\\ a1'\n", max_size=60), st.booleans())
def test_no_text_breaks_it(text: str, cut: bool) -> None:
    list(values(text, cut))


def test_what_a_forgotten_source_led_to_leaves_the_quarantine(tmp_path: Path) -> None:
    for source in ("doc:1", "doc:2"):
        with pytest.raises(AnswerUnusable):
            ask(ScriptedChat(lambda _: "no"), replace(ASKED, sources=(source,), max_tokens=100 + int(source[-1])), tmp_path)
    assert (erase(tmp_path, "doc:1"), erase(tmp_path, "doc:1")) == (1, 0)
    (left,) = tmp_path.iterdir()
    assert "doc:2" in left.read_text("utf-8")


LISTS = {"type": "object", "properties": {"pairs": {"type": "array", "maxItems": 3, "items": PAIR}, "title": {"type": "string"}}}


@pytest.mark.parametrize(
    ("said", "kept", "wrong"),
    [
        ({"pairs": [PARIS, {"head": 3, "tail": "x"}, BERLIN, "y"], "title": ""}, {"pairs": [PARIS, BERLIN], "title": ""}, 3),
        ({"pairs": [PARIS, {"head": "x"}, *[BERLIN] * 9], "title": ""}, {"pairs": [PARIS, BERLIN, BERLIN], "title": ""}, 2),
        ({"pairs": [PARIS] * 5, "title": ""}, {"pairs": [PARIS] * 3, "title": ""}, 1),
        ({"pairs": [PARIS], "title": 3}, {"pairs": [PARIS], "title": ""}, 1),
        ({"pairs": [PARIS, 4]}, {"pairs": [PARIS], "title": ""}, 1),
    ],
)
def test_items_that_do_not_fit_are_left_out_where_that_is_allowed(said: Any, kept: Any, wrong: int, tmp_path: Path) -> None:
    model, left = _saying(json.dumps(said)), list[str]()
    asked = replace(ASKED, schema=LISTS)
    assert ask(model, asked, tmp_path, leave=Leave(left.extend, {"title": ""}))[0] == kept
    assert (len(left), len(model.calls)) == (wrong, 1)
    with pytest.raises(AnswerUnusable):
        ask(_saying(json.dumps(said)), asked, tmp_path)


@pytest.mark.parametrize("said", [{"pairs": ["x"]}, {"pairs": [PARIS], "title": 3}, {"pairs": "x"}, [PARIS], "pairs", None])
def test_of_what_does_not_fit_but_for_items_nothing_is_kept(said: Any, tmp_path: Path) -> None:
    left: list[str] = []
    with pytest.raises(AnswerUnusable):
        ask(_saying(json.dumps(said)), replace(ASKED, schema=LISTS), tmp_path, leave=Leave(left.extend))
    assert left == []
