"""Asking again: when it helps, as long as it helps, and no longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import AnswerUnusable, BudgetExceeded, ModelBusy, ModelRefused, ModelUnreachable, TextTooLong
from kgplatform.lm.retrying import Patience, RetryingChat
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Request

REQUEST = Request((Message("user", "hello"),))


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def chat(
    errors: list[BaseException], time: Time, patience: Patience | None = None, chance: float = 0.0
) -> tuple[RetryingChat, ScriptedChat]:
    left = iter(errors)

    def answer(_: Request) -> str:
        if error := next(left, None):
            raise error
        return "hello"

    inner = ScriptedChat(answer)
    return RetryingChat(inner, patience, sleep=time.sleep, clock=lambda: time.now, chance=lambda: chance), inner


def test_a_model_that_does_not_answer_is_asked_again_ever_later() -> None:
    time = Time()
    retrying, _ = chat([ModelUnreachable("gone")] * 3 + [ModelBusy("busy")], time)
    assert retrying.reply(REQUEST).text == "hello"
    assert time.slept == [1, 2, 4, 8]


def test_a_busy_model_is_taken_at_its_word() -> None:
    time = Time()
    retrying, _ = chat([ModelBusy("busy", 17.0), ModelBusy("busy", 0.0)], time)
    assert retrying.reply(REQUEST).text == "hello"
    assert time.slept == [17, 0]


def test_a_word_that_is_too_long_is_not_waited_for() -> None:
    time = Time()
    retrying, inner = chat([ModelBusy("the quota of the day is used up", 3600.0)], time)
    with pytest.raises(ModelBusy, match="quota"):
        retrying.reply(REQUEST)
    assert not time.slept and len(inner.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        AnswerUnusable("no JSON"),
        ModelRefused("no key"),
        TextTooLong("long"),
        BudgetExceeded("spent"),
        ZeroDivisionError(),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_asking_again_does_not_help_is_raised_as_it_came(error: BaseException) -> None:
    time = Time()
    retrying, inner = chat([error], time)
    with pytest.raises(type(error)) as raised:
        retrying.reply(REQUEST)
    assert raised.value is error and len(inner.calls) == 1 and not time.slept


def test_an_interrupt_ends_the_wait() -> None:
    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    inner, _ = chat([ModelUnreachable("gone")], Time())
    with pytest.raises(KeyboardInterrupt):
        RetryingChat(inner._inner, sleep=sleep).reply(REQUEST)


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1000)), min_size=20, max_size=20),
    st.integers(1, 9),
    st.floats(0, 500),
    st.floats(0, 1, exclude_max=True),
)
def test_attempts_and_time_are_bounded(waits: list[float | None], attempts: int, seconds: float, chance: float) -> None:
    time = Time()
    errors: list[BaseException] = [ModelUnreachable("gone") if wait is None else ModelBusy("busy", wait) for wait in waits]
    retrying, inner = chat(errors, time, Patience(attempts, seconds), chance)
    with pytest.raises((ModelBusy, ModelUnreachable)) as raised:
        retrying.reply(REQUEST)
    assert raised.value is errors[len(inner.calls) - 1]
    assert len(inner.calls) <= attempts and time.now <= seconds
    for error, slept in zip(errors, time.slept, strict=False):
        assert slept >= ((error.after or 0.0) if isinstance(error, ModelBusy) else 0.5)
