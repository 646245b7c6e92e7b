"""``kg server``: the local graph server of this data folder."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from kgplatform.errors import BadRequest
from ui import shapes
from ui.cli.command import Run, add, group
from ui.wire import interactions, learned, marks

app = group("The local graph server, which starts by itself when a command needs it.")


@add(app, "status", example="kg server status --json")
def status(run: Run) -> None:
    """Say whether the local server runs, where, and with which graphs."""
    from kgplatform.store import server

    found = server.status(run.settings.home)
    if found is None:
        run.screen.emit({"running": False})
        run.screen.say("the local server is not running; it starts when a command needs it")
        return
    shown = {"address": found.bolt_uri, "pid": found.pid, "graphs": server.graphs(found)}
    run.screen.emit({"running": True, **shown})
    for name, value in shown.items():
        run.screen.say(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


@add(app, "stop", example="kg server stop")
def stop(run: Run) -> None:
    """Stop the local server; its graphs stay."""
    from kgplatform.store import server

    stopped = server.stop(run.settings.home)
    run.screen.emit({"stopped": stopped})
    run.screen.say("stopped" if stopped else "the local server was not running")


@add(app, "drop", example="kg server drop oldgraph --yes")
def drop(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The graph, as  kg server status  shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="It is meant: the graph goes for good.")] = False,
) -> None:
    """Delete a graph of the local server with all that is in it, and the interactions and marked answers beside it."""
    from kgplatform.store import server

    endpoint = server.ensure(run.settings.home)
    server.check_graph(endpoint, name)
    facts = server.count_facts(endpoint, name)
    if not yes:
        what = f"the graph {name!r} and its {shapes.many(facts, 'fact')}"
        raise BadRequest(f"{what} would go for good: say  --yes,  or keep them first:  kg backup {name}.kgbackup --graph {name}")
    server.drop_graph(endpoint, name)
    for kept in (learned(run.settings.home, name), interactions(run.settings.home, name)):
        shutil.rmtree(kept, ignore_errors=True)
    marks(run.settings.home, name).unlink(missing_ok=True)
    run.screen.emit({"dropped": name, "facts": facts})
    run.screen.say(f"the graph {name!r} is gone, with {shapes.many(facts, 'fact')}")
