"""The operations by name: what each is for, what it takes, what it gives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import anyio
from anyio import to_thread

from kgplatform.errors import KgError
from ui.asking import arguments, described
from ui.asking.asking import Asking
from ui.shapes import Shape

_PAUSE, _LOOKS = 0.2, 600
"""Seconds between looks for what still runs for one who has gone away, and how many: as long as a query may run."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked. ``says`` tells a program, or a language model, when to use it; ``plain`` arguments fit into a URL."""

    name: str
    says: str
    takes: type[arguments.Arguments]
    gives: type[described.Described]
    do: Callable[[Asking, arguments.Arguments], Shape]
    plain: bool = True


def _operation(says: str, takes: type[arguments.Arguments], gives: type[described.Described], plain: bool = True) -> Operation:
    name = takes.__name__.lower()
    return Operation(name, says, takes, gives, getattr(Asking, name), plain)


OPERATIONS = (
    _operation("Find entities by name, or by what they mean. The best come first.", arguments.Search, described.Search),
    _operation("Show one entity: its kinds, other names and description.", arguments.Entity, described.FullEntity),
    _operation(
        "Show the facts around an entity, hop by hop, the most believed first. Each has a key, which explain takes.",
        arguments.Neighbours,
        described.Neighbours,
    ),
    _operation("Show how two entities hang together: the best paths of facts between them.", arguments.Paths, described.Paths),
    _operation(
        "List facts by head, relation, tail, status, source or date, page by page in the order of their heads.",
        arguments.Facts,
        described.Facts,
    ),
    _operation(
        "Say why a fact is believed: every piece of evidence with its source, quote and weight, and what contradicts it.",
        arguments.Explain,
        described.Explanation,
    ),
    _operation(
        "Ask in Cypher, for reading only. See schema first: entities are (:Entity {id, name}) with a label for each kind, facts are "
        "relationships with confidence and verdict.",
        arguments.Cypher,
        described.Rows,
        plain=False,
    ),
    _operation(
        "Answer a question in English by walks through the graph, with the words that support each step. It says so when the graph does "
        "not say.",
        arguments.Ask,
        described.Answer,
        plain=False,
    ),
    _operation(
        "Show which relations and kinds the graph has, what they join, and what they are called in Cypher.",
        arguments.Schema,
        described.Schema,
    ),
)
PROPOSE = _operation(
    "Propose a fact that the graph does not hold, with the words that say so. It waits for a person, who accepts or rejects it; nothing "
    "that is there is changed.",
    arguments.Propose,
    described.Fact,
    plain=False,
)
"""Only where whoever serves the graph lets programs write."""


async def answered(asking: Asking, operation: Operation, asked: arguments.Arguments) -> Shape:
    """The answer, found in a thread. When this is cancelled, what runs on the graph's server for it is stopped."""
    mine, over = asking.named(uuid4().hex), threading.Event()

    def work() -> Shape:
        try:
            return operation.do(mine, asked)
        finally:
            over.set()

    try:
        return await to_thread.run_sync(work, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        threading.Thread(target=_stop, args=(mine, over), daemon=True).start()
        raise


def _stop(asking: Asking, over: threading.Event) -> None:
    """Until it is over, since the query may be about to begin."""
    for _ in range(_LOOKS):
        if over.wait(_PAUSE):
            return
        with suppress(KgError):
            asking.stop()
