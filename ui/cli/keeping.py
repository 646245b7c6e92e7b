"""``kg backup``, ``kg restore``, ``kg migrate``: a graph kept safe, and brought up to this version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ui.cli.command import AsJob, Run, add
from ui.tasks import backing_up


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "backup", example="kg backup monday.kgbackup\nkg backup --graph demo demo.kgbackup")(backup)
    add(app, "restore", example="kg restore monday.kgbackup --graph again", creates=True)(restore)
    add(app, "migrate", example="kg migrate\nkg migrate --backup before.kgbackup")(migrate)


def backup(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    job: AsJob = False,
) -> None:
    """Write the whole graph with all its evidence, merges and verdicts to one file; writing may go on meanwhile."""
    arguments = backing_up.arguments(file, force=force)

    def show(result: Mapping[str, Any]) -> None:
        run.screen.emit({**result, "file": str(file)})
        run.screen.say(f"{file}: {result['lines']:,} lines, {result['bytes']:,} bytes")

    run.do("backup", arguments, show, job=job)


def restore(run: Run, file: Annotated[Path, typer.Argument(metavar="FILE", help="What  kg backup  wrote, on any server.")]) -> None:
    """Fill an empty graph from a backup. One that was killed is repeated, with the same backup or another."""
    from kgplatform.opening import connect

    with connect(settings=run.settings, restoring=True) as graph:
        facts = backing_up.archive(graph).restore(file)
    run.screen.emit({"file": str(file), "facts": facts})
    run.screen.say(f"{facts:,} facts restored")


def migrate(
    run: Run,
    backup: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the backup goes that is made first.")] = None,
) -> None:
    """Bring a graph that an older version made up to this one, after a backup."""
    from kgplatform.opening import connect

    file = backup or run.settings.home / "backups" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.kgbackup"
    file.parent.mkdir(parents=True, exist_ok=True)
    connect(settings=run.settings, backup_to=file, create=False).close()
    run.screen.emit({"backup": str(file)})
    run.screen.say(f"the graph is of this version; before that it was backed up to {file}")
