"""Tuples of relations out of a language model's memory: its rounds are steps."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest
from ui import shapes
from ui.tasks import KEPT, Doing, paths

if TYPE_CHECKING:
    from harvest.bertnet import Limits, Models, Outcome
    from kgplatform.lm.ports import ChatModel
    from kgplatform.settings import Settings
    from kgplatform.types import Relation

NOBODY = "none"
"""The proposer that a person names where the configured chat model is not to be asked."""
SIZE, MOST = 200, 100_000
"""Candidates that a chat model is asked for."""
CONFIDENCE = 0.5
"""What is at least so likely is put."""


def arguments(
    cards: Sequence[Path],
    *,
    relations: Sequence[str] = (),
    proposer: str = "",
    scorer: str = "",
    size: int | None = None,
    minutes: float | None = None,
    confidence: float | None = None,
    free: bool = False,
    hold: bool = False,
    dry_run: bool = False,
) -> Mapping[str, Any]:
    """``cards`` are files; ``relations`` names of some of their cards. Raises ``BadFile``, ``BadCard``, ``BadRequest``."""
    from harvest.bertnet.prompts import check

    paths.present(cards, "file")
    within = {"size": SIZE, "minutes": None} | limits(size, minutes)
    confidence = CONFIDENCE if confidence is None else confidence
    if not 0 <= confidence <= 1:
        raise BadRequest(f"--min-confidence {confidence:g}: a probability is from 0 to 1")
    files = [str(path.resolve()) for path in cards]
    if cards:
        for card in chosen(files, relations)[0]:
            check(card)
    given = {"relations": list(relations), "proposer": proposer, "scorer": scorer, **within, "confidence": confidence}
    return {"cards": files, **given, "free": free, "hold": hold, "dry_run": dry_run}


def limits(size: int | None, minutes: float | None) -> dict[str, Any]:
    """Those that are given, as they stand in the arguments: a harvest that ended by them goes on within others. Raises ``BadRequest``."""
    if size is not None and not 1 <= size <= MOST:
        raise BadRequest(f"--size {size}: how many candidates a chat model is asked for is from 1 to {MOST:,}")
    if minutes is not None and not 0 < minutes < math.inf:
        raise BadRequest(f"--minutes {minutes:g}: is a number above 0; leave it out to end with the last round")
    return {name: value for name, value in (("size", size), ("minutes", minutes)) if value is not None}


def check_models(settings: Settings, arguments: Mapping[str, Any]) -> None:
    """Raises ``BadRequest`` for a scorer, an encoder or a chat model that is not there; nothing is loaded."""
    from kgplatform import opening

    opening.check_scorer(settings, arguments["scorer"] or None)
    opening.check_encoder(settings)
    if name := _proposer(settings, arguments):
        opening.check_chat(settings, name)


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from harvest.bertnet import Limits, harvest

    asked = doing.arguments
    cards, notes = chosen(asked["cards"], asked.get("relations", ()))
    for line in notes:
        doing.note(f"  {line}")
    within = Limits(asked.get("size", SIZE), asked.get("minutes"), asked.get("confidence", CONFIDENCE), asked.get("hold", False))
    if doing.dry_run:
        return {"dry_run": True, "plans": _planned(doing, cards, within)}
    models = _models(doing, telling=True)
    with doing.progress("scoring candidates"):
        report = harvest(doing.wire.graph, cards, models, limits=within, steps=doing.steps)
    return {
        "dry_run": False,
        "held": within.held,
        "cut": any(outcome.cut for outcome in report.outcomes),
        "relations": [_shape(outcome) for outcome in report.outcomes],
        **shapes.counts(report.receipt),
        "changed": report.changed.shape(),
        "notes": [line for outcome in report.outcomes for line in outcome.notes],
    }


def chosen(files: Sequence[str], names: Sequence[str]) -> tuple[list[Relation], list[str]]:
    """The cards of the files, or those of them that are named; and what was left out of the files, in words."""
    from kgplatform.cardfiles import read

    found = [read(Path(file)) for file in files]
    cards = {card.name: card for one in found for card in one.cards}
    if twice := [name for name, times in Counter(card.name for one in found for card in one.cards).items() if times > 1]:
        raise BadRequest(f"two of the files have a card called {twice[0][:80]!r}: name one of them, or give one card another name")
    if unknown := [name for name in names if name not in cards]:
        near = difflib.get_close_matches(unknown[0], cards, n=3)
        there = f"near it: {', '.join(near)}" if near else f"they have {', '.join(list(cards)[:3])}{', …' if len(cards) > 3 else ''}"
        raise BadRequest(f"--relation {unknown[0][:80]!r}: the files have no such card; {there}")
    chosen = {name: cards[name] for name in names} or cards
    left = [line for one in found for line in one.left_out if line.relation in chosen]
    notes = [f"{len(left):,} prompts of the files are left out, such as {left[0].prompt[:200]!r}: {left[0].why}"] if left else []
    return list(chosen.values()), notes


def _models(doing: Doing, *, telling: bool = False) -> Models:
    """Who scores and who proposes."""
    from harvest.bertnet import Models
    from kgplatform import opening

    wire, asked = doing.wire, doing.arguments
    name = asked.get("scorer") or None
    home, settings = wire.settings.home, wire.settings
    chat = _chat(doing, telling=telling)
    others = {"chat": chat, "quarantine": home / "quarantine", "prompts": home / "prompts", "free": asked.get("free", False)}
    if opening.reads(settings, name) == "masked":
        return Models(None, wire.encoder, masked=opening.masked(settings, name), **others)
    scorer, decoder = opening.causal(settings, name) if name else wire.models.causal
    return Models(scorer, wire.encoder, decoder, **others)


def _chat(doing: Doing, *, telling: bool) -> ChatModel | None:
    from kgplatform.lm.telling import TellingChat
    from kgplatform.opening import chat

    settings = doing.wire.settings
    if not (name := _proposer(settings, doing.arguments)):
        return None
    model = chat(settings, name, doing.steps.run)
    return TellingChat(model, doing.steps.spent) if telling else model


def _proposer(settings: Settings, arguments: Mapping[str, Any]) -> str:
    """The chat model that proposes, by name; empty where none does."""
    named: str = arguments.get("proposer", "")
    return "" if named == NOBODY else named or settings["KG_CHAT_MODEL"]


def _planned(doing: Doing, cards: Sequence[Relation], limits: Limits) -> list[dict[str, Any]]:
    """What each relation would take; nothing is asked but the scorer, for its speed."""
    from dataclasses import asdict, replace

    from harvest.bertnet.asking import known_entities
    from harvest.bertnet.planning import plan, rate
    from kgplatform.lm.wrapping import estimate

    models, plans, pace = _models(doing), [], None
    entities = known_entities(doing.wire.graph)  # once for all cards
    for card in cards:
        found = plan(doing.wire.graph, card, models, limits, entities)
        pace = pace or rate(card, models)
        shape = {name: value for name, value in asdict(found).items() if name != "requests"}
        shape["seconds"] = round(found.sentences / pace) if pace else None
        shape["searches"] = models.masked is not None  # how long that takes nobody knows beforehand
        shape["chat"] = ""
        if models.chat and found.requests:
            known = estimate(found.requests, models.chat, doing.wire.settings)
            more = found.calls / len(found.requests)
            usage = replace(known.usage, prompt=round(known.usage.prompt * more), completion=round(known.usage.completion * more))
            seconds = known.seconds * more if known.seconds is not None else None
            grown = replace(known, calls=round(known.calls * more), usage=replace(usage, usd=known.usage.usd * more), seconds=seconds)
            shape["chat"] = str(grown)
        plans.append(shape)
    return plans


def _shape(outcome: Outcome) -> dict[str, Any]:
    learnt = outcome.learnt
    return {
        "relation": outcome.relation,
        "judged": len(outcome.found),
        "kept": len(outcome.kept),
        "known": outcome.known,
        "reason": outcome.reason,
        "cut": outcome.cut,
        "auc": learnt.auc if learnt and learnt.decided else None,
        "p_value": learnt.p_value if learnt and learnt.decided else None,
        "seeds": learnt.seeds if learnt else 0,
        "prompts": [list(prompt) for prompt in outcome.prompts],
        "found": [one.record() for one in outcome.found[:KEPT]],
        "notes": list(outcome.notes),
    }
