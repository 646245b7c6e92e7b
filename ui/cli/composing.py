"""``kg harvest compose``: one hypothesis out of several things, beside the graph."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.command import DryRun, Run, add

if TYPE_CHECKING:
    from harvest.expand.composing import Hypothesis


def register(harvest: typer.Typer) -> None:
    """Add this command to ``kg harvest``."""
    example = "kg harvest compose 'spider silk' 'stress concentration' --chat local:qwen2.5-coder-1.5b\nkg harvest compose"
    add(harvest, "compose", example=example)(compose)


def compose(
    run: Run,
    thing: Annotated[list[str] | None, typer.Argument(metavar="THING", help="Two things or more: ids, or names.")] = None,
    chat: Annotated[str, typer.Option(metavar="MODEL", help="The chat model that answers; nothing: KG_CHAT_MODEL.")] = "",
    dry_run: DryRun = False,
) -> None:
    """State the principles of things, what each pair gains, and one hypothesis that cites facts of the graph. Without names, list them.

    A hypothesis is a proposal, kept beside the graph with its citations: it is no fact, and no model learns from it.
    """
    from harvest.expand import composing
    from kgplatform import opening

    kept = composing.Hypotheses(run.hypotheses)
    if not thing:
        found = kept.read()
        for one in found:
            _show(run, one)
        if not found:
            run.screen.note("there are no hypotheses yet:  kg harvest compose THING THING  makes one")
        return
    opening.check_chat(run.settings, chat or None)
    if dry_run:
        facts = composing.around(run.graph, [run.graph.entity(one) for one in thing])
        run.screen.emit({"dry_run": True, "facts": len(facts)})
        run.screen.say(f"one question, with {len(facts):,} facts that can be cited; nothing was asked")
        return
    made = composing.compose(run.graph, thing, opening.chat(run.settings, chat or None, "compose"), run.settings.home / "quarantine")
    kept.add(made)
    _show(run, made)


def _show(run: Run, one: Hypothesis) -> None:
    from harvest.expand.composing import standing

    holds = standing(run.graph, one)
    run.screen.emit({**asdict(one), "standing": holds})
    run.screen.say(f"{one.id}  {one.hypothesis}")
    for (_, name), principle in zip(one.things, one.principles, strict=True):
        run.screen.say(f"  {name}: {principle}")
    for (first, second), synergy in zip(one.pairs, one.synergies, strict=True):
        run.screen.say(f"  {first} with {second}: {synergy}")
    for cited, still in zip(one.cites, holds, strict=True):
        run.screen.say(f"  rests on: {cited.words}" + ("" if still else "  (the graph says so no more)"))
