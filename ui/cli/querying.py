"""``kg query`` and ``kg ask --cypher``: Cypher, a person's own or a chat model's, for reading only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, get_args
from typing import Literal as OneOf

import typer

from kgplatform.errors import BadRequest
from ui.cli.command import Run, add
from ui.cli.facts import one_of

if TYPE_CHECKING:
    from kgplatform.ports import Rows
    from reasoning.cypher.ask import Written

Form = OneOf["table", "csv", "json", "graph"]


def register(app: typer.Typer) -> None:
    """Add this command to ``kg``."""
    examples = (
        'kg query "MATCH (e:Entity {name: $name}) RETURN e.id" --param name="Marie Curie"',
        'kg query "MATCH p = ()-[:BORN_IN]->() RETURN p" --as graph',
    )
    add(app, "query", example="\n".join(examples))(query)


def query(
    run: Run,
    cypher: Annotated[str, typer.Argument(metavar="CYPHER", help="A query that only reads.")],
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value for $NAME: JSON, else text.")] = None,
    as_: Annotated[str, typer.Option("--as", metavar="FORM", help=f"How to answer: {', '.join(get_args(Form))}.")] = "table",
    rows: Annotated[int, typer.Option("--rows", "--limit", min=1, help="The most rows to return.")] = 1_000,
    seconds: Annotated[float, typer.Option(min=0.1, help="The longest it may run.")] = 30.0,
) -> None:
    """Ask the graph in Cypher, for reading only.

    As a graph the answer is one JSON object of all nodes and relationships in it, each once. docs/cypher.md says what the graph looks like.
    """
    from kgplatform.ports import Limits

    form = one_of(as_, Form, "--as")
    answer = run.graph.read(cypher, dict(map(_parameter, param or [])), Limits(rows, seconds))
    _answer(run, answer, "json" if run.screen.json and form == "table" else form)
    if not answer.complete:
        raised = {"rows": "raise  --rows", "bytes": "ask for less of each"}[answer.cut]
        run.screen.note(f"kg: stopped at the limit of {answer.cut} after {len(answer.rows):,} rows: there are more; {raised}")


def _answer(run: Run, answer: Rows, form: Form) -> None:
    from kgplatform.store.plain import graph

    run.screen.json = form in ("json", "graph")
    cells = ([_cell(value) for value in row] for row in answer.rows)
    match form:
        case "table":
            run.screen.table(answer.columns, cells)
        case "csv":
            run.screen.csv(answer.columns, cells)
        case "json":
            for row in answer.rows:
                run.screen.emit(dict(zip(answer.columns, row, strict=True)))
        case "graph":
            drawn = graph(answer.rows)
            if answer.rows and not drawn["nodes"]:
                raise BadRequest("--as graph: the answer has no nodes: return nodes, relationships or paths")
            run.screen.emit(drawn)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise BadRequest(f"--param: {text[:80]!r} is not  NAME=VALUE")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError) as error:
        if value.lstrip().startswith(("[", "{", '"')):
            raise BadRequest(f"--param {name}: {value[:60]!r} begins as JSON and is none ({error})") from None
        return name, value


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list | tuple) else "" if value is None else value


def asked(run: Run, question: str, chat: str | None, dry_run: bool) -> None:
    """Answer a question by a query that a chat model writes, shown before it is run and with its rows; a dry run only shows it."""
    from kgplatform import opening
    from reasoning.agent.ask import guide
    from reasoning.cypher.ask import Writer

    model = opening.chat(run.settings, chat)
    writer = Writer(run.graph, guide(run.graph, run.encoder), model)
    written = writer.ask(question, run=not dry_run, show=lambda query: _show(run, query))
    run.screen.emit(_written(written, model.name))
    if written.rows and not run.screen.json:
        run.screen.say()
        _answer(run, written.rows, "table")
        if not written.rows.rows:
            run.screen.say("(no rows: the graph does not say, or the query does not ask for it)")
        if not written.rows.complete:
            run.screen.note(f"kg: stopped at the limit of {written.rows.cut} after {len(written.rows.rows):,} rows: there are more")
    cost = "answered before" if written.cached else f"{written.usage.tokens:,} tokens"
    run.screen.note(f"written by {model.name} ({cost}); Cypher sees predicted and rejected facts too")


def _show(run: Run, written: Written) -> None:
    """The query as it can be asked again, with what its parameters mean."""
    for repair in written.repairs:
        run.screen.note(f"repaired: {repair.why}")
    for line in written.cypher.splitlines():
        run.screen.say(line)
    for name, value in written.parameters.items():
        run.screen.say(f"--param {name}={json.dumps(value, ensure_ascii=False)}")


def _written(written: Written, model: str) -> dict[str, Any]:
    found, used = written.rows, written.usage
    return {
        "question": written.question,
        "cypher": written.cypher,
        "parameters": dict(written.parameters),
        "columns": list(found.columns) if found else None,
        "rows": [list(row) for row in found.rows] if found else None,
        "complete": found.complete if found else None,
        "repairs": [{"cypher": repair.cypher, "why": repair.why} for repair in written.repairs],
        "model": model,
        "cost": {"prompt": used.prompt, "completion": used.completion, "usd": used.usd, "cached": written.cached},
    }
