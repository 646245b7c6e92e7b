"""``kg demo`` and ``kg app``: the pages in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from ui import wire
from ui.cli.command import Run, add

PORT = 8501


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "demo", example="kg demo --no-app", creates=True)(demo)
    add(app, "app", example="kg app --port 8600")(app_)


Port = Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")]


def demo(run: Run, no_app: Annotated[bool, typer.Option("--no-app", help="Stop before the page.")] = False, port: Port = PORT) -> None:
    """Go through the whole loop on the texts and cards that ship with the project, then open the page."""
    from ui.demo import run as show
    from ui.serve import need_free, running, serve

    if not run.settings["NEO4J_URI"] and run.settings.origins["KG_GRAPH"] == "default":
        run.settings = wire.load(home=str(run.settings.home), graph=show.GRAPH)
    if not no_app and not running(run.settings):
        need_free(port)
    show.go(run)
    if not no_app:
        raise typer.Exit(serve(run.settings, port))


def app_(run: Run, port: Port = PORT) -> None:
    """Serve the pages to a browser on this machine, until Ctrl-C."""
    from ui.serve import serve

    if run.given.graph:
        run.graph.close()  # a mistyped name is told here, not on the page
    raise typer.Exit(serve(run.settings, port))
