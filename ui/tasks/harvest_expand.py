"""A graph that asks its own next question: the rounds of an expansion are steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadFile, MissingExtra
from ui import shapes
from ui.tasks import KEPT, Doing

if TYPE_CHECKING:
    from harvest.expand import Grown, Limits, Way
    from kgplatform.lm.ports import ChatModel
    from kgplatform.settings import Settings
    from ui.wire import Wire

ITERATIONS, FAN_OUT, STRATEGY = 12, 3, "frontier"
LIMITS = ("iterations", "calls", "tokens", "usd", "minutes", "patience", "floor")


def arguments(
    question: str,
    *,
    strategy: str = "",
    fan_out: int | None = None,
    seed: int = 0,
    grounded: bool = False,
    years: str = "",
    step: int = 1,
    chat: str = "",
    limits: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> Mapping[str, Any]:
    """``limits`` as the function of that name gives them."""
    way = {"strategy": strategy or STRATEGY, "fan_out": FAN_OUT if fan_out is None else fan_out, "seed": seed, "grounded": grounded}
    way |= {"years": years, "step": step}
    asked = {"question": question, **way, "chat": chat}
    return {**asked, **dict.fromkeys(LIMITS), "iterations": ITERATIONS, **(limits or {}), "dry_run": dry_run}


def limits(**given: float | None) -> dict[str, Any]:
    """Those that are given, as they stand in the arguments: a run that ended by them goes on within others. Raises ``BadRequest``."""
    from harvest.expand import Limits

    found: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    Limits(**found).check()
    return found


def check_models(settings: Settings, arguments: Mapping[str, Any]) -> None:
    """Raises ``BadRequest`` for arguments that cannot be, ``BadSetting`` for a chat model or an encoder that is not there."""
    from harvest.expand import check
    from kgplatform import opening

    check(arguments["question"], *_ways(arguments))
    opening.check_encoder(settings)
    opening.check_chat(settings, arguments["chat"] or None)
    _check_money(arguments["chat"] or settings["KG_CHAT_MODEL"], settings, arguments)


def _check_money(model: str, settings: Settings, arguments: Mapping[str, Any]) -> None:
    """Raises ``BadSetting`` for a limit that cannot be held."""
    from kgplatform.lm import prices

    if (most := arguments["usd"]) is not None:
        prices.check(model, settings, f"--usd {most:g}")


def check_texts(wire: Wire) -> None:
    """Raises ``BadRequest`` where the graph has no texts that answers could quote."""
    from harvest.expand import grounding

    grounding.check(wire.graph)


def _ways(asked: Mapping[str, Any]) -> tuple[Way, Limits]:
    from harvest.expand import Limits, Way, spans

    within = {name: asked[name] for name in LIMITS if asked.get(name) is not None}
    over = spans(asked["years"], asked["step"]) if asked.get("years") else ()
    return Way(asked["strategy"], asked["fan_out"], asked.get("seed", 0), asked.get("grounded", False), over), Limits(**within)


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from dataclasses import asdict

    from harvest.expand import Models, harvest
    from kgplatform import opening
    from kgplatform.lm.telling import TellingChat

    asked, wire = doing.arguments, doing.wire
    chat = opening.chat(wire.settings, asked["chat"] or None, doing.steps.run)
    _check_money(chat.name, wire.settings, asked)
    if doing.dry_run:
        return {"dry_run": True, **_planned(doing, chat)}
    models = Models(TellingChat(chat, doing.steps.spent), wire.encoder, wire.settings.home / "quarantine")
    way, within = _ways(asked)
    with doing.progress("asking"):
        report = harvest(wire.graph, asked["question"], models, way, within, steps=doing.steps, watch=_recorder(doing, way.seed))
    return {
        "dry_run": False,
        "run": doing.steps.run,
        "rounds": [asdict(one) for one in report.rounds],
        "ended": report.ended,
        "cut": report.cut,
        "calls": report.calls,
        "tokens": report.tokens,
        "usd": report.usd,
        **shapes.counts(report.receipt),
        "changed": report.changed.shape(),
        "merges": len(report.merges),
        "asked": len(report.asked),
        "merged_things": [{"id": id, "keep": keep, "other": other} for id, keep, other in report.merges[:KEPT]],
        "doubtful_things": [{"one": one, "other": other, "score": score, "why": why} for one, other, score, why in report.asked[:KEPT]],
        "lasting": [asdict(one) for one in report.lasting[:KEPT]],
        "notes": list(report.notes[:KEPT]),
    }


def _recorder(doing: Doing, seed: int) -> Callable[[int, Grown], None]:
    """Keeps the shape of what has grown after each iteration in the run's folder, as far as that can be done."""
    from kgplatform.analysis.dynamics import Recorder
    from ui.expansions import dynamics_file

    path = dynamics_file(doing.wire.expansions, doing.steps.run)
    kept: list[Recorder] = []

    def watch(iteration: int, grown: Grown) -> None:
        try:
            if iteration == 1:
                path.unlink(missing_ok=True)
            if not kept:
                kept.append(Recorder(path, seed))
            kept[0].record(iteration, grown.graph, list(grown.names))
        except (MissingExtra, BadFile, OSError) as error:
            doing.note(f"  the shape of the graph is not kept: {error}")

    return watch


def _planned(doing: Doing, chat: ChatModel) -> dict[str, Any]:
    """What it would take at most; nobody is asked."""
    from harvest.expand import grounding, planning
    from harvest.expand.grown import Question
    from kgplatform.lm.wrapping import estimate
    from kgplatform.names import clean

    wire, (way, within), topic = doing.wire, _ways(doing.arguments), clean(doing.arguments["question"])
    texts = grounding.texts(wire.graph, wire.encoder, Question(topic), topic) if way.grounded else None
    asked = [] if texts == [] else list(planning.requests(topic, way, within, texts))
    return {"calls": len(asked), "chat": str(estimate(asked, chat, wire.settings))}
