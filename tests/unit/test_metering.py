"""What models cost is counted to the token, and no budget is ever passed."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplatform.errors import AnswerUnusable, BadSetting, BudgetExceeded, KgError, ModelBusy, ModelError, ModelUnreachable
from kgplatform.lm import metering, prices
from kgplatform.lm.estimating import most
from kgplatform.lm.metering import Account, MeteredChat
from kgplatform.lm.prices import Price, price
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.spending import Limit, Spending, spent
from kgplatform.lm.talk import Message, Request, Usage
from kgplatform.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
REQUEST = Request((Message("user", "how are you today"),), max_tokens=10)
BOUND = 4 + 8 + 10
TOOK = 4 + 2
PRICE = Price(3, 7)


def answer(_: Request) -> str:
    return "very well"


def configured(**values: str) -> Settings:
    return load(environment=values, folder=Path("/nowhere"))


def tokens(amount: int, scope: str = "run") -> Limit:
    return Limit("KG_BUDGET_TOKENS", scope, "tokens", amount)


class Desk:
    """A record of spending in a folder, at a time that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lm.sqlite"
        self.now = datetime(2026, 11, 25, 12, tzinfo=UTC)

    def chat(self, inner: ScriptedChat | None = None, *limits: Limit, run: str = "r", price: Price | None = PRICE) -> MeteredChat:
        account = Account(Spending(self.path, lambda: self.now), run, price, limits)
        return MeteredChat(inner or ScriptedChat(answer), account, clock=iter(range(10**6)).__next__)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_answer_says_what_it_cost_and_is_counted(desk: Desk) -> None:
    usd = (4 * 3 + 2 * 7) / 10**12
    for _ in range(3):
        assert desk.chat().reply(REQUEST).usage == Usage(4, 2, usd)
    desk.chat(ScriptedChat(answer, "scripted:2"), run="s").reply(REQUEST)
    found = spent(desk.path, run="r")
    assert (found.calls, found.answered, found.usage.tokens, found.seconds) == (3, 3, 18, 3)
    assert found.usage.usd == pytest.approx(3 * usd)
    assert spent(desk.path).calls == spent(desk.path, day="2026-11-25").calls == 4
    assert spent(desk.path, model="scripted:2", run="s").answered == 1
    assert spent(desk.path, day="2026-11-24") == spent(desk.path.with_name("nowhere")) == spent(desk.path, run="")
    assert not desk.path.with_name("nowhere").exists()


@pytest.mark.parametrize(
    ("error", "calls", "answered", "took"),
    [
        (ModelBusy("busy"), 0, 0, 0),
        (ModelError("the request is wrong"), 0, 0, 0),
        (ModelUnreachable("no route", lost=False), 0, 0, 0),
        (ModelUnreachable("no answer in time"), 1, 0, BOUND),
        (AnswerUnusable("no JSON", "Certainly not!"), 1, 1, 12 + 4),
        (AnswerUnusable("no JSON"), 1, 0, BOUND),
        (KeyboardInterrupt(), 1, 0, BOUND),
        (ZeroDivisionError(), 1, 0, BOUND),
    ],
)
def test_what_a_failure_costs(desk: Desk, error: BaseException, calls: int, answered: int, took: int) -> None:
    def fail(_: Request) -> str:
        raise error

    with pytest.raises(type(error)):
        desk.chat(ScriptedChat(fail)).reply(REQUEST)
    found = spent(desk.path)
    assert (found.calls, found.answered, found.usage.tokens) == (calls, answered, took)


def test_a_budget_is_used_as_far_as_the_most_of_a_call_fits(desk: Desk) -> None:
    inner = ScriptedChat(answer)
    chat = desk.chat(inner, tokens(BOUND + 2 * TOOK))
    for _ in range(3):
        chat.reply(REQUEST)
    with pytest.raises(BudgetExceeded, match=rf"KG_BUDGET_TOKENS: the run 'r' has 16 tokens of 34 tokens left, .* may take {BOUND} tokens"):
        chat.reply(REQUEST)
    assert len(inner.calls) == 3 and spent(desk.path).usage.tokens == 3 * TOOK
    desk.chat(inner, tokens(BOUND), run="another").reply(REQUEST)


def test_money_is_held_to_the_last_part_of_a_cent(desk: Desk) -> None:
    cost = PRICE.of(most(ScriptedChat(answer), REQUEST))
    limit = Limit("KG_BUDGET_USD", "run", "usd", cost)
    desk.chat(None, limit).reply(REQUEST)
    with pytest.raises(BudgetExceeded, match="KG_BUDGET_USD"):
        desk.chat(None, Limit("KG_BUDGET_USD", "run", "usd", cost - 1), run="s").reply(REQUEST)
    desk.chat(None, Limit("KG_BUDGET_USD", "run", "usd", 0), run="free", price=Price()).reply(REQUEST)


def test_a_day_has_its_own_budget_and_begins_anew(desk: Desk) -> None:
    day = tokens(BOUND, "day")
    desk.chat(None, day, run="a").reply(REQUEST)
    with pytest.raises(BudgetExceeded, match=r"the day 2026-11-25 \(UTC\)"):
        desk.chat(None, day, run="b").reply(REQUEST)
    desk.now = datetime(2026, 11, 26, tzinfo=UTC)
    desk.chat(None, day, run="b").reply(REQUEST)


def test_one_that_would_fit_waits_for_those_under_way(desk: Desk) -> None:
    under_way, go = threading.Event(), threading.Event()

    def slow(_: Request) -> str:
        under_way.set()
        assert go.wait(60)
        return "very well"

    chat = desk.chat(ScriptedChat(slow), tokens(BOUND + TOOK))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(chat.reply, REQUEST)
        assert under_way.wait(60)
        second = pool.submit(chat.reply, REQUEST)
        go.set()
        assert first.result().text == second.result().text == "very well"
    assert spent(desk.path).usage.tokens == 2 * TOOK


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 400), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), max_size=20))
def test_no_budget_is_passed(tmp_path_factory: pytest.TempPathFactory, budget: int, asked: list[tuple[int, int]]) -> None:
    desk = Desk(tmp_path_factory.mktemp("budget"))
    inner = ScriptedChat(lambda request: "a " * 40)
    chat, total = desk.chat(inner, tokens(budget)), 0
    for words, bound in asked:
        request = Request((Message("user", "b " * words),), max_tokens=bound)
        left = budget - spent(desk.path).usage.tokens
        try:
            total += chat.reply(request).usage.tokens
        except BudgetExceeded:
            assert most(inner, request).tokens > left
        else:
            assert most(inner, request).tokens <= left
        assert spent(desk.path).usage.tokens == total <= budget


CHILD = """
import sys
from pathlib import Path
from kgplatform.errors import BudgetExceeded
from kgplatform.lm.metering import Account, MeteredChat
from kgplatform.lm.prices import Price
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.spending import Limit, Spending
from kgplatform.lm.talk import Message, Request
def answer(request):
    if len(sys.argv) > 2:
        print("asked", flush=True)
        sys.stdin.readline()
    return "very well"
account = Account(Spending(Path(sys.argv[1])), "r", Price(), (Limit("KG_BUDGET_TOKENS", "run", "tokens", 1000),))
chat = MeteredChat(ScriptedChat(answer), account)
sys.stdin.readline()
took = 0
try:
    while True:
        took += chat.reply(Request((Message("user", "how are you today"),), max_tokens=10)).usage.tokens
except BudgetExceeded:
    print(took)
"""


def _child(*arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdin
    child.stdin.write("\n")
    child.stdin.flush()
    return child


def test_processes_share_a_budget(desk: Desk) -> None:
    children = [_child(str(desk.path)) for _ in range(4)]
    took = sum(int(child.communicate(timeout=120)[0]) for child in children)
    found = spent(desk.path)
    assert found.usage.tokens == took <= 1000 and found.calls == found.answered
    assert took + 4 * BOUND > 1000


def test_a_call_that_was_killed_counts_with_the_most(desk: Desk) -> None:
    child = _child(str(desk.path), "wait")
    assert child.stdout and child.stdout.readline() == "asked\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    found = spent(desk.path, run="r")
    assert (found.calls, found.answered, found.usage.tokens) == (1, 0, BOUND)


def test_threads_do_not_pass_a_budget(desk: Desk) -> None:
    inner = ScriptedChat(answer)
    chat = desk.chat(inner, tokens(1000))

    def work(_: int) -> int:
        try:
            return chat.reply(REQUEST).usage.tokens
        except BudgetExceeded:
            return 0

    with ThreadPoolExecutor(8) as pool:
        took = sum(pool.map(work, range(300)))
    assert took == spent(desk.path).usage.tokens == len(inner.calls) * TOOK
    assert 1000 - BOUND < took <= 1000


# prices


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("openai:gpt-4o-mini", Price(150_000, 600_000)),
        ("openai:gpt-4o-mini-2024-07-18", Price(150_000, 600_000)),
        ("anthropic:claude-haiku-4-5-20251001@x", Price(1_000_000, 5_000_000)),
        ("local:qwen@cc324af0", Price()),
        ("ollama:llama3.2:1b", Price()),
        ("openai:gpt-4o-mini-audio", None),
        ("openai:gpt-99", None),
        ("else:gpt-4o-mini", None),
    ],
)
def test_prices(model: str, expected: Price | None) -> None:
    assert price(model, configured()) == expected


def test_a_price_of_ones_own_goes_before_the_list() -> None:
    own = {"KG_PRICE_PROMPT": "0.0375", "KG_PRICE_COMPLETION": "0"}
    assert price("openai:gpt-4o", configured(**own)) == price("my:own", configured(**own)) == Price(37_500, 0)
    with pytest.raises(BadSetting, match="KG_PRICE_PROMPT and KG_PRICE_COMPLETION: only one"):
        price("my:own", configured(KG_PRICE_PROMPT="1"))


def test_every_price_of_the_list_says_what_it_is_of() -> None:
    table = yaml.safe_load(Path(prices.__file__).with_name("prices.yaml").read_text())
    assert set(table) == {"as_of", "usd_per_million_tokens"}
    for pattern, both in table["usd_per_million_tokens"].items():
        assert ":" in pattern and len(both) == 2 and all(one >= 0 for one in both)


def test_a_model_without_a_price_is_not_free(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BadSetting, match=r"KG_BUDGET_USD: the price of scripted:1 is not known.*KG_PRICE_PROMPT"):
        desk.chat(None, Limit("KG_BUDGET_USD", "run", "usd", 10**12), price=None)
    with caplog.at_level(logging.WARNING):
        desk.chat(None, tokens(1000), price=None).reply(REQUEST)
    assert "the price of scripted:1 is not known" in caplog.text
    assert spent(desk.path).unpriced == 1


def test_the_budgets_that_are_set() -> None:
    assert metering.limits(configured()) == ()
    assert metering.limits(configured(KG_BUDGET_TOKENS="1e6", KG_BUDGET_USD_DAY="0.5", KG_BUDGET_USD="0")) == (
        tokens(10**6),
        Limit("KG_BUDGET_USD", "run", "usd", 0),
        Limit("KG_BUDGET_USD_DAY", "day", "usd", 5 * 10**11),
    )


def test_without_the_record_nothing_is_asked(desk: Desk) -> None:
    desk.path.write_bytes(b"no database" * 100)
    inner = ScriptedChat(answer)
    with pytest.raises(ModelError, match=r"lm\.sqlite: .* without it no model is asked"):
        desk.chat(inner).reply(REQUEST)
    with pytest.raises(KgError, match=r"lm\.sqlite"):
        spent(desk.path)
    assert not inner.calls
