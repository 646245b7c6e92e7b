"""All wrappers together, around a model that fails as real ones do."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kgplatform.errors import BadSetting, BudgetExceeded
from kgplatform.lm import metering
from kgplatform.lm.cached_chat import CachedChat
from kgplatform.lm.estimating import most
from kgplatform.lm.metering import Account, MeteredChat
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.prices import price
from kgplatform.lm.retrying import Patience, RetryingChat
from kgplatform.lm.scripted_chat import Faults, ScriptedChat
from kgplatform.lm.spending import Spending, spent
from kgplatform.lm.talk import Message, Request
from kgplatform.lm.wrapping import answers_file, estimate, spending_file, wrapped
from kgplatform.settings import Settings, load

SCHEMA = {"title": "square", "type": "object", "properties": {"square": {"type": "integer"}}}


def square(request: Request) -> str:
    return json.dumps({"square": int(request.messages[1].text) ** 2})


def asking(number: int) -> Request:
    return Request((Message("system", "Give the square."), Message("user", str(number))), SCHEMA, max_tokens=40)


def impatient(model: ChatModel, settings: Settings) -> ChatModel:
    """What ``wrapped`` makes, without the waits."""
    account = Account(Spending(spending_file(settings)), "night", price(model.name, settings), metering.limits(settings))
    retrying = RetryingChat(MeteredChat(model, account), Patience(attempts=40), sleep=lambda _: None)
    return CachedChat(retrying, answers_file(settings))


def answers(chat: ChatModel, numbers: range) -> dict[int, int]:
    """What was answered before the budget ended; broken JSON is asked for again, in other words."""

    def work(number: int) -> tuple[int, int] | None:
        try:
            request = asking(number)
            while True:
                text = chat.reply(request).text
                try:
                    return number, json.loads(text)["square"]
                except ValueError:
                    again = (Message("assistant", text), Message("user", "That is no JSON."))
                    request = replace(request, messages=request.messages + again)
        except BudgetExceeded:
            return None

    with ThreadPoolExecutor(8) as pool:
        return dict(filter(None, pool.map(work, numbers)))


def test_a_bad_night() -> None:
    """30 % busy, 10 % time-outs, 10 % broken answers, and a budget that ends in the middle."""
    model = ScriptedChat(square, faults=Faults(busy=0.3, timeout=0.1, broken=0.1, seed=7))
    first = answers(impatient(model, load({"KG_BUDGET_TOKENS": "5000"})), range(200))
    settings = load()
    assert 10 < len(first) < 190
    assert first == {number: number**2 for number in first}
    bill = spent(spending_file(settings), run="night")
    assert 5000 - most(model, asking(200)).tokens < bill.usage.tokens <= 5000
    timeouts = sum(Faults(busy=0.3, timeout=0.1, broken=0.1, seed=7).of(call) == "timeout" for call in range(1, len(model.calls) + 1))
    assert bill.calls - bill.answered == timeouts > 0
    unheard = timeouts * (most(model, asking(0)).tokens)
    heard = bill.usage.tokens - unheard
    assert heard < bill.answered * most(model, asking(0)).tokens / 2

    second = answers(impatient(model, load({"KG_BUDGET_TOKENS": "100000"})), range(200))
    assert second == {number: number**2 for number in range(200)}
    times = Counter(int(request.messages[1].text) for request in model.answered)
    assert set(times) == set(range(200)) and set(times.values()) == {1}


def test_what_is_billed_is_what_the_model_gave() -> None:
    model = ScriptedChat(square, faults=Faults(busy=0.3, broken=0.1, seed=3))
    given: list[int] = []
    inner_reply = model.reply

    class Billing(ScriptedChat):
        def reply(self, request: Request):  # type: ignore[no-untyped-def]
            reply = inner_reply(request)
            given.append(reply.usage.tokens)
            return reply

    answers(impatient(Billing(square), load({"KG_BUDGET_TOKENS": "3000"})), range(200))
    assert sum(given) == spent(spending_file(load())).usage.tokens <= 3000


def test_wrapped_puts_all_of_them_around_a_model() -> None:
    settings = load({"KG_BUDGET_TOKENS": "200", "KG_CHAT_RPM": "100", "KG_CHAT_TPM": "1000"})
    model = ScriptedChat(square, context=4096, faults=Faults(busy=0.3, seed=2))
    chat = wrapped(model, settings, run="r")
    assert (chat.name, chat.context, chat.count("a b")) == ("scripted:1", 4096, 2)
    assert [chat.reply(asking(4)).cached for _ in range(3)] == [False, True, True]
    assert spent(spending_file(settings), run="r").calls == 1
    with pytest.raises(BudgetExceeded):
        for number in range(100):
            wrapped(model, settings, run="r").reply(asking(number))
    assert wrapped(model, settings).reply(asking(50)).text == '{"square": 2500}'


def test_a_model_of_unknown_price_is_refused_where_money_is_limited() -> None:
    with pytest.raises(BadSetting, match="KG_BUDGET_USD"):
        wrapped(ScriptedChat(square, "openai:unheard-of"), load({"KG_BUDGET_USD": "5"}))


def test_an_estimate_asks_nothing_and_leaves_out_what_is_known() -> None:
    settings, model = load({"KG_PRICE_PROMPT": "1", "KG_PRICE_COMPLETION": "2"}), ScriptedChat(square)
    before = estimate(map(asking, range(10)), model, settings)
    assert (before.calls, before.cached, before.seconds) == (10, 0, None)
    assert not model.calls and str(before).endswith("USD")
    bound = most(model, asking(0))
    assert before.usage.tokens == 10 * bound.tokens
    assert before.usage.usd == pytest.approx(10 * (bound.prompt + 2 * bound.completion) / 1e6)
    for number in (1, 2, 3):
        wrapped(model, settings).reply(asking(number))
    after = estimate([*map(asking, range(10)), asking(0)], model, settings)
    assert (after.calls, after.cached) == (7, 3)
    assert after.seconds is not None and " s one after another; 3 more are answered already" in str(after)
    assert "money that is not known" in str(estimate([], ScriptedChat(square, "openai:unheard-of"), load()))
