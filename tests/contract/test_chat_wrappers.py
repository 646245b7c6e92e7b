"""What a wrapper of a chat model may not change, over all of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kgplatform.errors import AnswerUnusable, ModelRefused, TextTooLong
from kgplatform.lm.cached_chat import CachedChat
from kgplatform.lm.limiting import LimitedChat, Rate
from kgplatform.lm.metering import Account, MeteredChat
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.prices import Price
from kgplatform.lm.retrying import RetryingChat
from kgplatform.lm.scripted_chat import Faults, ScriptedChat
from kgplatform.lm.spending import Spending
from kgplatform.lm.talk import Message, Request
from kgplatform.lm.wrapping import wrapped
from kgplatform.settings import load

Wrap = Callable[[ChatModel], ChatModel]


@pytest.fixture(params=["cached", "retrying", "limited", "metered", "wrapped"])
def wrap(request: pytest.FixtureRequest, tmp_path: Path) -> Wrap:
    wraps: dict[str, Wrap] = {
        "cached": lambda model: CachedChat(model, tmp_path / "chats.sqlite"),
        "retrying": RetryingChat,
        "limited": lambda model: LimitedChat(model, tmp_path / "lm.sqlite", Rate(1000, 10**6)),
        "metered": lambda model: MeteredChat(model, Account(Spending(tmp_path / "lm.sqlite"), "run", Price())),
        "wrapped": lambda model: wrapped(model, load({"KG_CHAT_RPM": "1000", "KG_CHAT_TPM": "1000000"})),
    }
    return wraps[request.param]


def asking(words: str) -> Request:
    return Request((Message("user", words),), max_tokens=5)


def test_it_answers_as_the_model_does(wrap: Wrap) -> None:
    model = ScriptedChat(lambda request: f"{request.messages[0].text} indeed, and then some more", context=100)
    chat = wrap(model)
    assert (chat.name, chat.context, chat.count("one two, three")) == (model.name, 100, 4)
    for words in ("one", "東京 \ud800", ""):
        expected, found = model.reply(asking(words)), chat.reply(asking(words))
        assert (found.text, found.id, found.cut, found.cached) == (expected.text, expected.id, expected.cut, False)
        assert (found.usage.prompt, found.usage.completion) == (expected.usage.prompt, expected.usage.completion)


def test_threads_share_it(wrap: Wrap) -> None:
    chat = wrap(ScriptedChat(lambda request: request.messages[0].text))
    words = [f"word {number % 20}" for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        assert [reply.text for reply in pool.map(lambda one: chat.reply(asking(one)), words)] == words


@pytest.mark.parametrize("error", [AnswerUnusable("broken", "{"), TextTooLong("long"), ZeroDivisionError("ours"), KeyboardInterrupt()])
def test_what_the_model_raises_comes_through_once(wrap: Wrap, error: BaseException) -> None:
    def fail(_: Request) -> str:
        raise error

    model = ScriptedChat(fail)
    with pytest.raises(type(error)) as raised:
        wrap(model).reply(asking("one"))
    assert raised.value is error and len(model.calls) == 1


def test_it_goes_on_after_a_failure(wrap: Wrap) -> None:
    faults = Faults(refused=0.5, seed=1)
    chat = wrap(ScriptedChat(lambda _: "yes", faults=faults))
    for call in range(1, 20):
        if faults.of(call):
            with pytest.raises(ModelRefused):
                chat.reply(asking(str(call)))
        else:
            assert chat.reply(asking(str(call))).text == "yes"
