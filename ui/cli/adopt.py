"""``kg import --from-neo4j``: a Neo4j graph of one's own, adopted or given a first map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from kgplatform.errors import BadRequest
from ui import shapes
from ui.cli.command import Run
from ui.tasks import adopting

LEFT_OUT = 1
"""The exit code when the work is done but for what was left out."""
SHOWN = 5


def adopt(run: Run, file: Path, *, propose: str | None, strict: bool, job: bool, dry_run: bool) -> None:
    """Adopt the graph that a map names, or write a first map of it."""
    if propose:
        _propose(run, file, propose)
        return

    def show(result: Mapping[str, Any]) -> None:
        run.screen.emit({**result, "map": str(file)})
        done = shapes.added(result) if not result.get("dry_run") else f"{result['readable']:,} facts would be put"
        run.screen.say(f"{result['source']}: {done}, {result['left_out']:,} left out")
        if result["bare"]:
            run.screen.note(
                f"kg: {shapes.many(result['bare'], 'node')} have no values and no relationships: a graph of facts does not hold them"
            )
        for note in result["notes"]:
            run.screen.note(f"kg: {note}")
        reasons = [*result["unread"], *result["refused"]]
        for reason in reasons[:SHOWN]:
            run.screen.note(f"  left out: {reason}")
        if len(reasons) > SHOWN:
            run.screen.note(f"  … and {result['left_out'] - SHOWN:,} more; --json lists them")
        if result["left_out"]:
            raise typer.Exit(LEFT_OUT)

    run.do("import", adopting.arguments(file, strict=strict, dry_run=dry_run), show, job=job)


def _propose(run: Run, file: Path, address: str) -> None:
    """Never over a file that is there: somebody may have written in it."""
    from kgplatform.adoption import mapping, proposing
    from kgplatform.adoption.source import Foreign, configured, login

    if file.exists():
        raise BadRequest(f"{file}: is there already: name another file, or remove it")
    where = login(mapping.address(file, address), run.settings)
    with Foreign(where) as foreign:
        text = proposing.propose(foreign, where, together=configured(where, run.settings))
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise BadRequest(f"{file}: cannot be written ({error.strerror})") from None
    run.screen.emit({"map": str(file)})
    run.screen.say(f"{file}: a first map; read it, change it, then  kg import --from-neo4j {file} --dry-run")
