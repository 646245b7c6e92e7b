"""``kg demo`` and ``kg app``: the pages in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from ui import wire
from ui.cli.command import Run, add

PORT = 8501


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "demo", example="kg demo --no-app")(demo)
    add(app, "app", example="kg app --port 8600")(app_)


def demo(run: Run, no_app: Annotated[bool, typer.Option("--no-app", help="Stop before the page.")] = False) -> None:
    """Go through the whole loop on the texts and cards that ship with the project, then open the page."""
    from ui.demo import run as show

    if not run.settings["NEO4J_URI"] and run.settings.origins["KG_GRAPH"] == "default":
        run.settings = wire.load(home=str(run.settings.home), graph=show.GRAPH)
    show.go(run)
    if not no_app:
        from ui.serve import serve

        raise typer.Exit(serve(run.settings, PORT))


def app_(run: Run, port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = PORT) -> None:
    """Serve the pages to a browser on this machine, until Ctrl-C."""
    from ui.serve import serve

    raise typer.Exit(serve(run.settings, port))
