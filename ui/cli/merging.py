"""``kg review merge``, ``part`` and ``merges``: which entities are one, found or named, and which are not."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadRequest
from ui import history, shapes
from ui.cli.command import DryRun, Run, add

if TYPE_CHECKING:
    from kgplatform.linking.deciding import Pair
    from kgplatform.types import Merge

By = Annotated[str, typer.Option(metavar="NAME", help="Who says so.")]
SURE = 0.9
"""From this score on pairs are merged, unless another is asked for."""
ASKED = 0.45


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg review``."""
    example = "kg review merge --top 20\nkg review merge --apply --min-score 0.95\n"
    example += 'kg review merge "Marie Curie" "Maria Skłodowska" --dry-run\nkg review merge person:marie_curie person:m_curie --by ada'
    add(app, "merge", example=example)(merge)
    add(app, "part", example='kg review part "John Smith, poet" "John Smith, miner" --by ada')(part)
    add(app, "merges", example="kg review merges\nkg review merges person:marie_curie --json")(merges)


def merge(
    run: Run,
    keep: Annotated[str | None, typer.Argument(metavar="[KEEP]", help="The entity that stays: an id, or a name.")] = None,
    other: Annotated[str | None, typer.Argument(metavar="[OTHER]", help="The one that is the same; its names become aliases.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Merge the pairs that are found.")] = False,
    min_score: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help=f"How likely a found pair is at least: {ASKED}, and {SURE} with --apply.")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="The most pairs to show or merge.")] = None,
    meaning: Annotated[bool, typer.Option("--meaning", help="Look also for those near in meaning, by the vectors of kg embed.")] = False,
    by: By = "me",
    dry_run: DryRun = False,
) -> None:
    """Say that two entities are one: every fact of OTHER becomes one of KEEP. kg review undo takes it back.

    Without names, list the pairs in the whole graph that may be one, the likeliest first, and why; --apply merges them, as a run
    that kg review undo run:NAME takes back as a whole.
    """
    if keep is not None and other is not None:
        if apply or meaning or min_score is not None or top is not None:
            raise BadRequest("--apply, --min-score, --top and --meaning are for pairs that are found: give them without names")
        _merge(run, keep, other, by, dry_run)
    elif keep is None:
        least = min_score if min_score is not None else SURE if apply else ASKED
        _found(run, least, top, meaning, apply, dry_run)
    else:
        raise BadRequest(f"say which entity is the same as {keep[:60]!r}, or give no names to look for all that may be one")


def _merge(run: Run, keep: str, other: str, by: str, dry_run: bool) -> None:
    moving = len(run.graph.moving(keep, other))
    facts = f"{moving:,} fact{'' if moving == 1 else 's'}"
    if dry_run:
        ids = {"keep": run.graph.entity(keep).id, "other": run.graph.entity(other).id}
        run.screen.emit({**ids, "facts": moving, "dry_run": True})
        run.screen.say(f"would be merged: {ids['other']} into {ids['keep']}, {facts} would move")
        return
    made = run.graph.merge(keep, other, by)
    run.screen.emit({**shapes.merge(made), "facts": moving, "dry_run": False})
    run.screen.say(f"merged: {made.other} into {made.keep}, {facts} moved  (kg review undo {made.id} takes it back)")


def _found(run: Run, least: float, top: int | None, meaning: bool, apply: bool, dry_run: bool) -> None:
    """List what may be one, or merge it."""
    from kgplatform.linking.blocks import joining

    with run.screen.progress("blocks") as progress:
        found = run.graph.duplicates(least=least, encoder=run.encoder if meaning else None, progress=progress)
    shown = found[:top]
    name = f"merge-{secrets.token_hex(4)}"
    merged = run.graph.merge_all(shown, run=name) if apply and not dry_run else {}
    for one in shown:
        made = {"merge": merged[one.entity.id].id if one.entity.id in merged else None, "run": name} if merged else {}
        run.screen.emit(_shape(one) | made)
    if not shown:
        run.screen.note("no two entities look like one")
        return
    run.screen.table(
        ("score", "keep", "other", "ids", "why"),
        [(f"{one.score:.2f}", one.other.name, one.entity.name, f"{one.other.id} {one.entity.id}", one.why) for one in shown],
    )
    if len(found) > len(shown):
        run.screen.note(f"{len(found) - len(shown):,} more: --top shows more of them")
    if apply and dry_run:
        run.screen.note(f"{joining(shown):,} would be merged")
    elif apply:
        way = f"kg review undo run:{name} parts them all again, kg review undo ID one that kg review merges lists"
        run.screen.note(f"{len(merged):,} merged{f'  ({way})' if merged else ''}")


def _shape(one: Pair) -> dict[str, object]:
    names = {"keep_name": one.other.name, "other_name": one.entity.name}
    return {"keep": one.other.id, "other": one.entity.id, **names, "score": round(one.score, 3), "why": one.why}


def part(
    run: Run,
    one: Annotated[str, typer.Argument(metavar="ONE", help="An entity: an id, or a name.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The one that it is not.")],
    by: By = "me",
    dry_run: DryRun = False,
) -> None:
    """Say that two entities are not one, though their names are alike: kg review merge does not list them again."""
    first, second = run.graph.entity(one).id, run.graph.entity(other).id
    if not dry_run:
        run.graph.part(first, second, by)
    run.screen.emit({"one": first, "other": second, "dry_run": dry_run})
    run.screen.say(f"{'would be' if dry_run else 'are'} two: {first} and {second}")


def merges(
    run: Run, entity: Annotated[str | None, typer.Argument(metavar="ENTITY", help="Only those that it took part in.")] = None
) -> None:
    """List the merges, the latest first."""
    found = run.graph.merges(entity)
    for one in found:
        run.screen.emit(shapes.merge(one))
    if found:
        run.screen.table(("id", "kept", "merged into it", "by", "time", "undone"), map(_row, found))
    else:
        run.screen.note("nothing was merged")


def _row(one: Merge) -> tuple[str, ...]:
    return one.id, one.keep, one.other, one.by, history.when(one.time), "yes" if one.undone else "no"
