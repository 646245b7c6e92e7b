"""What the platform asks of a graph server, in its own words; what it asks of a model stands in ``kgplatform.lm.ports``.

Each port has several implementations and one contract suite (``tests/contract``) that runs over all of
them. Calls are synchronous; sequences are batched by the caller's data, never one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable
from typing import Literal as OneOf

import numpy.typing as npt

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest
from kgplatform.types import (
    Change,
    Claim,
    Document,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Forgotten,
    Hit,
    Interaction,
    Kind,
    Merge,
    Mirrored,
    Passage,
    Receipt,
    Relation,
    Source,
    SourceId,
    VectorSpace,
)


class Columns(NamedTuple):
    """Facts as lists of equal length: names instead of ids, values with their units."""

    key: list[str]
    head: list[str]
    relation: list[str]
    tail: list[str]
    confidence: list[float]
    trust: list[float]
    verdict: list[str]
    origin: list[tuple[str, ...]]


class Triples(NamedTuple):
    """Facts between entities as lists of equal length: the ids of their ends."""

    key: list[str]
    head: list[str]
    relation: list[str]
    tail: list[str]
    trust: list[float]


class Values(NamedTuple):
    """Facts whose tail is a literal as lists of equal length: the id of the head, and the value as it is written."""

    key: list[str]
    head: list[str]
    relation: list[str]
    value: list[str]
    datatype: list[str]
    unit: list[str]


class Signature(NamedTuple):
    """How many facts of a relation lead from one kind, the first of the head, to another: the first of the tail, or its datatype."""

    relation: str
    head: str
    tail: str
    facts: int


class FactStore(Protocol):
    """Facts, kept only as evidence. ``put`` is one transaction a batch: all of it, or none."""

    def put(self, claims: Sequence[Claim]) -> Receipt:
        """Store claims; the same evidence again changes nothing. Claims are canonical already (``kgplatform.cards``)."""
        ...

    def facts(self, query: FactQuery) -> Iterator[Fact]:
        """Facts in the order of their keys' heads, streamed."""
        ...

    def columns(self, query: FactQuery) -> Iterator[Columns]:
        """What ``facts`` gives as columns, some thousands of facts at a time: the quickest way to read many."""
        ...

    def triples(self, query: FactQuery) -> Iterator[Triples]:
        """Those that fit between entities, by ids, some thousands at a time: what arrays are made from."""
        ...

    def values(self, query: FactQuery) -> Iterator[Values]:
        """Those that fit whose tail is a literal, in the same way."""
        ...

    def count(self, query: FactQuery) -> int: ...

    def fact(self, key: FactKey) -> Fact | None: ...

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]:
        """The facts that lie under these keys, or under those they have since their entities were merged; by the keys that were asked."""
        ...

    def relates(self, relation: str) -> bool:
        """Whether any fact of any status is of this relation."""
        ...

    def speaks(self, source: SourceId) -> bool:
        """Whether a source has said anything of any fact, unless all that was forgotten."""
        ...

    def speaking(self) -> list[SourceId]:
        """The sources that have, those that said most first."""
        ...

    def evidence(self, key: FactKey) -> tuple[Evidence, ...]:
        """All evidence of a fact, strongest first; empty when there is no such fact."""
        ...

    def evidence_at(self, keys: Collection[FactKey]) -> dict[FactKey, tuple[Evidence, ...]]:
        """The same of many facts, found as ``facts_at`` finds them."""
        ...

    def entities(self, ids: Sequence[EntityId]) -> dict[EntityId, Entity]:
        """The entities among ``ids`` that exist."""
        ...

    def neighbours(self, ids: Sequence[EntityId], query: FactQuery) -> list[Fact]:
        """Facts with any of ``ids`` at either end that also fit ``query``, the most believed first."""
        ...

    def claims(self, query: FactQuery) -> Iterator[Claim]:
        """The facts that fit with all their evidence, streamed: put into an empty graph they make the same facts."""
        ...

    def forget(self, source: SourceId) -> Forgotten:
        """Withdraw all evidence of a source; facts with nothing left go too."""
        ...

    def forget_run(self, run: str) -> Forgotten:
        """Withdraw what one run observed; what another run observed of the same evidence stays."""
        ...

    def would_forget_run(self, run: str) -> Forgotten:
        """What ``forget_run`` would take; nothing is written."""
        ...

    def withdraw(self, source: SourceId, keys: Collection[FactKey]) -> Forgotten:
        """Withdraw what a source says of these facts alone."""
        ...


class Merging(Protocol):
    """Two entities that are one. The other id stays and leads to the kept one, for readers and for later claims."""

    def merge(self, keep: EntityId, other: EntityId, by: str = "") -> Merge:
        """Move every fact of ``other`` to ``keep``.

        Raises ``NotFound`` for an unknown id and ``BadRequest`` for a thing with itself or one that was merged already.
        """
        ...

    def undo(self, merge: str) -> Merge:
        """Give ``other`` back every piece of evidence that was claimed for it, also what came after the merge. Raises ``NotFound``."""
        ...

    def merges(self, entity: EntityId | None = None) -> list[Merge]:
        """All merges, or those that an entity took part in; the latest first."""
        ...

    def claimed(self, ids: Collection[EntityId]) -> set[EntityId]:
        """The ends of the claims that speak of these entities, as they were claimed: also for what was merged into them."""
        ...


class Believing(Protocol):
    """The one calibration by which a graph believes."""

    @property
    def calibration(self) -> Calibration: ...

    def publish(self, calibration: Calibration) -> int:
        """Make it the graph's and compute every fact anew, while writing goes on; how many facts were computed.

        Raises ``BadRequest`` when the graph has a calibration of that revision.
        """
        ...


class Changes(Protocol):
    """What was written, for those who follow."""

    def changes(self, since: int = 0) -> Iterator[Change]:
        """All changes after ``since`` (milliseconds), oldest first. Some come again; none is missed."""
        ...

    def now(self) -> int:
        """The server's time in milliseconds: whatever is not to be read yet, ``changes`` tells since this."""
        ...


class Search(Protocol):
    """Entities by name, and by vectors: those of one encoder at a time, since others cannot be compared with them."""

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        """Entities whose name or alias fits the words, best first. Any text is safe."""
        ...

    def named(self, names: Sequence[str]) -> dict[str, list[Entity]]:
        """For each normalised name (``kgplatform.names.normalise``) the entities that bear it as name or alias."""
        ...

    def vector_space(self) -> VectorSpace | None:
        """Whose vectors this graph holds."""
        ...

    def embed(self, encoder: str, vectors: Mapping[Entity, npt.ArrayLike]) -> int:
        """Keep the vectors of entities as they were when their words (``kgplatform.similar.words``) were encoded; how many are there still.

        Raises ``BadRequest``, and keeps none, when one is no direction, or does not fit those that the graph holds.
        """
        ...

    def unembedded(self, encoder: str) -> Iterator[Entity]:
        """Entities without a vector of that encoder and of their present words, merged ones as themselves, in order of id."""
        ...

    def nearest(self, encoder: str, vector: npt.ArrayLike, limit: int = 20) -> list[Hit]:
        """Entities by the cosine of their vectors with this one, best first; of those that were merged, the one they are now, once.

        Raises ``BadRequest`` when the graph has no vectors, or others.
        """
        ...

    def nearest_each(self, encoder: str, asked: npt.ArrayLike, limit: int = 20) -> list[list[Hit]]:
        """``nearest`` of many vectors at once, ``(vectors, dimension)``; approximate, and quicker than one by one."""
        ...

    def meeting(self, keys: Sequence[Collection[str]], limit: int = 20) -> list[list[Entity]]:
        """For each set of a name's keys (``kgplatform.linking.forms.keys``) the entities with a vector whose names have any of them.

        Those that share more and rarer keys come first; of those that were merged, the one they are now.
        """
        ...

    def drop_vectors(self) -> None:
        """Take all vectors away, so that another encoder's can come."""
        ...


class Vocabulary(Protocol):
    """The relation cards and kinds that this graph lives by."""

    def relations(self) -> dict[str, Relation]: ...

    def kinds(self) -> dict[str, Kind]: ...

    def signatures(self) -> list[Signature]:
        """What the current facts join; the most frequent first, then by name."""
        ...

    def learn(self, relations: Sequence[Relation] = (), kinds: Sequence[Kind] = ()) -> None:
        """Add or replace cards and kinds by name."""
        ...


class Documents(Protocol):
    """The texts that sources are made from, kept in passages. A document is there whole or not at all, and ``forget`` takes it too."""

    def add_document(self, source: Source, text: str) -> bool:
        """Keep a text, from which its facts quote; whether that is news.

        Raises ``BadRequest`` when there is no text, or when another one is kept under that id, which should be made from the content.
        """
        ...

    def document(self, source: SourceId) -> Document | None: ...

    def documents(self, after: str = "", limit: int = 100) -> list[Document]:
        """The next documents in the order of their ids, beginning behind ``after``."""
        ...

    def passages(self, source: SourceId, start: int = 0, end: int | None = None) -> Iterator[Passage]:
        """A document's passages in order, streamed: all, or those that hold any of the characters from ``start`` to ``end``."""
        ...

    def find_passages(self, text: str, limit: int = 20) -> list[Passage]:
        """Passages that hold any of the words, the most telling first. Any text is safe."""
        ...


class Interacting(Protocol):
    """Who took what, beside the facts and only where somebody asks for it. Nothing that is about facts sees it.

    On a server it reads ``(:User {id})-[:INTERACTED {time, rating}]->(:Entity)``. It lies at the entities that stand for the
    given ones now, moves on with a merge, which undoing leaves as it is, and goes with an entity that goes.
    """

    def mirror_interactions(self, interactions: Sequence[Interaction]) -> Mirrored:
        """Show these as well. Of a user and an entity the latest stays; of equally late ones, or where no time is known, the last.

        Raises ``StoreUnsuitable`` where a database has users of its own.
        """
        ...

    def drop_interactions(self) -> int:
        """Take all of it away, and leave everything else as it is; how many there were."""
        ...

    def interactions_mirrored(self) -> int:
        """How many there are: one for a user and an entity."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a query may go before it is stopped: rows and bytes returned, and seconds run; and by which ``name`` others stop it."""

    rows: int = 10_000
    seconds: float = 30.0
    bytes: int = 50_000_000
    name: str = ""

    def __post_init__(self) -> None:
        names.count(self.rows, "rows", 1)
        names.count(self.bytes, "bytes", 1)
        if not (isinstance(self.seconds, (int, float)) and self.seconds > 0):
            raise BadRequest(f"seconds must be a number above 0, not {repr(self.seconds)[:60]}")


@dataclass(frozen=True, slots=True)
class Rows:
    """A query's answer: plain values (graph elements as mappings), row by row; ``cut`` names the limit at which it ends, if it has more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: OneOf["", "rows", "bytes"] = ""

    @property
    def complete(self) -> bool:
        return not self.cut


@runtime_checkable
class CypherRunner(Protocol):
    """Reading Cypher. A query that writes raises ``WriteRefused`` and changes nothing."""

    def read(self, cypher: str, parameters: Mapping[str, Any], limits: Limits) -> Rows: ...

    def examine(self, cypher: str, parameters: Mapping[str, Any]) -> None:
        """Let the server plan a query, not run it. Raises ``BadQuery``, and ``WriteRefused`` where the plan shows that it writes."""
        ...


@runtime_checkable
class Stopping(Protocol):
    """Queries that can be stopped before they pass their limits."""

    def stop(self, name: str) -> None:
        """End the queries that run under this name: nobody waits for them any more. Whoever asked gets ``LimitExceeded``."""
        ...


@runtime_checkable
class Mirroring(Protocol):
    """Values as plain properties of their entities, for people's Cypher. The memory store has no properties."""

    def mirror(self, anew: bool = False) -> int:
        """Bring the properties up to all that was written, or make them ``anew``; how many were written or removed."""
        ...


@runtime_checkable
class Archive(Protocol):
    """A whole graph in one file, and back. The memory store has none."""

    def backup(self, path: Path, progress: Progress | None = None) -> int:
        """Write everything to a file while writing goes on; how many lines."""
        ...

    def restore(self, path: Path) -> int:
        """Fill this empty graph from such a file, of whichever server; how many facts. Raises ``BadFile`` or ``BadRequest``."""
        ...


class Store(FactStore, Believing, Merging, Changes, Search, Vocabulary, Documents, Interacting, Protocol):
    """One graph. ``CypherRunner`` is apart: the memory store has none, and says so."""

    @property
    def address(self) -> str:
        """For people: where this graph lives, without secrets."""
        ...

    def close(self) -> None: ...


Progress = Callable[[int, int], None]
"""Called with (done, total)."""
