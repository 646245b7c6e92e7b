"""Commands on facts: import, export, explain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from kgplatform import derivation
from kgplatform.errors import BadRequest
from kgplatform.types import in_words
from ui import history, shapes
from ui.cli import adopt
from ui.cli.command import AsJob, DryRun, Run, add
from ui.cli.selecting import AsOf, FromSource, MinConfidence, StatusOf
from ui.tasks import exporting, importing

if TYPE_CHECKING:
    from kgplatform.graph import Explanation, Reason

SHOWN = 5
"""Reasons of refusal that a person is shown; JSON has the first thousand of each sort."""
LEFT_OUT = 1
"""The exit code when the work is done but for rows that were left out."""

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Facts as TSV, CSV, JSON-LD, Parquet, Turtle, N-Triples or GraphML; a .gz ending is compressed."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Write nothing of a file with any row that would be left out.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="NAME", help="tsv, csv, jsonld, parquet, turtle, ntriples or graphml, where the ending does not say it."
    ),
]
FromNeo4j = Annotated[
    Path | None, typer.Option("--from-neo4j", metavar="MAP", help="Adopt a Neo4j graph as this map (YAML) says; its own data is only read.")
]
Propose = Annotated[
    str | None,
    typer.Option("--propose", metavar="URI", help="Write a first map of the graph at neo4j://[USER@]HOST:PORT[/DATABASE] to MAP."),
]


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(
        app,
        "import",
        example="kg import facts.tsv\nkg import --strict --dry-run facts.csv.gz dump.parquet\nkg import --from-neo4j map.yaml --propose neo4j://localhost:7687/movies",
        creates=True,
    )(import_)
    add(
        app,
        "export",
        example="kg export facts.tsv\nkg export --status all --force everything.jsonld.gz\nkg export --source doc:17 --as-of 1900 old.ttl",
    )(export)
    add(app, "explain", example='kg explain "Marie Curie | born in | Warsaw"')(explain)


def import_(
    run: Run,
    files: Files = None,
    from_neo4j: FromNeo4j = None,
    propose: Propose = None,
    strict: Strict = False,
    format: Format = None,
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Put the facts of files into the graph, or those of a Neo4j graph of your own, which is only read.

    A table has the columns head, relation, tail by names, and perhaps a confidence; or a file comes from kg export. Turtle and
    GraphML may be anybody's; what Turtle says of classes and properties becomes kinds and relation cards that the graph lacks.
    Rows that cannot be read or kept are told of by line, the others go in, and the exit code is 1. All files are checked
    first: nothing is written when one breaks off. The same file again changes nothing; an import that was killed is repeated.
    The map of a Neo4j graph says what its labels, types and properties mean; --propose writes a first one.
    """
    if from_neo4j:
        if files or format:
            raise BadRequest("--from-neo4j takes a map alone: import files by another command")
        adopt.adopt(run, from_neo4j, propose=propose, strict=strict, job=job, dry_run=dry_run)
        return
    if not files or propose:
        raise BadRequest("--propose goes with  --from-neo4j MAP.yaml" if propose else "name a FILE of facts, or  --from-neo4j MAP.yaml")
    paths = {str(one.resolve()): str(one) for one in files}
    arguments = importing.arguments(files, strict=strict, format=format, dry_run=dry_run)
    run.do("import", arguments, partial(_imported, run, paths), job=job)


def _imported(run: Run, paths: Mapping[str, str], result: Mapping[str, Any]) -> None:
    for file in result["files"]:
        file["file"] = paths.get(file["file"], file["file"])
        run.screen.emit({name: value for name, value in file.items() if name != "unit"})
        if file.get("dry_run"):
            told = f"{file['readable']:,} facts would be put, {file['left_out']:,} {file['unit']}s cannot be read"
        else:
            told = f"{shapes.added(file)}, {file['left_out']:,} refused"
        run.screen.say(f"{file['file']}: {told}")
        if file["kinds"] or file["relations"]:
            what = "speaks of" if file.get("dry_run") else "the graph learned"
            run.screen.note(f"kg: {file['file']}: {what} {file['kinds']:,} kinds and {file['relations']:,} relation cards")
        if file["header"]:
            run.screen.note(f"kg: {file['file']}: the first row was taken as a header: {', '.join(file['header'])}")
        _reasons(run, [*file["unread"], *file.get("unlinked", ()), *file.get("refused", ())], file["left_out"])
    if result["left_out"]:
        raise typer.Exit(LEFT_OUT)


def _reasons(run: Run, reasons: list[str], count: int) -> None:
    for reason in reasons[:SHOWN]:
        run.screen.note(f"  refused: {reason}")
    if count > SHOWN:
        run.screen.note(f"  … and {count - SHOWN:,} more; --json lists them")


def export(
    run: Run,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write: .tsv .csv .jsonld .parquet .ttl .nt .graphml; with .gz compressed.")
    ],
    status: StatusOf = "current",
    min_confidence: MinConfidence = 0.0,
    source: FromSource = None,
    as_of: AsOf = None,
    format: Format = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    job: AsJob = False,
) -> None:
    """Write facts to a file that kg import reads again.

    JSON-LD and Parquet hold all evidence, so that they make the same facts again; TSV, CSV and GraphML hold confidences only, Turtle
    and N-Triples not even these. Relation cards are in none of them.
    """
    from kgplatform.formats import registry

    told: dict[str, Any] = {"status": status, "min_confidence": min_confidence, "source": source, "as_of": as_of}
    arguments = exporting.arguments(file, format=format, force=force, **told)

    def show(result: Mapping[str, Any]) -> None:
        run.screen.emit({**result, "file": str(file)})
        run.screen.say(f"{file}: {result['facts']:,} facts")
        if result["drops"]:
            run.screen.note(f"kg: {registry.place(file, format).format.name} does not hold {result['drops']}: .jsonld and .parquet do")
        if result["merged"]:
            run.screen.note(
                f"kg: no file of facts holds merges ({result['merged']:,} here): what was said of a merged entity is in it as said of the "
                "kept one, and stays there after  kg review undo  when it is imported into this graph again;  kg backup  holds all"
            )

    run.do("export", arguments, show, job=job)


def one_of(value: str, choices: Any, option: str) -> Any:
    """The value if it is one of the choices. Raises ``BadRequest`` with what there is."""
    if value not in get_args(choices):
        raise BadRequest(f"{option}: {value!r} is not one of {', '.join(get_args(choices))}")
    return value


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
    for name, value in fact.qualifiers:
        run.screen.say(f"{name}: {in_words(value)}")
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
