"""``kg mcp`` and ``kg api``: the graph for programs that ask; with ``--write`` they may propose facts too."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadRequest, MissingExtra
from ui.cli.command import Run, add

if TYPE_CHECKING:
    from ui.asking.asking import Asking

HOST = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "mcp", example="kg mcp --graph demo\nkg mcp --http --port 8765")(mcp)
    add(app, "api", example='kg api --port 8600\ncurl "http://127.0.0.1:8600/v1/search?text=curie"')(api)


Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; other machines reach it only with KG_API_TOKEN.")]


def mcp(
    run: Run,
    http: Annotated[bool, typer.Option("--http", help="Serve HTTP at /mcp, instead of one client on standard input and output.")] = False,
    host: Host = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http: the port; 0 is any.")] = 8765,
    write: Annotated[bool, typer.Option("--write", help="Let it propose facts, which wait for kg review.")] = False,
) -> None:
    """Give the graph to a language model's program by the Model Context Protocol, for reading only unless it may --write.

    The program starts this command and speaks to it; with --http it comes to an address, and sends KG_API_TOKEN as its bearer token if that
    is set.
    """
    if not http and (host, port) != (HOST, 8765):
        raise BadRequest("--host and --port go with  --http")
    _need("mcp", "mcp")
    asking, token = _asking(run, host), run.settings["KG_API_TOKEN"]
    from ui import mcp as face
    from ui.asking.served import serve

    server = face.server(asking, run.settings.home, writes=write)
    if http:
        serve(face.over_http(server), host, port, token, "MCP at /mcp of")
    else:
        face.over_stdio(server)


def api(
    run: Run,
    host: Host = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 is any.")] = 8600,
) -> None:
    """Serve the graph over HTTP as JSON, for reading only, until Ctrl-C; /v1/openapi.json says what can be asked.

    Programs send KG_API_TOKEN as their bearer token if that is set.
    """
    _need("fastapi", "api")
    asking = _asking(run, host)
    from ui.asking.served import serve
    from ui.rest import app

    serve(app(asking, run.settings.home), host, port, run.settings["KG_API_TOKEN"], "The graph is served at")


def _need(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise MissingExtra(package, extra=extra, need=f"kg {extra}")


def _asking(run: Run, host: str) -> Asking:
    """The graph, opened now so that what is wrong with it is told here."""
    from ui.asking import door
    from ui.asking.asking import Asking

    door.check(host, run.settings["KG_API_TOKEN"])
    return Asking(run.graph, lambda: run.encoder, run.marks.read)
