"""The mirror of values: the best-believed literal of each relation as a plain property of its entity.

It follows the batches, and keeps in the graph how far it has come. What it writes is a function of an entity's current
facts alone, so it may be done again, and by any number at once. Whoever writes a mirror locks its entity first and reads
the facts then: of two followers the later one to write has read the later facts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from kgplatform import names
from kgplatform.literals import native
from kgplatform.store import batches, merging, selection
from kgplatform.store.connection import LIFE, Connection, Record, run
from kgplatform.store.merging import Redirects
from kgplatform.store.statements import statement
from kgplatform.types import FactQuery, Literal

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

Properties = dict[str, Any]
MIRRORED = "kg_mirrored"
"""The property that names those which the mirror wrote: no other is changed or removed."""
ENTITIES = 200
"""Entities in one transaction."""
LONGEST = 1_000
"""Characters of a value; a longer one stays at its fact alone."""
_UNSEEN = "NOT split(b.id, ':')[0] IN $seen"
_LITERALS = "[key IN b.keys WHERE key CONTAINS '|=']"
_CURRENT = FactQuery()
_FACTS = statement(
    "facts_from_heads",
    TYPE="",
    WHERE=f"r.key CONTAINS '|=' AND t.value IS NOT NULL AND size(t.value) <= {LONGEST} AND {selection.where(_CURRENT)}",
    RETURN="RETURN h.id AS id, r.key AS key, r.relation AS relation, r.confidence AS confidence, r.trust AS trust, "
    "t.value AS value, t.datatype AS datatype, t.unit AS unit",
    LIMIT="",
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the mirror has come: all batches before ``time`` are done, and no other can come there; and of later ones the ``seen``.

    Those are transactions by name, and when they were. ``rebuilt`` counts how often the mirror was begun anew.
    """

    time: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)
    rebuilt: int = 0

    @classmethod
    def read(cls, text: str | None) -> Mark:
        """The inverse of ``written``; of nothing, the beginning."""
        return cls(**json.loads(text)) if text else cls()

    def written(self) -> str:
        return json.dumps(asdict(self))

    def joined(self, done: Mapping[str, int], until: int) -> Mark:
        """The mark when these are done too, and all before ``until``; it never goes back."""
        time = max(self.time, until)
        return replace(self, time=time, seen={name: at for name, at in {**self.seen, **done}.items() if at >= time})


class Mirror:
    """A follower that writes the mirror."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def follow(self) -> int:
        """Mirror what changed since the mark; how many properties were written or removed."""
        found = self._connection.rows(statement("mirror_mark"))[0]
        mark, settled = Mark.read(found["mark"]), found["now"] - round(LIFE * 1000)
        recent: dict[str, int] = {}
        pages = count = 0
        for page in batches.pages(self._connection, mark.time - 1, _UNSEEN, _LITERALS, seen=sorted(mark.seen)):
            if pages:  # all before this page is done, should it end here
                self._keep(mark, {}, min(settled, page[0]["time"]))
            for part in _parts(sorted(_heads(page, self._redirects()))):
                count += self._mirror(part)
            recent |= {batch["id"].partition(":")[0]: batch["time"] for batch in page if batch["time"] >= settled}
            pages += 1
        if pages or (mark.seen and max(mark.seen.values()) < settled):
            self._keep(mark, recent, settled)
        return count

    def begin_anew(self) -> None:
        """Let the next one to follow mirror everything; one that is on its way leaves no mark."""

        def reset(tx: ManagedTransaction) -> None:
            held = Mark.read(run(tx, statement("mirror_lock"))[0]["mark"])
            run(tx, statement("mirror_keep"), mark=Mark(rebuilt=held.rebuilt + 1).written())

        self._connection.writing(reset)

    def _keep(self, mark: Mark, done: Mapping[str, int], until: int) -> None:
        """Move the mark on, unless the mirror was begun anew meanwhile."""

        def keep(tx: ManagedTransaction) -> None:
            held = Mark.read(run(tx, statement("mirror_lock"))[0]["mark"])
            if held.rebuilt == mark.rebuilt:
                run(tx, statement("mirror_keep"), mark=held.joined(done, until).written())

        self._connection.writing(keep)

    def _redirects(self) -> Redirects:
        return dict(self._connection.rows(statement("redirects"))[0]["redirects"])

    def _mirror(self, ids: Sequence[str]) -> int:
        """Bring the mirrors of entities up: only those that differ are locked, and looked at again."""
        stale = [row["id"] for row in self._connection.reading(partial(_changes, ids=ids))]
        return self._connection.writing(partial(_write, ids=stale)) if stale else 0


def _write(tx: ManagedTransaction, *, ids: Sequence[str]) -> int:
    run(tx, statement("entities_lock"), ids=ids)
    rows = _changes(tx, ids=ids)
    run(tx, statement("mirror_write"), rows=rows)
    return sum(len(row["properties"]) - 1 for row in rows)


def _changes(tx: ManagedTransaction, *, ids: Sequence[str]) -> list[Properties]:
    """What is to be written of those among the entities whose mirror differs from their facts."""
    facts: dict[str, list[Record]] = {}
    for row in run(tx, _FACTS, heads=ids, **selection.values(_CURRENT)):
        facts.setdefault(row["id"], []).append(row)
    held = run(tx, statement("mirror_read"), ids=ids)
    rows = []
    for row in held:
        mirror = dict(zip(row["mirrored"] or (), row["shown"], strict=True))
        if properties := changed(mirror, row["names"], mirrored(facts.get(row["id"], ()))):
            rows.append({"id": row["id"], "properties": properties})
    return rows


def _heads(page: Iterable[Record], redirects: Redirects) -> set[str]:
    """The entities whose values batches may have changed: a claim lies at its head, or at one that this was merged into."""
    heads = {parts.head for batch in page for key in batch["keys"] if (parts := names.parse_key(key)).tail.startswith("=")}
    return {one for head in heads for one in merging.line(head, redirects)}


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), ENTITIES):
        yield ids[start : start + ENTITIES]


# -- what the mirror shows ---------------------------------------------------------------------------


def mirrored(facts: Iterable[Record]) -> Properties:
    """The properties that an entity's current literal facts give it.

    Of several values of one relation the best believed counts; of equally believed ones the last by its key, which of two
    dates for one time is the finer.
    """
    best: dict[str, Record] = {}
    for fact in facts:
        name = names.property_name(fact["relation"])
        if name not in best or _rank(best[name]) < _rank(fact):
            best[name] = fact
    shown = {name: native(Literal(fact["value"], fact["datatype"])) for name, fact in best.items()}
    return shown | {names.unit_property(name): fact["unit"] for name, fact in best.items() if fact["unit"]}


def _rank(fact: Record) -> tuple[float, float, str]:
    return fact["confidence"], fact["trust"], fact["key"]


def changed(mirror: Mapping[str, Any], taken: Iterable[str], shown: Properties) -> Properties:
    """What is to be set, or with null removed, so that a node shows these: empty when it does.

    ``mirror`` are the properties that the mirror wrote; a name that is ``taken`` otherwise is somebody else's, and left alone.
    """
    others = set(taken) - mirror.keys()
    shown = {name: value for name, value in shown.items() if name not in others}
    news = {name: value for name, value in shown.items() if (type(value), value) != (type(held := mirror.get(name)), held)}
    news |= dict.fromkeys(mirror.keys() - shown.keys())
    return news | {MIRRORED: sorted(shown) or None} if news else {}
