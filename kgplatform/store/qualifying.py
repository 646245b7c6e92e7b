"""Qualifiers that are entities, as nodes: through them people, and sweeps, find all facts that an entity qualifies.

A relationship cannot start on a relationship, so ``(:KgQualifier {id, fact, name})-[:VALUE]->(:Entity)`` stands beside a
fact whose qualifier is an entity now. Weaker evidence may name other entities, which are needed when the stronger is
forgotten: ``-[:CLAIMED]->`` from the same node holds them. Both lead to what an entity was merged into. Whoever holds the
lock of a fact writes its nodes, in the same transaction (``Transaction.qualify``). Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.store import merging
from kgplatform.store.merging import Redirects
from kgplatform.store.pieces import Pieces
from kgplatform.store.summing import Part, part, total
from kgplatform.types import EntityId, FactKey

Named = frozenset[tuple[str, EntityId]]
"""Qualifiers that are entities: (name, entity as claimed)."""
NOTHING: Named = frozenset()


def node(key: str, name: str) -> str:
    """The id of a qualifier's node."""
    return f"{key}#{name}"


def told(pieces: Pieces, parts: Sequence[Part] = ()) -> Named:
    """All entities that any evidence names, of pieces and of parts."""
    found = {pair for one in pieces.values() if one.qualifiers for pair in one.qualifiers}
    for one in parts:
        found.update((name, value) for name, _, _, _, value in one.told)
        found.update(one.unheard)
    return frozenset((name, entity) for name, value in found if (entity := names.referred(value))) if found else NOTHING


def current(relation: str, pieces: Pieces, parts: Sequence[Part], calibration: Calibration) -> dict[str, EntityId]:
    """The entities that qualify a fact, as the strongest evidence says."""
    said = total(0, parts or [part(relation, pieces, calibration)]).qualifiers
    return {name: entity for name, value in said if (entity := names.referred(value))}


class Qualified:
    """What became of the qualifiers of the facts that a transaction writes."""

    def __init__(self) -> None:
        self._told: dict[FactKey, Named] = {}
        self._current: dict[FactKey, dict[str, EntityId]] = {}
        self._lost: dict[FactKey, Named] = {}

    def __bool__(self) -> bool:
        return bool(self._told)

    def note(self, key: FactKey, before: Named, now: Named, current: dict[str, EntityId]) -> None:
        """A fact that evidence qualified by some entities ``before``, and ``now`` by these."""
        self._told[key], self._current[key] = now, current
        self._lost[key] = (self._lost.get(key, NOTHING) | before) - now

    def claimed(self) -> set[EntityId]:
        """The entities to which nodes are to lead, as claimed."""
        return {entity for pairs in self._told.values() for _, entity in pairs}

    def rows(self, redirects: Redirects) -> list[dict[str, Any]]:
        """The nodes as they are to be, in order: where each leads, and what it holds besides."""
        rows = []
        for key, pairs in sorted(self._told.items()):
            for name in sorted({name for name, _ in pairs}):
                value = self._current[key].get(name)
                leads = [] if value is None else [merging.root(value, redirects)]
                held = {merging.root(entity, redirects) for other, entity in pairs if other == name} - set(leads)
                rows.append({"id": node(key, name), "fact": key, "name": name, "value": leads, "claimed": sorted(held)})
        return rows

    def gone(self) -> list[str]:
        """Ids of nodes that stand for nothing any more."""
        return sorted(set(nodes(self._lost)) - set(nodes(self._told)))

    def let_go(self) -> list[EntityId]:
        """Entities that some fact no longer names."""
        return sorted({entity for pairs in self._lost.values() for _, entity in pairs})


def nodes(named: Mapping[FactKey, Named]) -> list[str]:
    """The ids of the nodes of facts that name these."""
    return [node(key, name) for key, pairs in named.items() for name in sorted({name for name, _ in pairs})]
