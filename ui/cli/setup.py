"""``kg config`` and ``kg doctor``: how things are set, and whether they work."""

from __future__ import annotations

import typer

from ui.cli.command import Run, add
from ui.cli.screen import plain


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "config", example="kg config\nKG_DEVICE=cpu kg config --json")(config)
    add(app, "doctor", example="kg doctor")(doctor)


def config(run: Run) -> None:
    """Print every setting, its value (secrets masked), and where it came from."""
    rows = list(run.settings.rows())
    run.screen.emit({row.name: {"value": row.value, "origin": row.origin, "meaning": row.meaning} for row in rows})
    run.screen.table(("setting", "value", "from", "meaning"), ((row.name, row.value, row.origin, row.meaning) for row in rows))


def doctor(run: Run) -> None:
    """Check what the platform needs on this machine, and say what to do about what is missing."""
    from ui.cli import checks

    found = list(checks.run(run.settings))
    broken = [check for check in found if not check.ok and check.needed]
    shown = [{"name": check.name, "ok": check.ok, "needed": check.needed, "note": check.note} for check in found]
    run.screen.emit({"ok": not broken, "checks": shown})
    for check in found:
        optional = "" if check.ok or check.needed else "  (optional)"
        run.screen.say(f"{'✓' if check.ok else '✗'} {plain(check.name)}: {plain(check.note)}{optional}")
    if broken:
        raise typer.Exit(1)
