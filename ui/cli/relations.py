"""``kg relations``: the relation cards that the graph lives by."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadRequest, NotFound
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


@add(
    app, "add", example="kg relations add my-relations/*.yaml\nkg relations add 'capital of' --from-graph --out capital.yaml", creates=True
)
def add_(
    run: Run,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Relation cards: YAML, or the JSON of BertNet's authors.")],
    from_graph: Annotated[
        bool, typer.Option("--from-graph", help="Take FILE as the name of a relation, and make its card of its facts.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.yaml", help="With --from-graph: write the card to a file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Teach the graph relation cards; all files are checked before any is taken.

    A card made from the graph has facts as its seeds, those that people accepted first; it is shown, and learned unless it goes to a file.
    """
    if from_graph:
        _add_from_graph(run, files, out, force, dry_run)
        return
    if out or force:
        raise BadRequest("--out and --force go with  --from-graph,  which makes a card")
    from kgplatform.cardfiles import read

    found = [read(Path(path)) for path in files]
    if not dry_run:
        run.graph.learn(relations=[card for one in found for card in one.cards])
    for one in found:
        for card in one.cards:
            left = [{"prompt": lost.prompt, "why": lost.why} for lost in one.left_out if lost.relation == card.name]
            _learned(run, card, dry_run, left_out=left)
            for each in left:
                run.screen.say(f"  left out  {each['prompt']}  since {each['why']}")


def _learned(run: Run, card: Relation, dry_run: bool, **more: object) -> None:
    run.screen.emit({**dataclasses.asdict(card), **more, "dry_run": dry_run})
    run.screen.say(f"{'would learn' if dry_run else 'learned'}: {card.name}")


def _add_from_graph(run: Run, names: list[str], out: Path | None, force: bool, dry_run: bool) -> None:
    from harvest.bertnet.fromgraph import card_from_graph
    from kgplatform.cardfiles import as_yaml
    from kgplatform.wholefile import whole
    from ui.tasks.paths import vacant

    if len(names) != 1:
        raise BadRequest("--from-graph makes the card of one relation: put its name in quotes")
    if out:
        vacant(out, force)
    made = card_from_graph(run.graph, names[0])
    text = (f"# {made.hint}\n" if made.hint else "") + as_yaml(made.card)
    for line in text.splitlines():
        run.screen.say(line)
    seeds = len(made.card.seeds)
    run.screen.note(f"of {made.facts:,} facts; seeds: {made.accepted} that people accepted, {seeds - made.accepted} believed best")
    if out is None:
        if not dry_run:
            run.graph.learn(relations=[made.card])
        _learned(run, made.card, dry_run, facts=made.facts, accepted=made.accepted, hint=made.hint)
        return
    if not dry_run:
        with whole(out) as file:
            file.write(text.encode("utf-8", "replace"))
    more = {"facts": made.facts, "accepted": made.accepted, "hint": made.hint, "file": str(out), "dry_run": dry_run}
    run.screen.emit({**dataclasses.asdict(made.card), **more})
    run.screen.note(f"{'would write' if dry_run else 'written'}: {out}")
