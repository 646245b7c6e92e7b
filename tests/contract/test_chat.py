"""What every chat model must do: the scripted one, any endpoint through LangChain, and a GGUF file of one's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.utils import formatdate
from time import time
from typing import Any

import pytest

from kgplatform import opening, settings
from kgplatform.errors import ModelBusy, ModelError, ModelRefused, ModelUnreachable, TextTooLong
from kgplatform.lm import chat, weights
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Request
from tests.contract.chat_endpoint import ANSWER, KEY, Endpoint, endpoint

SCHEMA = {
    "title": "capital",
    "type": "object",
    "properties": {"capital": {"type": "string", "maxLength": 20}},
    "required": ["capital"],
    "additionalProperties": False,
}
QUESTION = Message("user", "What is the capital of France? Answer in one word, as JSON.")
ASKED = Request((Message("system", "You know geography."), QUESTION), SCHEMA, max_tokens=40)
KINDS = ["scripted", "openai", "ollama", pytest.param("gguf", marks=pytest.mark.models)]


@pytest.fixture
def there() -> Iterator[Endpoint]:
    with endpoint() as made:
        yield made


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, there: Endpoint, monkeypatch: pytest.MonkeyPatch) -> ChatModel:
    if request.param == "scripted":
        return ScriptedChat({"France": ANSWER}, context=2048)
    if request.param == "openai":
        return _connected(there)
    if request.param == "ollama":
        return _ollama(there, monkeypatch)
    return _smollm()


def _connected(there: Endpoint, **options: Any) -> chat.LangChainChat:
    return chat.connect("openai:gpt-nine", key=options.pop("key", KEY), base_url=there.url, **options)


def _ollama(there: Endpoint, monkeypatch: pytest.MonkeyPatch, **options: Any) -> chat.LangChainChat:
    monkeypatch.setenv("OLLAMA_HOST", there.address)
    return chat.connect("ollama:gpt-nine", **options)


def _smollm() -> ChatModel:
    given = settings.load({"KG_DEVICE": "cpu"})
    if not weights.present("smollm2-135m", given.home):
        pytest.skip("the weights of smollm2-135m are not on this machine")
    return opening.chat(given, "local:smollm2-135m")


# what holds for all


def test_an_answer_fits_its_schema_and_is_counted(model: ChatModel) -> None:
    reply = model.reply(ASKED)
    assert list(json.loads(reply.text)) == ["capital"]
    assert reply.usage.prompt > 5 and reply.usage.completion > 3
    assert bool(reply.id) is not model.name.startswith("ollama") and not reply.cut and not reply.cached


def test_an_answer_ends_at_its_bound_and_says_so(model: ChatModel) -> None:
    for schema in (SCHEMA, None):
        reply = model.reply(Request(ASKED.messages, schema, max_tokens=4))
        assert reply.cut and reply.usage.completion <= 4
        assert len(reply.text) < 40


def test_the_same_words_get_the_same_answer(model: ChatModel) -> None:
    assert model.reply(ASKED).text == model.reply(ASKED).text


def test_tokens_are_counted_rather_too_many(model: ChatModel) -> None:
    text = "The capital of France is Paris, and that of Japan is 東京."
    assert len(text.split()) <= model.count(text) <= len(text.encode())
    assert model.count(f"{text} {text}") > model.count(text)
    assert model.count("") == 0
    assert model.count("lone \ud800") > 0


def test_text_from_anywhere_can_be_asked(model: ChatModel) -> None:
    assert model.reply(Request((Message("user", "France \ud800 \x00 🙂 </s> <|im_end|>"),), SCHEMA, max_tokens=40)).text


def test_threads_share_a_model(model: ChatModel) -> None:
    expected, answers = model.reply(ASKED).text, list[str]()
    threads = [threading.Thread(target=lambda: answers.append(model.reply(ASKED).text)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 4


def test_a_name_tells_the_model(model: ChatModel) -> None:
    provider, _, rest = model.name.partition(":")
    assert provider in ("scripted", "openai", "ollama", "local") and rest


def test_what_does_not_fit_is_too_long(model: ChatModel, there: Endpoint) -> None:
    there.mode = "long"
    with pytest.raises(TextTooLong, match=model.name.partition(":")[2]):
        model.reply(Request((Message("user", "France and " * 20_000),)))


# endpoints


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        ("down", ModelUnreachable, "status 500: the engine is overloaded"),
        ("unpaid", ModelRefused, "no credit left"),
        ("forbidden", ModelRefused, "no right to this model"),
        ("unknown", ModelRefused, "no such model.*check KG_CHAT_MODEL"),
        ("html", ModelUnreachable, "sent what is no answer"),
        ("garbage", ModelUnreachable, "sent what is no answer"),
        ("other json", ModelUnreachable, "sent what is no answer"),
        ("nothing", ModelUnreachable, "sent what is no answer"),
        ("broken off", ModelUnreachable, "openai:gpt-nine"),
    ],
)
@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_an_endpoint_in_trouble_is_a_sentence(there: Endpoint, mode: str, error: type[ModelError], words: str, schema: Any) -> None:
    there.mode = mode
    with pytest.raises(error, match=words) as caught:
        _connected(there).reply(Request(ASKED.messages, schema))
    assert there.address in str(caught.value) and "\n" not in str(caught.value) and caught.value.__suppress_context__
    assert len(there.seen) == 1  # the client itself does not try again


def test_a_wrong_key_is_refused_and_never_shown(there: Endpoint) -> None:
    with pytest.raises(ModelRefused, match="set OPENAI_API_KEY to a valid key") as caught:
        _connected(there, key="sk-wrong-key-987654321").reply(ASKED)
    assert "987654321" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "low", "high"), [("7", 7, 7), ("2.5", 2.5, 2.5), ("date", 80, 100), ("soon", None, None), (None, None, None)]
)
def test_a_busy_endpoint_says_when_to_come_back(there: Endpoint, said: str | None, low: float | None, high: float | None) -> None:
    there.mode, there.retry_after = "busy", formatdate(time() + 100, usegmt=True) if said == "date" else said
    with pytest.raises(ModelBusy) as caught:
        _connected(there).reply(ASKED)
    assert KEY not in str(caught.value)
    after = caught.value.after
    assert after is None if low is None or high is None else after is not None and low <= after <= high


def test_an_endpoint_that_hangs_is_left(there: Endpoint) -> None:
    there.mode = "hang"
    with pytest.raises(ModelUnreachable, match="no answer in time"):
        _connected(there, timeout=0.3).reply(ASKED)


def test_an_endpoint_that_is_not_there_is_named() -> None:
    with endpoint() as gone:
        model = _connected(gone)
    with pytest.raises(ModelUnreachable, match=f"cannot be reached at {gone.address}: is it running"):
        model.reply(ASKED)


@pytest.mark.parametrize(
    ("rejects", "shapes"),
    [
        ((), ["json_schema"]),
        (("json_schema",), ["json_schema", "json_object"]),
        (("json_schema", "json_object"), ["json_schema", "json_object", None]),
    ],
)
def test_what_an_endpoint_cannot_bind_is_told_in_words_and_remembered(there: Endpoint, rejects: tuple[str, ...], shapes: list[Any]) -> None:
    there.rejects, model = rejects, _connected(there)
    assert model.reply(ASKED).text == ANSWER
    assert [body.get("response_format", {}).get("type") for body in there.seen] == shapes
    assert ('"maxLength": 20' in there.seen[-1]["messages"][-1]["content"]) is bool(rejects)
    assert model.binds is not bool(rejects)
    model.reply(ASKED)
    assert len(there.seen) == len(shapes) + 1


def test_a_request_that_is_always_rejected_is_told_as_such(there: Endpoint) -> None:
    there.rejects, model = ("json_schema", "json_object", ""), _connected(there)
    with pytest.raises(ModelError, match=r"does not take the request .*json_schema is not supported here"):
        model.reply(ASKED)
    there.rejects = ()
    model.reply(ASKED)
    assert there.seen[-1]["response_format"]["type"] == "json_schema"  # nothing was learned from it


def test_a_model_without_temperatures_is_asked_without(there: Endpoint) -> None:
    there.rejects, model = ("temperature",), _connected(there)
    assert [model.reply(ASKED).text for _ in range(2)] == [ANSWER] * 2
    assert [body.get("temperature") for body in there.seen] == [0.0, None, None]
    assert model.binds


def test_what_is_asked_arrives(there: Endpoint) -> None:
    turns = (Message("system", "Be brief."), Message("user", "A?"), Message("assistant", "B."), Message("user", "C?"))
    _connected(there).reply(Request(turns, SCHEMA, max_tokens=33, temperature=0.7))
    (body,) = there.seen
    assert [(turn["role"], turn["content"]) for turn in body["messages"]] == [(turn.role, turn.text) for turn in turns]
    assert (body["model"], body["max_completion_tokens"], body["temperature"]) == ("gpt-nine", 33, 0.7)
    assert body["response_format"]["json_schema"] == {"name": "capital", "schema": SCHEMA, "strict": True}


@pytest.mark.parametrize("loose", [{"additionalProperties": True}, {"required": []}])
def test_only_a_closed_schema_is_asked_for_strictly(there: Endpoint, loose: dict[str, Any]) -> None:
    _connected(there).reply(Request(ASKED.messages, {"type": "object", "properties": {"all": {"anyOf": [SCHEMA | loose]}}}))
    assert "strict" not in there.seen[0]["response_format"]["json_schema"]


@pytest.mark.parametrize(
    ("mode", "error"), [("busy", ModelBusy), ("down", ModelUnreachable), ("garbage", ModelUnreachable), ("unknown", ModelRefused)]
)
def test_another_protocol_fails_in_the_same_words(
    there: Endpoint, monkeypatch: pytest.MonkeyPatch, mode: str, error: type[ModelError]
) -> None:
    there.mode = mode
    with pytest.raises(error, match="ollama:gpt-nine"):
        _ollama(there, monkeypatch).reply(ASKED)


def test_another_protocol_waits_no_longer_and_learns_too(there: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _ollama(there, monkeypatch, timeout=0.3)
    there.rejects = ("json_schema",)
    assert model.reply(ASKED).text == ANSWER
    assert [body.get("format") for body in there.seen] == [SCHEMA, "json"]
    there.mode = "hang"
    with pytest.raises(ModelUnreachable, match="no answer in time"):
        model.reply(ASKED)


def test_a_mistake_of_ours_passes_through(there: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_messages", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _connected(there).reply(ASKED)
    monkeypatch.setattr(chat, "_messages", lambda *_, **__: [("no such role", "x")])
    with pytest.raises(ValueError, match="no such role"):
        _connected(there).reply(ASKED)
