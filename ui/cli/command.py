"""How a command is made: its function, the options that every command has, and what happens around it.

A command is a function ``(run, its own options...)``; ``add`` gives it ``--json``, ``--quiet``, ``--graph`` and
``--home``, which may also stand before the command's name, and closes what it opened.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

from kgplatform.errors import BadRequest
from ui import tasks, wire
from ui.cli import outcome
from ui.cli.screen import Screen
from ui.wire import Wire

P = ParamSpec("P")
Command = Callable[Concatenate["Run", P], None]

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress.")]
Graph = Annotated[str | None, typer.Option("--graph", metavar="NAME", help="The graph to use instead of the configured one.")]
Home = Annotated[str | None, typer.Option("--home", metavar="FOLDER", help="The data folder to use instead of the configured one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")]
AsJob = Annotated[bool, typer.Option("--job", help="Leave it to  kg worker,  and come back at once.")]
RunId = Annotated[str, typer.Option("--run", metavar="NAME", help="A name for this run, kept with its evidence.")]
Resume = Annotated[str, typer.Option("--resume", metavar="RUN", help="Go on with a run, or a job, that broke off or failed in part.")]
Show = Callable[[Mapping[str, Any]], None]
"""Tells a person what a job came to."""


@dataclass(slots=True)
class Given:
    """What stood before the command's name; and, for the report of a mistake, where its log belongs."""

    json: bool = False
    quiet: bool = False
    graph: str | None = None
    home: str | None = None
    logs: Path | None = None
    recurs: Recurrence | None = None

    def take(self, json: bool, quiet: bool, graph: str | None, home: str | None) -> None:
        """Options that stand further behind; those before go on to hold where there are none."""
        self.json |= json
        self.quiet |= quiet
        self.graph, self.home = graph or self.graph, home or self.home


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When the command that follows is to be done again and again, instead of now."""

    cron: str
    zone: str


class Run(Wire):
    """One running command: its settings, its graph, its models and its screen."""

    def __init__(self, given: Given, creates: bool = False) -> None:
        self.screen = Screen(json=given.json, quiet=given.quiet)
        self.given = given
        super().__init__(wire.load(home=given.home, graph=given.graph), creates=creates)
        given.logs = self.settings.home
        for warning in () if given.recurs else self.settings.warnings:  # who asked that it recurs has said them
            self.screen.note(f"kg: warning: {warning}")

    def turn_to(self, graph: str) -> None:
        """Take another graph than the one of the settings, before one is opened."""
        self.settings = wire.load(home=self.given.home, graph=graph)
        self.creates = False

    def do(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        show: Show,
        *,
        job: bool = False,
        name: str = "",
        resume: str = "",
        limits: Mapping[str, Any] | None = None,
    ) -> None:
        """Do long work as a job: here and now and then ``show`` what it came to, or leave it to a worker or to a schedule.

        A dry run is no job. ``name`` is kept with the evidence. ``resume`` names a job, or the run of one, to go on with instead,
        where arguments are its own but for new ``limits``.
        """
        from kgplatform.jobs.steps import Direct

        if resume and (self.given.recurs or arguments.get("dry_run")):
            raise BadRequest("--resume goes on with one job: it cannot recur, and cannot be tried with  --dry-run")
        if arguments.get("dry_run"):
            if job or self.given.recurs:
                raise BadRequest("--dry-run says at once what would be done: leave it out to make a job of it")
            show(tasks.do(kind, tasks.Doing(self, Direct(name), arguments, self.screen)))
            return
        runner = self.runner(self.screen)
        if recurs := self.given.recurs:
            outcome.scheduled(self.screen, runner.schedule(self.task(kind, arguments), recurs.cron, recurs.zone))
        elif resume and job:
            outcome.submitted(self.screen, self.ledger.retry(outcome.named(self.ledger, resume, kind).id, limits))
        elif job:
            outcome.submitted(self.screen, runner.submit(self.task(kind, arguments), run=name))
        elif resume:
            outcome.conclude(self.screen, runner.again(outcome.named(self.ledger, resume, kind).id, limits), show)
        else:
            outcome.conclude(self.screen, runner.now(self.task(kind, arguments), run=name), show)


def group(help: str) -> typer.Typer:
    """A group of commands; named alone it shows its help."""
    made = typer.Typer(help=help, rich_markup_mode=None, add_completion=False, invoke_without_command=True)
    made.callback()(_show_help)
    return made


def _show_help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


_COMMON = {"json": Json, "quiet": Quiet, "graph": Graph, "home": Home}


def add(app: typer.Typer, name: str, *, example: str, rest: bool = False, creates: bool = False) -> Callable[[Command[P]], Command[P]]:
    """Register a function as the command ``name``; its docstring is the help, and ``example`` stands below it.

    With ``rest``, what follows its first argument is left as it is, options too. One that ``creates`` makes a graph that is not there;
    to the others a name that no graph has is a mistake.
    """

    def register(function: Command[P]) -> Command[P]:
        def command(context: typer.Context, **options: Any) -> None:
            _run(function, context.obj, options, creates)

        command.__signature__ = _signature(function)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in _signature(function).parameters.values()}
        lines = "\n".join(f"  {line}" for line in example.splitlines())
        settings = {"allow_interspersed_args": False} if rest else None
        epilog = f"\b\nExample:\n{lines}"
        app.command(name, help=inspect.getdoc(function), epilog=epilog, context_settings=settings, rich_help_panel=None)(command)
        return function

    return register


def _signature(function: Callable[..., None]) -> inspect.Signature:
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("context", kind, annotation=typer.Context)]
    parameters += [parameter.replace(kind=kind, annotation=hints[parameter.name]) for parameter in own]
    defaults = {"json": False, "quiet": False, "graph": None, "home": None}
    parameters += [inspect.Parameter(name, kind, default=defaults[name], annotation=hint) for name, hint in _COMMON.items()]
    return inspect.Signature(parameters)


def _run(function: Callable[..., None], given: Given, options: dict[str, Any], creates: bool) -> None:
    given.take(*(options.pop(name) for name in _COMMON))
    with Run(given, creates) as run:
        function(run, **options)
