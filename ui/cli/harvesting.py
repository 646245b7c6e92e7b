"""``kg harvest``: facts out of documents and out of language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from kgplatform.errors import BadRequest
from ui import jobs as words
from ui import shapes
from ui.cli import composing, expanding
from ui.cli.command import AsJob, DryRun, Resume, Run, RunId, add, group
from ui.cli.screen import percent
from ui.tasks import harvest_documents, harvest_relation

Again = Annotated[bool, typer.Option("--again", help="Read documents anew that the same command has read before.")]
Sync = Annotated[bool, typer.Option("--sync", help="Then forget texts that this command read before and that are gone from PATH.")]
SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add this group to ``kg``."""
    harvest = group("Harvest facts from documents or from a language model.")
    example = "kg harvest documents texts/ notes.txt --run first\nkg harvest documents texts/ --job"
    add(harvest, "documents", example=example, creates=True)(documents)
    add(harvest, "relation", example="kg harvest relation born-in.yaml --dry-run", creates=True)(relation)
    expanding.register(harvest)
    composing.register(harvest)
    app.add_typer(harvest, name="harvest")


def documents(
    run: Run,
    path: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Text files, or folders of them.")] = None,
    card: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A relation card to look for; none: those that ship.")] = None,
    name: RunId = "",
    again: Again = False,
    sync: Sync = False,
    resume: Resume = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Read documents and put the facts they state, each with the words that state it.

    The same command again reads what is new; what was killed goes on where it was. With --sync, a file that was deleted or edited since is
    taken back, with all that rested on what it said.
    """
    # Before the models are loaded, which takes seconds.
    _either(path, resume, "PATH")
    arguments = harvest_documents.arguments(path or (), card or (), again=again, sync=sync, dry_run=dry_run)
    run.do("harvest documents", arguments, partial(_show, run), job=job, name=name, resume=resume)


def relation(
    run: Run,
    card: Annotated[list[Path] | None, typer.Argument(metavar="CARD", help="Relation cards: YAML, or the JSON of BertNet.")] = None,
    relations: Annotated[
        list[str] | None, typer.Option("--relation", metavar="NAME", help="Of a file with many cards only this one.")
    ] = None,
    proposer: Annotated[
        str, typer.Option(metavar="MODEL", help="The chat model that proposes; nothing: KG_CHAT_MODEL, if it is set; none: nobody.")
    ] = "",
    scorer: Annotated[str, typer.Option(metavar="MODEL", help="The model that scores; nothing: KG_SCORER_MODEL.")] = "",
    size: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"Candidates that are asked for, beside those of the graph; nothing: {harvest_relation.SIZE}."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", help="End after so many; what is judged by then is kept.")] = None,
    confidence: Annotated[
        float | None,
        typer.Option("--min-confidence", metavar="P", help=f"Put what is at least so likely; nothing: {harvest_relation.CONFIDENCE}."),
    ] = None,
    free: Annotated[bool, typer.Option("--free", help="Let the scorer, too, name things that the graph does not have.")] = False,
    hold: Annotated[bool, typer.Option("--hold", help="Score and put nothing: the candidates wait in the job.")] = False,
    name: RunId = "",
    resume: Resume = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Ask language models for tuples of a relation, and put those that are likely.

    Candidates are pairs of the graph's own entities and, with a chat model, what that lists. A scorer judges them; what it does not know by
    the card's own seeds is not harvested. --dry-run says what it would take, and asks nobody for it. --resume goes on within new limits:
    --size, --minutes, budgets.
    """
    _either(card, resume, "CARD")
    if resume and (relations or proposer or scorer or confidence is not None or free or hold or name):
        raise BadRequest("--resume goes on with what the run was asked for: of its options only  --size  and  --minutes  may be new")
    arguments = harvest_relation.arguments(
        card or (),
        relations=relations or (),
        proposer=proposer,
        scorer=scorer,
        size=size,
        minutes=minutes,
        confidence=confidence,
        free=free,
        hold=hold,
        dry_run=dry_run,
    )
    if not resume:
        harvest_relation.check_models(run.settings, arguments)
    limits = harvest_relation.limits(size, minutes)
    run.do("harvest relation", arguments, partial(_show_relations, run), job=job, name=name, resume=resume, limits=limits)


def _show_relations(run: Run, result: Mapping[str, Any]) -> None:
    """What a harvest from memory did, or what it would take."""
    run.screen.emit(result)
    if result["dry_run"]:
        for plan in result["plans"]:
            _show_plan(run, plan)
        run.screen.say("nothing was asked for and nothing written")
        return
    for one in result["relations"]:
        _show_relation(run, one)
    if result["relations"] and not any(one["known"] for one in result["relations"]):
        run.screen.say(f"nothing harvested: {_unknown(result['relations'])}")
    elif result["held"] and any(one["judged"] for one in result["relations"]):
        run.screen.say("nothing was put:  kg app,  /harvest  shows the candidates")
    else:
        run.screen.say(shapes.added(result))
        for line in words.changes(result["changed"]):
            run.screen.say(line)


def _show_relation(run: Run, one: Mapping[str, Any]) -> None:
    """How far the model knows it, the best that was found, and what did not go as it should."""
    known = "" if one["auc"] is None else f" (AUC {one['auc']:.2f} on {one['seeds']} seeds)"
    done = f"{one['judged']:,} candidates judged, {one['kept']:,} likely" if one["known"] else "not asked for"
    run.screen.say(f"{one['relation']}: {done}{known}")
    for found in one["found"][:SHOWN]:
        run.screen.say(f"  {percent(found['probability']):>5}  {' | '.join(found['words'])}")
    for line in one["notes"]:
        run.screen.say(f"  {line}")


def _unknown(relations: Sequence[Mapping[str, Any]]) -> str:
    """Which relations the model does not know, and which could not be asked for."""
    tested, others = ([one["relation"] for one in relations if (one["auc"] is None) is untested] for untested in (False, True))
    parts = [f"the model does not know {', '.join(tested)}"] if tested else []
    parts += [f"{', '.join(others)} {'was' if len(others) == 1 else 'were'} not asked for, as said above"] if others else []
    return "; ".join(parts)


def _show_plan(run: Run, plan: Mapping[str, Any]) -> None:
    if not plan["candidates"]:
        run.screen.say(f"{plan['relation']}: nobody proposes anything: no two things of its kinds are there, and no chat model")
        return
    time = "" if plan["seconds"] is None else f", about {words.span(plan['seconds'])}"
    time += " and what its search for names takes" if plan["searches"] else ""
    ends = f"{plan['heads']:,} heads and {plan['tails']:,} tails of the graph"
    run.screen.say(f"{plan['relation']}: {ends}, at most {plan['candidates']:,} candidates, {plan['sentences']:,} sentences{time}")
    if plan["chat"]:
        run.screen.say(f"  chat model: {plan['chat']}")


def _either(paths: list[Path] | None, resume: str, name: str) -> None:
    """Raises ``BadRequest`` unless it is told either what to read or what to go on with."""
    if bool(paths) == bool(resume):
        raise BadRequest(f"name either {name}… or  --resume RUN")


def _show(run: Run, result: Mapping[str, Any]) -> None:
    """What a harvest did, or the facts that it would put."""
    run.screen.emit(result)
    if result["dry_run"]:
        run.screen.say(f"{result['candidates']:,} pieces of evidence found; nothing was written")
    else:
        run.screen.say(shapes.added(result))
        for line in words.changes(result["changed"]):
            run.screen.say(line)
    for line in () if result.get("changed", {}).get("new", {}).get("count") else result["found"][:SHOWN]:
        run.screen.say(f"  {line}")
    for source in result.get("gone", []):
        run.screen.say(f"{source} {'would be' if result['dry_run'] else 'is'} forgotten: its text is gone")
    if result["new"]:
        run.screen.note("to see them with what supports them:  kg app,  kg review next")
    for line in result["refused"][:SHOWN]:
        run.screen.note(f"  refused: {line}")
    for line in result.get("unlinked", [])[:SHOWN]:
        run.screen.note(f"  not linked: {line}")
    for line in result["notes"]:
        run.screen.say(line)
