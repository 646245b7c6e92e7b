"""The ``kg`` command: every group of commands, and what a person is told when one fails.

Nothing heavy is imported before a command runs, so that ``kg --help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from kgplatform.errors import KgError, interrupted
from ui.cli import (
    answering,
    answers,
    cleaning,
    documents,
    evaluating,
    faces,
    facts,
    finding,
    forgetting,
    harvesting,
    insight,
    interactions,
    jobs,
    keeping,
    learning,
    links,
    memorising,
    models,
    pages,
    paths,
    querying,
    recommend,
    recommending,
    relations,
    review,
    selecting,
    server,
    setup,
    snapshots,
)
from ui.cli.command import Given, Graph, Home, Json, Quiet, Recurrence, Run
from ui.cli.failure import unexpected
from ui.cli.screen import complain

INTERRUPTED = 130

app = typer.Typer(rich_markup_mode=None, add_completion=True, invoke_without_command=True, pretty_exceptions_enable=False)
for part in (
    pages,
    setup,
    facts,
    selecting,
    forgetting,
    querying,
    finding,
    paths,
    insight,
    harvesting,
    answers,
    learning,
    links,
    recommend,
    keeping,
    snapshots,
    jobs,
    faces,
):
    part.register(app)
app.add_typer(review.app, name="review")
app.add_typer(relations.app, name="relations")
app.add_typer(interactions.app, name="interactions")
app.add_typer(documents.app, name="documents")
app.add_typer(models.app, name="models")
app.add_typer(snapshots.app, name="snapshots")
app.add_typer(server.app, name="server")
memorising.register(evaluating.app)
cleaning.register(evaluating.app)
recommending.register(evaluating.app)
answering.register(evaluating.app)
app.add_typer(evaluating.app, name="evaluate")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            typer.echo(f"kg {metadata.version('kgplatform')}")
        except metadata.PackageNotFoundError:
            typer.echo("kg (not installed: run from its folder)")
        raise typer.Exit


@app.callback()
def kg(
    context: typer.Context,
    json: Json = False,
    quiet: Quiet = False,
    graph: Graph = None,
    home: Home = None,
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")] = False,
) -> None:
    """Knowledge graphs whose every fact shows where it comes from.

    Make one from texts and from language models, complete it, review it, and ask it questions.

    \b
    Example:
      kg demo
      kg import facts.tsv
      kg explain "Marie Curie | born in | Warsaw"
    """
    given: Given = context.obj
    given.take(json, quiet, graph, home)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main_with(command: Sequence[str], run: Run, recurs: Recurrence) -> None:
    """Take a command as one that recurs, with the options of the one that asks for it."""
    given = Given(run.screen.json, run.screen.quiet, run.given.graph, run.given.home, recurs=recurs)
    app(list(command), prog_name="kg", standalone_mode=False, obj=given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = Given()
    try:
        code = app(sys.argv[1:] if arguments is None else list(arguments), prog_name="kg", standalone_mode=False, obj=given)
    except (KgError, typer.TyperException) as error:
        complain(error.format_message() if isinstance(error, typer.TyperException) else str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one boundary: told in a sentence, kept in full in a file
        if not interrupted(error):
            complain(str(failure := unexpected(error, given.logs)))
            return failure.exit_code
        code = INTERRUPTED
    if code == INTERRUPTED:
        complain("interrupted")
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
