"""``kg relations``: the relation cards that the graph lives by."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import NotFound
from ui.cli.command import DryRun, Run, add, group

if TYPE_CHECKING:
    from kgplatform.types import Relation

app = group("Relation cards: what each relation means, and how a model is asked for it.")
MARKS = ("functional", "symmetric", "transitive")


def _marks(card: Relation) -> str:
    return ", ".join(mark for mark in MARKS if getattr(card, mark))


@add(app, "list", example="kg relations list --json")
def list_(run: Run) -> None:
    """List the relations that documents are read for: the cards that ship, and those this graph has learned."""
    cards = _cards(run)
    for card in cards.values():
        run.screen.emit(dataclasses.asdict(card))
    rows = ((c.name, ", ".join(c.domain), ", ".join(c.range), c.inverse, _marks(c), c.definition) for c in cards.values())
    run.screen.table(("relation", "from", "to", "inverse", "marks", "definition"), rows)


def _cards(run: Run) -> dict[str, Relation]:
    from harvest.shipped import relations

    return {**relations(), **run.graph.relations()}


@add(app, "show", example='kg relations show "born in"')
def show(run: Run, name: Annotated[str, typer.Argument(metavar="NAME", help="The relation's name.")]) -> None:
    """Show a card with its prompts and seeds."""
    cards = _cards(run)
    if name not in cards:
        near = difflib.get_close_matches(name, cards, n=3)
        raise NotFound(f"no relation card is called {name[:80]!r}" + (f"; near it: {', '.join(near)}" if near else ""))
    card = dataclasses.asdict(cards[name])
    run.screen.emit(card)
    run.screen.table(("field", "value"), ((field, _shown(value)) for field, value in card.items() if value not in ("", ())))


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(" → ".join(item) if isinstance(item, tuple) else str(item) for item in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


@add(app, "add", example="kg relations add my-relations/*.yaml\nkg relations add relation_info.json", creates=True)
def add_(
    run: Run,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Relation cards: YAML, or the JSON of BertNet's authors.")],
    dry_run: DryRun = False,
) -> None:
    """Teach the graph relation cards; all files are checked before any is taken."""
    from kgplatform.cardfiles import read

    found = [read(path) for path in files]
    if not dry_run:
        run.graph.learn(relations=[card for one in found for card in one.cards])
    for one in found:
        for card in one.cards:
            left = [{"prompt": out.prompt, "why": out.why} for out in one.left_out if out.relation == card.name]
            run.screen.emit({**dataclasses.asdict(card), "left_out": left, "dry_run": dry_run})
            run.screen.say(f"{'would learn' if dry_run else 'learned'}: {card.name}")
            for out in left:
                run.screen.say(f"  left out  {out['prompt']}  since {out['why']}")
