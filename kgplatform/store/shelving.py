"""The evidence that lies on a fact, on its relationship or on shelves, as a writing transaction reads and lays it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kgplatform.store import properties, qualifying, shelves
from kgplatform.store.connection import run
from kgplatform.store.pieces import Pieces, ordered
from kgplatform.store.properties import Parameters
from kgplatform.store.statements import statement
from kgplatform.store.summing import Part, part
from kgplatform.store.telling import Telling
from kgplatform.types import FactKey, Literal

if TYPE_CHECKING:
    from neo4j import ManagedTransaction


class Held(NamedTuple):
    """What lies on a fact: pieces, the value that is its tail, and, when its pieces lie on shelves, their parts.

    ``pieces`` are all, or those on the ``open`` shelves.
    """

    pieces: Pieces
    literal: Literal | None = None
    parts: tuple[Part, ...] = ()
    open: frozenset[int] = frozenset()

    @property
    def named(self) -> qualifying.Named:
        """The entities by which any of its evidence qualifies it."""
        return qualifying.told(self.pieces, self.parts)

    def dropped(self, key: FactKey) -> Parameters:
        """What goes with the fact besides its relationship, as ``Transaction.drop`` takes it."""
        return {
            "shelves": [shelves.node(key, len(self.parts), place) for place in range(len(self.parts))],
            "qualifiers": qualifying.nodes({key: self.named}),
            "qualified_by": sorted({entity for _, entity in self.named}),
        }

    @property
    def closed(self) -> int:
        """How many pieces lie on shelves that are not open."""
        return sum(one.size for place, one in enumerate(self.parts) if place not in self.open)


class Shelving(Telling):
    """The part of a transaction that lays evidence on shelves."""

    def shelved(self, key: FactKey, relation: str, before: Held, now: Pieces) -> list[Part]:
        """Write the shelves that change. The parts of all; none when the relationship carries the pieces itself."""
        parts = list(before.parts)
        if not parts and not (wanted := shelves.needed(len(now))):
            return []
        changed = {place: part(relation, {}, self._calibration) for place in before.open} if parts else {}
        laid = shelves.laid(now, len(parts) or wanted)
        changed |= {place: part(relation, pieces, self._calibration) for place, pieces in laid.items()}
        parts = [changed.get(place, held) for place, held in enumerate(parts or [Part()] * wanted)]
        if before.parts and shelves.full(parts):
            return self._regrown(key, relation, before, now)
        self._lay(key, len(parts), {place: laid.get(place, {}) for place in changed})
        return parts

    def _regrown(self, key: FactKey, relation: str, before: Held, now: Pieces) -> list[Part]:
        """Take all pieces from their shelves and lay them on more."""
        closed = [place for place in range(len(before.parts)) if place not in before.open]
        everything = {**on_shelves(self._tx, [(key, len(before.parts), closed)]).get(key, {}), **now}
        self._lay(key, len(before.parts), {place: {} for place in range(len(before.parts))})
        many = shelves.needed(len(everything))
        laid = shelves.laid(everything, many)
        self._lay(key, many, laid)
        return [part(relation, laid.get(place, {}), self._calibration) for place in range(many)]

    def _lay(self, key: FactKey, many: int, laid: Mapping[int, Pieces]) -> None:
        rows = []
        for place, pieces in laid.items():
            held = ordered(pieces)
            row = {"id": shelves.node(key, many, place), "fact": key, "ids": [one.id for one in held]}
            rows.append(
                row | {"versions": [p.version for p in held], "documents": [p.document for p in held], "claims": [p.claimed for p in held]}
            )
        if emptied := [row["id"] for row in rows if not row["ids"]]:
            self.run("shelves_drop", ids=emptied)
        if filled := [row for row in rows if row["ids"]]:
            self.run("shelves_write", rows=filled)


def on_shelves(tx: ManagedTransaction, wanted: Sequence[tuple[FactKey, int, Sequence[int]]]) -> dict[FactKey, Pieces]:
    """The pieces on some shelves: (key, number of its shelves, which of them)."""
    ids = [shelves.node(key, many, place) for key, many, places in wanted for place in places]
    found: dict[FactKey, Pieces] = defaultdict(dict)
    for row in run(tx, statement("shelves"), ids=ids) if ids else ():
        found[FactKey(row["key"])] |= properties.pieces(row)
    return dict(found)
