"""Which facts: one selection for every word that reads, and the forms in which facts are handed on."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, TypedDict

from kgplatform import belief, names
from kgplatform.errors import BadRequest, MissingExtra
from kgplatform.literals import canonical, native
from kgplatform.ports import Columns, Store
from kgplatform.store.held import in_columns
from kgplatform.types import Entity, EntityId, Fact, FactKey, FactQuery, Literal, SourceId, Status, in_words

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    import pyarrow as pa


class Which(TypedDict, total=False):
    """Of which facts a word speaks: the same for ``facts``, ``view``, ``neighbours``, ``paths``, ``dump`` and the commands.

    ``status``: "current" (the default: believed and not rejected), "predicted", "proposed", "rejected" or "all";
    ``min_confidence``: the least ``Fact.confidence``, from 0 to 1; ``source``: the id of one that speaks for them;
    ``as_of``: a date (1990, 1990-05, 1990-05-17): facts that are said to hold only before or after it are left out.
    """

    status: Status
    min_confidence: float
    source: str | None
    as_of: str | None


def which(
    status: Status = "current", min_confidence: float = 0.0, source: str | None = None, as_of: str | None = None, **others: object
) -> FactQuery:
    """Raises ``BadRequest`` for an unknown word or status, a confidence outside 0 to 1, or what is no id or no date."""
    if others:
        raise BadRequest(f"facts are not chosen by  {next(iter(others))}:  there are {', '.join(Which.__annotations__)}")
    spoken = None if source is None else SourceId(names.text(source, "the id of a source"))
    date = None if as_of is None else canonical(str(as_of), "date")
    if as_of is not None and date is None:
        raise BadRequest(f"as_of: {str(as_of)[:80]!r} is no date: write it as 1990, 1990-05 or 1990-05-17")
    return FactQuery(status=status, min_confidence=min_confidence, source=spoken, as_of=date)


def around(store: Store, start: EntityId, hops: int, limit: int, query: FactQuery) -> list[Fact]:
    """The facts around an entity, hop by hop, the most believed first within a hop; at most ``limit``."""
    names.count(hops, "hops")
    query, frontier, seen = replace(query, limit=names.count(limit, "limit")), {start}, set[EntityId]()
    found: dict[FactKey, Fact] = {}
    for _ in range(hops):
        if not frontier or len(found) >= limit:
            break
        seen |= frontier
        near = store.neighbours(sorted(frontier), query)
        found |= {fact.key: fact for fact in near if fact.key not in found}
        frontier = {end.id for fact in near for end in (fact.head, fact.tail) if isinstance(end, Entity)} - seen
    return list(found.values())[:limit]


@dataclass(frozen=True, slots=True)
class Facts:
    """A lazy selection of facts: iterating asks the store each time.

    ``turned`` select what else fits: the facts of symmetric relations, which have no direction, that are kept the other way round.
    """

    store: Store
    query: FactQuery
    turned: tuple[FactQuery, ...] = ()

    def __iter__(self) -> Iterator[Fact]:
        if not self.turned:
            return self.store.facts(self.query)
        found = heapq.merge(*map(self.store.facts, (self.query, *self.turned)), key=lambda fact: (fact.head.id, fact.key))
        return islice((fact for _, (fact, *_) in groupby(found, key=lambda fact: fact.key)), self.query.limit)

    def __len__(self) -> int:
        return sum(1 for _ in self) if self.turned else self.store.count(self.query)

    def _columns(self) -> Iterator[Columns]:
        return in_columns(list(self)) if self.turned else self.store.columns(self.query)

    def to_pandas(self) -> pd.DataFrame:
        """One row a fact, names instead of ids."""
        import pandas as pd

        parts = [pd.DataFrame(part._asdict()) for part in self._columns()]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(Columns._fields))

    def to_arrow(self) -> pa.Table:
        """One row a fact, names instead of ids; read as a stream of columns."""
        import pyarrow as pa

        kinds = {"confidence": pa.float64(), "trust": pa.float64(), "origin": pa.list_(pa.string())}
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in Columns._fields])
        return pa.Table.from_batches([pa.RecordBatch.from_arrays(part, schema=schema) for part in self._arrays(schema)], schema)

    def _arrays(self, schema: pa.Schema) -> Iterator[list[pa.Array]]:
        import pyarrow as pa

        for part in self._columns():
            yield [pa.array(column, field.type) for column, field in zip(part, schema, strict=True)]

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """An edge a fact under its key, with ``relation``, ``confidence``, ``trust``, ``status``, ``sources``, ``origin``, ``qualifiers``.

        A node is an entity by its id, with ``name`` and ``kinds``; a value is one too, of its own fact: under the key, with ``value``,
        ``datatype`` and ``unit``. Raises ``MissingExtra`` without the package.
        """
        try:
            import networkx as nx
        except ImportError:
            raise MissingExtra("networkx", extra="frames", need="handing facts to networkx") from None
        made: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for fact in self:
            made.add_edge(_node(made, fact.head, fact.key), _node(made, fact.tail, fact.key), fact.key, **_told(fact))
        return made


def _node(made: nx.MultiDiGraph[str], end: Entity | Literal, key: FactKey) -> str:
    if isinstance(end, Entity):
        made.add_node(end.id, name=end.name, kinds=end.kinds)
        return end.id
    made.add_node(key, value=native(end), datatype=end.datatype, unit=end.unit)
    return key


def _told(fact: Fact) -> dict[str, Any]:
    return {
        "relation": fact.relation,
        "confidence": fact.confidence,
        "trust": fact.trust,
        "status": belief.status(fact.verdict, fact.trust, fact.methods),
        "sources": fact.sources,
        "origin": fact.origin,
        "qualifiers": {name: in_words(value) for name, value in fact.qualifiers},
    }
