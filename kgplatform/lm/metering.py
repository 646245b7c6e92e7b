"""Every call of a model is counted, and none is made that a budget has no room for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from kgplatform.errors import AnswerUnusable, BudgetExceeded, KgError, ModelUnreachable
from kgplatform.lm.estimating import most
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.prices import PICO, REMEDY, Price, unheld
from kgplatform.lm.spending import Limit, Reservation, Spending
from kgplatform.lm.talk import Reply, Request, Usage
from kgplatform.lm.wrapper import Wrapper
from kgplatform.settings import Settings

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """On what calls are booked: a run, at a price (None: not known), within limits."""

    spending: Spending
    run: str
    price: Price | None
    limits: tuple[Limit, ...] = ()


def limits(settings: Settings) -> tuple[Limit, ...]:
    """The budgets that are set."""
    found = []
    for of, unit in (("tokens", 1), ("usd", PICO)):
        for scope, ending in (("run", ""), ("day", "_DAY")):
            if raw := settings[name := f"KG_BUDGET_{of.upper()}{ending}"]:
                found.append(Limit(name, scope, of, int(Decimal(raw) * unit)))
    return tuple(found)


class MeteredChat(Wrapper):
    """``inner``, on an account. What an answer cost stands in its ``usage.usd``.

    A call counts with the most that it may take, the tokens of the request and ``max_tokens``, until it is answered. One that
    would fit if those under way took less waits for them. ``max_tokens`` is never cut down to what is left: half an answer
    is of no use. A call that nobody heard the end of (a time-out, an interrupt) stays counted with the most: it may have been billed.
    """

    def __init__(self, inner: ChatModel, account: Account, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(inner)
        self._account, self._clock = account, clock
        self._ended = threading.Condition()
        self._under_way = 0
        if account.price is None:
            self._without_price()

    def reply(self, request: Request) -> Reply:
        """As the port says; raises ``BudgetExceeded`` before anything is asked."""
        bound = most(self._inner, request)
        made = self._reserve(bound)
        try:
            return self._ask(request, made)
        finally:
            with self._ended:
                self._under_way -= 1
                self._ended.notify_all()

    def _reserve(self, bound: Usage) -> Reservation:
        account = self._account
        with self._ended:
            while True:
                try:
                    made = account.spending.reserve(account.run, self.name, bound, self._cost(bound), account.limits)
                except BudgetExceeded:
                    if not self._under_way:
                        raise
                    self._ended.wait()
                else:
                    self._under_way += 1
                    return made

    def _ask(self, request: Request, made: Reservation) -> Reply:
        spending, started = self._account.spending, self._clock()
        try:
            reply = self._inner.reply(request)
        except AnswerUnusable as error:
            if error.text:
                self._settle(made, Usage(made.prompt, self.count(error.text)), started)
            raise
        except KgError as error:  # there was no answer
            if not (isinstance(error, ModelUnreachable) and error.lost):
                spending.give_back(made)
            raise
        took = reply.usage if reply.usage.tokens else Usage(made.prompt, self.count(reply.text))
        cost = self._settle(made, took, started)
        return replace(reply, usage=replace(took, usd=(cost or 0) / PICO))

    def _settle(self, made: Reservation, took: Usage, started: float) -> int | None:
        cost = self._cost(took)
        self._account.spending.settle(made, took, cost, self._clock() - started)
        return cost

    def _cost(self, usage: Usage) -> int | None:
        return None if self._account.price is None else self._account.price.of(usage)

    def _without_price(self) -> None:
        if money := [limit.setting for limit in self._account.limits if limit.of == "usd"]:
            raise unheld(self.name, money[0])
        _LOG.warning("the price of %s is not known, its money is not counted: %s", self.name, REMEDY)
