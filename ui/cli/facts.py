"""Commands on facts: import, export, query, explain, forget."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from kgplatform import derivation
from kgplatform.errors import BadRequest, NotFound
from kgplatform.types import Status
from ui import history
from ui.cli import shapes
from ui.cli.command import DryRun, Run, add

if TYPE_CHECKING:
    from kgplatform.graph import Added, Explanation, KnowledgeGraph, Reason

SHOWN = 5
"""Reasons of refusal that a person is shown; JSON has them all."""

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Tab-separated facts; a .gz ending is compressed.")]
Strict = Annotated[bool, typer.Option("--strict", help="Write nothing of a file with any line that cannot be read.")]


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "import", example="kg import facts.tsv\nkg import --strict --dry-run facts.tsv.gz")(import_)
    add(app, "export", example="kg export facts.tsv\nkg export --status all --force everything.tsv.gz")(export)
    add(app, "query", example='kg query "MATCH (e:Entity {name: $name}) RETURN e.id" --param name="Marie Curie"')(query)
    add(app, "explain", example='kg explain "Marie Curie | born in | Warsaw"')(explain)
    add(app, "forget", example="kg forget --dry-run import:5f2c9e1a77b0c3d4")(forget)


def import_(run: Run, files: Files, strict: Strict = False, dry_run: DryRun = False) -> None:
    """Put the facts of tab-separated files into the graph.

    A file has the columns head, relation, tail by names, and perhaps a confidence; or it comes from kg export.
    The same file again changes nothing.
    """
    for path in files:
        if dry_run:
            _try(run, path, strict)
        else:
            with run.screen.progress(f"importing {path.name}"):
                added = run.graph.load(path, strict=strict)
            _report(run, path, added)


def _try(run: Run, path: Path, strict: bool) -> None:
    from kgplatform.formats import tsv

    good, bad = tsv.check(path, strict=strict)
    run.screen.emit({"file": str(path), "dry_run": True, "readable": good, "unread": bad})
    run.screen.say(f"{path}: {good:,} facts would be put, {len(bad):,} lines cannot be read")
    _reasons(run, bad)


def _report(run: Run, path: Path, added: Added) -> None:
    receipt = added.receipt
    refused = [f"{shapes.claim(refusal.claim)}: {refusal.why}" for refusal in receipt.refused]
    unlinked = [f"{shapes.candidate(one.candidate)}: {one.why}" for one in added.unlinked]
    counts = {"new": receipt.new, "merged": receipt.merged, "unchanged": receipt.unchanged}
    run.screen.emit({"file": str(path), **counts, "refused": refused, "unlinked": unlinked, "unread": list(added.unread)})
    left = len(refused) + len(unlinked) + len(added.unread)
    run.screen.say(f"{path}: {shapes.receipt(receipt)}, {left:,} refused")
    _reasons(run, [*added.unread, *unlinked, *refused])


def _reasons(run: Run, reasons: list[str]) -> None:
    for reason in reasons[:SHOWN]:
        run.screen.note(f"  refused: {reason}")
    if len(reasons) > SHOWN:
        run.screen.note(f"  … and {len(reasons) - SHOWN:,} more; --json lists all")


def export(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; a .gz ending is compressed.")],
    status: Annotated[str, typer.Option(help=f"Which facts: {', '.join(get_args(Status))}.")] = "current",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write facts to a tab-separated file that kg import reads again."""
    chosen = one_of(status, Status, "--status")
    if file.exists() and not force:
        raise BadRequest(f"{file} is there already: name another file, or write over it with  --force")
    with run.screen.progress(f"exporting to {file.name}"):
        count = run.graph.dump(file, status=chosen)
    run.screen.emit({"file": str(file), "facts": count})
    run.screen.say(f"{file}: {count:,} facts")


def one_of(value: str, choices: Any, option: str) -> Any:
    """The value if it is one of the choices. Raises ``BadRequest`` with what there is."""
    if value not in get_args(choices):
        raise BadRequest(f"{option}: {value!r} is not one of {', '.join(get_args(choices))}")
    return value


def query(
    run: Run,
    cypher: Annotated[str, typer.Argument(metavar="CYPHER", help="A query that only reads.")],
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value for $NAME: JSON, else text.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most rows to return.")] = 1_000,
    seconds: Annotated[float, typer.Option(min=0.1, help="The longest it may run.")] = 30.0,
) -> None:
    """Ask the graph in Cypher, for reading only."""
    from kgplatform.ports import CypherRunner, Limits

    parameters = dict(map(_parameter, param or []))
    if not isinstance(run.graph.store, CypherRunner):
        raise BadRequest("a graph in memory has no Cypher: use the local server or Neo4j")
    answer = run.graph.store.read(cypher, parameters, Limits(limit, seconds))
    for row in answer.rows if run.screen.json else ():
        run.screen.emit(dict(zip(answer.columns, row, strict=True)))
    run.screen.table(answer.columns, ([_cell(value) for value in row] for row in answer.rows))
    if not answer.complete:
        run.screen.note(f"kg: stopped at {limit:,} rows: there are more; raise  --limit")


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise BadRequest(f"--param: {text[:80]!r} is not  NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list | tuple) else "" if value is None else value


def explain(run: Run, fact: Annotated[str, typer.Argument(metavar="FACT", help='A key, or "head | relation | tail" by names.')]) -> None:
    """Show why a fact is believed: every piece of evidence with its weight, and what contradicts it.

    Then what happened to it, and what was derived from it.
    """
    found = run.graph.explain(fact)
    run.screen.emit(shapes.explanation(found))
    _tell(run, found)


def _tell(run: Run, found: Explanation) -> None:
    fact = found.fact
    run.screen.say(shapes.line(fact))
    run.screen.say(f"key: {fact.key}")
    if fact.verdict != "none":
        run.screen.say(f"{fact.verdict} by {fact.judge}")
    run.screen.say(f"prior {found.prior:+.2f}, then evidence (in nats of log-odds; what does not count is outweighed in its group):")
    run.screen.table(
        ("weight", "counts", "method", "source", "words"),
        (_reason(reason) for reason in found.reasons),
    )
    for conflict in found.conflicts:
        run.screen.say(f"contradicts: {shapes.line(conflict.fact)}: {conflict.why}")
    for one in found.support:
        run.screen.say(f"rests on: {shapes.line(one)}")
    for one in found.derived:
        run.screen.say(f"derived from it: {shapes.line(one)}")
    run.screen.say("history:")
    run.screen.table(("time", "what", "who"), ((history.when(e.time), history.what(e), history.who(e)) for e in found.history))


def _reason(reason: Reason) -> tuple[str, ...]:
    piece = reason.evidence
    words = piece.quote or ", ".join(f"{name}: {value}" for name, value in derivation.apart(piece)) or piece.model
    return f"{reason.weight:+.2f}", "yes" if reason.counts else "no", piece.method, shapes.where(piece), words


def forget(
    run: Run,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The id of a source, as kg explain --json shows it.")],
    dry_run: DryRun = False,
) -> None:
    """Withdraw a source with all it said; facts that nothing else speaks for go too."""
    if dry_run:
        _would_forget(run, source)
        return
    try:
        done = run.graph.forget(source)
    except NotFound as error:
        raise NotFound(f"{error}{_near_sources(run.graph, source)}") from None
    run.screen.emit({"source": source, **dataclasses.asdict(done)})
    gone = f"{done.evidence:,} pieces of evidence gone, {done.facts_removed:,} facts with them"
    if done.predictions:
        gone += f", and {done.predictions:,} predictions that rested on those"
    run.screen.say(f"{source}: {gone}; {done.facts_kept:,} facts stay")


def _would_forget(run: Run, source: str) -> None:
    speaking = list(iter(run.graph.facts(source=source, status="all")))
    if not speaking:
        raise NotFound(f"the graph has no source {source[:120]!r}{_near_sources(run.graph, source)}")
    alone = sum(fact.sources == (source,) for fact in speaking)
    run.screen.emit({"source": source, "dry_run": True, "facts_removed": alone, "facts_kept": len(speaking) - alone})
    run.screen.say(f"{source}: {alone:,} facts would go, {len(speaking) - alone:,} would stay by other evidence")


def _near_sources(graph: KnowledgeGraph, source: str) -> str:
    import difflib

    there = graph.sources()
    near = difflib.get_close_matches(source, there, n=3, cutoff=0.4) or sorted(there, key=lambda s: -there[s])[:3]
    return f"; there are {', '.join(near)}" if near else ": it has no facts"
