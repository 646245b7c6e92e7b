"""``kg documents``: the texts that the graph keeps, with every fact that quotes from them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui import history
from ui.cli.command import Run, add, group

if TYPE_CHECKING:
    from kgplatform.types import Document

app = group("Documents: the texts that were read for facts. kg forget takes one back, with its facts.")


@add(app, "list", example="kg documents list\nkg documents list --json")
def list_(run: Run) -> None:
    """List the documents whose text the graph keeps."""
    rows = []
    for one in run.graph.documents():
        run.screen.emit(_shape(one))
        rows.append((one.source.id, one.source.title, one.source.uri, one.length, history.when(one.time)))
    if rows:
        run.screen.table(("id", "title", "file", "characters", "since"), rows)
    else:
        run.screen.note("kg: the graph keeps no text yet:  kg harvest documents PATH  reads some")


@add(app, "search", example="kg documents search polonium discovery")
def search(
    run: Run,
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="What to look for; any of the words may stand there.")],
    limit: Annotated[int, typer.Option(min=1, help="The most passages to show.")] = 10,
) -> None:
    """Find passages by their words, the most telling first."""
    found = run.graph.passages(" ".join(words), limit)
    for one in found:
        run.screen.emit(dataclasses.asdict(one))
    if found:
        run.screen.table(("document", "from", "to", "passage"), ((one.source, one.start, one.end, one.text.strip()) for one in found))
    else:
        run.screen.note("kg: no passage has any of these words")


@add(app, "show", example="kg documents show doc:5f2c9e1a77b0c3d4\nkg documents show doc:5f2c9e1a77b0c3d4 --from 200 --to 600")
def show(
    run: Run,
    document: Annotated[str, typer.Argument(metavar="ID", help="The id of a document, as  kg documents list  shows it.")],
    start: Annotated[int, typer.Option("--from", min=0, help="The first character to show.")] = 0,
    end: Annotated[int | None, typer.Option("--to", min=0, help="The character to stop before; all by default.")] = None,
) -> None:
    """Show the text of a document, or a part of it."""
    found = run.graph.document(document)
    text = run.graph.text(document, start, end)
    run.screen.emit(_shape(found) | {"start": start, "text": text})
    for line in text.splitlines():
        run.screen.say(line)


def _shape(document: Document) -> dict[str, Any]:
    source = document.source
    return {
        "id": source.id,
        "title": source.title,
        "uri": source.uri,
        "length": document.length,
        "passages": document.passages,
        "time": document.time,
    }
