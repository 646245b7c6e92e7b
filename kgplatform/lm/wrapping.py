"""A chat model in its wrappers: the one place that puts them in order, and gives them their files in the data folder.

``cached(retrying(limited(metered(model))))``: what is kept is neither asked nor counted; every attempt waits its turn, and every
attempt is counted.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kgplatform.lm import metering
from kgplatform.lm.cached_chat import CachedChat
from kgplatform.lm.estimating import Estimate, total
from kgplatform.lm.limiting import LimitedChat, Rate
from kgplatform.lm.metering import Account, MeteredChat
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.prices import PICO, price
from kgplatform.lm.retrying import RetryingChat
from kgplatform.lm.spending import Spending, spent
from kgplatform.lm.talk import Request
from kgplatform.settings import Settings


def spending_file(settings: Settings) -> Path:
    """What models cost, and what was asked of them in the last minute."""
    return settings.home / "lm.sqlite"


def answers_file(settings: Settings) -> Path:
    """What chat models answered."""
    return settings.home / "cache" / "chats.sqlite"


def wrapped(model: ChatModel, settings: Settings, run: str = "") -> ChatModel:
    """``model`` with cache, retries, limits and budgets as they are set. The budget of a run goes by ``run``; empty is a new one."""
    return CachedChat(RetryingChat(counted(model, settings, run)), answers_file(settings))


def counted(model: ChatModel, settings: Settings, run: str = "") -> ChatModel:
    """``model`` with limits and budgets alone: every request is really asked, and asked once."""
    run = run or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}-{secrets.token_hex(3)}"
    account = Account(Spending(spending_file(settings)), run, price(model.name, settings), metering.limits(settings))
    inner: ChatModel = MeteredChat(model, account)
    rate = Rate(*(int(raw) if (raw := settings[name]) else None for name in ("KG_CHAT_RPM", "KG_CHAT_TPM")))
    if rate != Rate():
        inner = LimitedChat(inner, spending_file(settings), rate)
    return inner


def estimate(requests: Iterable[Request], model: ChatModel, settings: Settings) -> Estimate:
    """What these would take at most; nothing is asked. The time is by what the calls of this model took before."""
    cache = CachedChat(model, answers_file(settings))
    different = {cache.key(request): request for request in requests}
    missing = [request for request in different.values() if not cache.knows(request)]
    usage, known, before = total(model, missing), price(model.name, settings), spent(spending_file(settings), model=model.name)
    seconds = len(missing) * before.seconds / before.answered if before.answered else None
    usd = known.of(usage) / PICO if known else 0.0
    return Estimate(len(missing), len(different) - len(missing), replace(usage, usd=usd), known is not None, seconds)
