"""A graph that asks its own next question: the rounds of an expansion are steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ui import shapes
from ui.tasks import KEPT, Doing

if TYPE_CHECKING:
    from kgplatform.lm.ports import ChatModel
    from kgplatform.settings import Settings

ITERATIONS, FAN_OUT, STRATEGY = 12, 3, "frontier"
LIMITS = ("iterations", "calls", "tokens", "usd", "minutes")


def arguments(
    question: str,
    *,
    strategy: str = "",
    fan_out: int | None = None,
    chat: str = "",
    limits: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> Mapping[str, Any]:
    """``limits`` as the function of that name gives them."""
    asked = {"question": question, "strategy": strategy or STRATEGY, "fan_out": FAN_OUT if fan_out is None else fan_out, "chat": chat}
    return {**asked, **dict.fromkeys(LIMITS), "iterations": ITERATIONS, **(limits or {}), "dry_run": dry_run}


def limits(**given: float | None) -> dict[str, Any]:
    """Those that are given, as they stand in the arguments: a run that ended by them goes on within others. Raises ``BadRequest``."""
    from harvest.expand import Limits

    found: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    Limits(**found).check()
    return found


def check_models(settings: Settings, arguments: Mapping[str, Any]) -> None:
    """Raises ``BadRequest`` for arguments that cannot be, ``BadSetting`` for a chat model or an encoder that is not there."""
    from harvest.expand.run import check
    from kgplatform import opening

    check(arguments["question"], arguments["strategy"], arguments["fan_out"])
    opening.check_encoder(settings)
    opening.check_chat(settings, arguments["chat"] or None)


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from dataclasses import asdict

    from harvest.expand import Limits, Models, harvest
    from kgplatform import opening
    from kgplatform.lm.telling import TellingChat

    asked, wire = doing.arguments, doing.wire
    within = Limits(**{name: asked[name] for name in LIMITS})
    chat = opening.chat(wire.settings, asked["chat"] or None, doing.steps.run)
    if doing.dry_run:
        return {"dry_run": True, **_planned(doing, chat)}
    models = Models(TellingChat(chat, doing.steps.spent), wire.encoder, wire.settings.home / "quarantine")
    with doing.progress("asking"):
        report = harvest(
            wire.graph,
            asked["question"],
            models,
            strategy=asked["strategy"],
            fan_out=asked["fan_out"],
            limits=within,
            steps=doing.steps,
        )
    return {
        "dry_run": False,
        "rounds": [asdict(one) for one in report.rounds],
        "ended": report.ended,
        "cut": report.cut,
        "calls": report.calls,
        "tokens": report.tokens,
        "usd": report.usd,
        **shapes.counts(report.receipt),
        "changed": report.changed.shape(),
        "notes": list(report.notes[:KEPT]),
    }


def _planned(doing: Doing, chat: ChatModel) -> dict[str, Any]:
    """What it would take at most; nobody is asked."""
    from dataclasses import replace

    from harvest.expand.answering import request
    from harvest.expand.grown import Question
    from kgplatform.lm.wrapping import estimate

    asked = doing.arguments
    calls = 1 + (asked["iterations"] - 1) * asked["fan_out"]
    calls = min(calls, asked["calls"] or calls)
    first = request(Question(asked["question"]), asked["question"])
    return {"calls": calls, "chat": str(estimate((replace(first, sample=n) for n in range(calls)), chat, doing.wire.settings))}
