"""``kg harvest expand`` and ``kg harvest runs``: a graph that asks its own next question, and what its runs came to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplatform.errors import BadRequest, NotFound
from ui import expansions, shapes
from ui.cli import outcome
from ui.cli.command import AsJob, DryRun, Resume, Run, RunId, add
from ui.tasks import harvest_expand
from ui.wire import place

if TYPE_CHECKING:
    from ui.expansions import Expansion

SHOWN, LISTED, KNOWN = 5, 50, 1_000
ASKED = ("question", "strategy", "fan_out", "seed", "grounded", "years", "step", "chat")
"""What a run was asked for, and goes on with; all else are limits."""

UNSAID = {"seed": 0, "grounded": False, "years": "", "step": 1}
"""Of a run that says nothing of these."""


def register(harvest: typer.Typer) -> None:
    """Add these commands to ``kg harvest``."""
    expanding = "kg harvest expand 'What makes silk strong?' --iterations 6 --chat local:qwen2.5-coder-1.5b --run silk"
    add(harvest, "expand", example=expanding, creates=True)(expand)
    add(harvest, "runs", example="kg harvest runs\nkg harvest runs silk web")(runs)


def expand(
    run: Run,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to ask first.")] = "",
    strategy: Annotated[
        str, typer.Option(metavar="NAME", help="What to ask next: node, answer, edge, frontier, novelty, leap or mixed; nothing: frontier.")
    ] = "",
    fan_out: Annotated[
        int | None, typer.Option("--fan-out", metavar="N", help=f"Questions at a time; nothing: {harvest_expand.FAN_OUT}.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(metavar="N", help=f"End after so many rounds; nothing: {harvest_expand.ITERATIONS}.")
    ] = None,
    calls: Annotated[int | None, typer.Option(metavar="N", help="End after so many questions.")] = None,
    tokens: Annotated[int | None, typer.Option(metavar="N", help="End after so many tokens.")] = None,
    usd: Annotated[float | None, typer.Option(metavar="P", help="End after so many dollars.")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", help="End after so many.")] = None,
    patience: Annotated[int | None, typer.Option(metavar="N", help="End when so many rounds brought nothing new; nothing: 3.")] = None,
    floor: Annotated[
        float | None, typer.Option(metavar="P", help="Nothing new is what brings at most this share of new things; nothing: 0.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another number lets the model answer anew; nothing: 0.")] = None,
    grounded: Annotated[
        bool, typer.Option("--grounded", help="Answers must quote from the graph's documents; the quotes are checked.")
    ] = False,
    years: Annotated[str, typer.Option(metavar="FROM-TO", help="Ask the same question for each year of these, instead of others.")] = "",
    step: Annotated[int | None, typer.Option(metavar="N", help="Ask for spans of so many years; nothing: 1.")] = None,
    chat: Annotated[str, typer.Option(metavar="MODEL", help="The chat model that answers; nothing: KG_CHAT_MODEL.")] = "",
    name: RunId = "",
    resume: Resume = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Ask a chat model, put what it says as proposed facts, and ask what the graph as it then stands raises; round after round.

    It ends at a limit, or when three rounds brought nothing new. --resume goes on with a run from its last round, within new limits;
    kg harvest runs lists the runs, kg forget run:NAME takes one back.
    """
    if step is not None and not years:
        raise BadRequest("--step says how long spans of years are: it goes with  --years FROM-TO")
    if years and (strategy or iterations or any(one is not None for one in (fan_out, patience, floor))):
        raise BadRequest(
            "--years asks one question for span after span: leave out  --strategy, --iterations, --fan-out, --patience and --floor"
        )
    limits = harvest_expand.limits(
        iterations=iterations, calls=calls, tokens=tokens, usd=usd, minutes=minutes, patience=patience, floor=floor
    )
    given = {"question": question, "strategy": strategy, "fan_out": fan_out, "seed": seed, "grounded": grounded or None}
    given |= {"years": years, "step": step, "chat": chat}
    if resume:
        if name and name != resume:
            raise BadRequest(f"--resume goes on with the run {resume[:80]!r}: it cannot get another name by  --run")
        earlier = outcome.named(run.ledger, resume, expansions.KIND).task.arguments
        _check_same(f"--resume {resume[:80]}: that run", earlier, {name: value for name, value in given.items() if value not in ("", None)})
    elif not question:
        raise BadRequest("name either QUESTION or  --resume RUN")
    arguments = harvest_expand.arguments(
        question,
        strategy=strategy,
        fan_out=fan_out,
        seed=seed or 0,
        grounded=grounded,
        years=years,
        step=step or 1,
        chat=chat or run.settings["KG_CHAT_MODEL"],
        limits=limits,
        dry_run=dry_run,
    )
    if not resume:
        harvest_expand.check_models(run.settings, arguments)
        if grounded and not run.given.recurs:
            harvest_expand.check_texts(run)
        _check_name(run, name, arguments)
    run.do(expansions.KIND, arguments, partial(_show, run), job=job, name=name, resume=resume, limits=limits)


def _check_name(run: Run, name: str, arguments: Mapping[str, Any]) -> None:
    """Raises ``BadRequest`` where a run of that name was asked for something else: they could not be told apart."""
    for one in run.ledger.jobs(graph=place(run.settings), kind=expansions.KIND, limit=KNOWN) if name else ():
        if one.run == name:
            _check_same(f"there is a run {name[:80]!r} already, which", one.task.arguments, arguments)


def _check_same(which: str, earlier: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raises ``BadRequest``, which says what differs."""
    differing = [
        _differing(_option(name), was, now)
        for name in ASKED
        if name in asked and (was := earlier.get(name, UNSAID.get(name))) != (now := asked[name])
    ]
    if differing:
        raise BadRequest(f"{which} has {', '.join(differing)}: only limits may be new, else give another  --run NAME")


def _differing(option: str, was: Any, now: Any) -> str:
    """What is empty or false was not given."""
    if now is False or now in ("", None):
        return f"{option}, and here is none" if was is True else f"{option} {was}, and here is none"
    if was is False or was in ("", None):
        return f"no {option}, and here is {'one' if now is True else now}"
    return f"{option} {was} and not {now}"


def _option(name: str) -> str:
    return "QUESTION" if name == "question" else f"--{name.replace('_', '-')}"


def runs(
    run: Run,
    name: Annotated[list[str] | None, typer.Argument(metavar="RUN", help="Only these runs, side by side.")] = None,
) -> None:
    """List the runs of kg harvest expand, the latest first; with names, compare these: what they asked, what grew, what they share."""
    jobs = run.ledger.jobs(graph=place(run.settings), kind=expansions.KIND, limit=KNOWN if name else LISTED)
    if name:
        by_name = {job.run: job for job in reversed(jobs)}
        if unknown := next((one for one in name if one not in by_name), None):
            raise NotFound(f"there is no run {unknown[:80]!r}: {_there(list(by_name))}")
        jobs = [by_name[one] for one in name]
    found = [expansions.expansion(run.ledger, job) for job in jobs]
    for one in found:
        run.screen.emit(_shape(run, one))
    if not found:
        run.screen.note("there are no runs yet:  kg harvest expand QUESTION  makes one")
    elif name:
        head, *rows = expansions.compared(found, run.expansions)
        run.screen.table(head, rows)
    else:
        columns = ("run", "strategy", "rounds", "things", "links", "state", "question")
        run.screen.table(columns, map(_row, found))


def _there(names: list[str]) -> str:
    return f"there are {', '.join(names[:5])}" if names else "there are none yet"


def _row(one: Expansion) -> tuple[str, ...]:
    grown = one.grown
    counts = (f"{count:,}" for count in (len(one.rounds), len(grown.names), len(grown.links)))
    asked = one.job.task.arguments
    return one.run, asked["strategy"], *counts, expansions.state(one), asked["question"]


def _shape(run: Run, one: Expansion) -> dict[str, Any]:
    from dataclasses import asdict

    grown, shape = one.grown, expansions.shape(run.expansions, one.run)
    return {
        "run": one.run,
        "job": one.job.id,
        "state": one.job.state,
        "ended": one.job.result.get("ended", ""),
        **{name: one.job.task.arguments.get(name) for name in ASKED},
        "rounds": [asdict(each) for each in one.rounds],
        "things": len(grown.names),
        "links": len(grown.links),
        "tokens": one.job.usage.tokens,
        "usd": one.job.usage.usd,
        "dynamics": asdict(shape) if shape else None,
    }


def _show(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    if result["dry_run"]:
        run.screen.say(f"at most {shapes.many(result['calls'], 'question')}: {result['chat']}")
        run.screen.say("nothing was asked and nothing written")
        return
    for number, one in enumerate(result["rounds"], 1):
        asked = one["questions"][0] + (f"  (and {len(one['questions']) - 1} more)" if len(one["questions"]) > 1 else "")
        run.screen.say(f"{number:>3}  {one['new']:>3} new things, {one['links']:>3} new links   {asked}")
    run.screen.say(f"{shapes.added(result)}; {shapes.many(result['calls'], 'question')}, {result['tokens']:,} tokens")
    run.screen.say(f"it ended: {result['ended']}")
    for one in result["lasting"][:SHOWN]:
        run.screen.say(f"{one['relation']}: {one['constant']:,} hold all the time, {one['dynamic']:,} for a part of it")
    for line in result["notes"][:SHOWN]:
        run.screen.note(f"  {line}")
    if result["merges"]:
        run.screen.say(f"{shapes.many(result['merges'], 'thing')} merged into others that they are  (kg review merges)")
    if result["asked"]:
        run.screen.note(
            f"of {shapes.many(result['asked'], 'thing')} a person is to say whether they are others:  kg review merge --meaning"
        )
    if result["new"]:
        run.screen.note("what one model alone says is proposed: to accept or reject it,  kg review next")
