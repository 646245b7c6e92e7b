"""From somebody's Neo4j into a graph: what would come, and why something would not; then the same, put.

An adoption that was killed is repeated, as an import is: what is there already is found by its evidence. Memory does not
grow with the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kgplatform import names
from kgplatform.adoption.claims import Reader, Row
from kgplatform.adoption.mapping import Map
from kgplatform.adoption.source import Counted, Foreign
from kgplatform.errors import BadFile, BadQuery, BadRequest
from kgplatform.formats.loading import Reasons
from kgplatform.formats.rows import batches
from kgplatform.ports import CypherRunner, Limits
from kgplatform.types import Claim, Receipt

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.ports import Progress

BATCH = 20_000
"""Facts that are put at once."""


@dataclass(slots=True)
class Adoption:
    """What became of a graph. ``receipt`` holds only counts, ``readable`` counts the facts that could be read.

    ``bare`` counts nodes that say nothing and stand in no relationship: a graph holds facts. ``notes`` tell what the map leaves
    out or makes one.
    """

    receipt: Receipt = field(default_factory=Receipt)
    readable: int = 0
    unread: Reasons = field(default_factory=Reasons)
    refused: Reasons = field(default_factory=Reasons)
    bare: int = 0
    notes: tuple[str, ...] = ()

    @property
    def left_out(self) -> int:
        return self.unread.count + self.refused.count


@dataclass(frozen=True, slots=True)
class Checked:
    """A map that fits a graph: its nodes by label, how many relationships there are, and what it leaves out."""

    counted: dict[str, Counted]
    edges: int
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        return sum(one.nodes for one in self.counted.values()) + self.edges


def check(foreign: Foreign, meant: Map) -> Checked:
    """Count what the map means. Raises ``BadFile`` for a label or a type that the graph does not have."""
    labels, types, unique = foreign.labels(), foreign.types(), foreign.unique()
    for what, told, there in (("label", meant.nodes, labels), ("type", meant.edges, types)):
        if missing := [name for name in told if name not in there]:
            raise BadFile(f"{meant.path}: the graph at {foreign.source.uri} has no {what} {missing[0][:60]!r}")
    counted: dict[str, Counted] = {}
    for label, node in meant.nodes.items():
        counted[label] = foreign.count(label, node.id, tuple(counted), (label, node.id) in unique)
    edges = sum(foreign.count_edges(one) for one in meant.edges)
    return Checked(counted, edges, tuple(_notes(foreign, meant, labels, types, counted)))


def _notes(foreign: Foreign, meant: Map, labels: list[str], types: list[str], counted: dict[str, Counted]) -> Iterator[str]:
    for label in labels:
        if label not in meant.nodes and label not in meant.ignored and (many := foreign.count(label, but=tuple(meant.nodes)).nodes):
            yield f"left out: {many:,} nodes with the label {label}, which is not in the map"
    for type_ in types:
        if type_ not in meant.edges and type_ not in meant.ignored and (many := foreign.count_edges(type_)):
            yield f"left out: {many:,} relationships of the type {type_}, which is not in the map"
    for label, node in meant.nodes.items():
        if unknown := sorted({name for one in foreign.sample(label) for name in one["held"].keys() - meant.known(one["labels"])}):
            yield f"left out: of {label} the properties {', '.join(unknown)}, which are not in the map"
        if shared := counted[label].shared:
            yield f"{shared:,} nodes with the label {label} have the {node.id} of another one, and become one with it"
    for type_, edge in meant.edges.items():
        named = {edge.confidence, *(name for name, _ in edge.qualifiers), *edge.ignored}
        if unknown := sorted({name for one in foreign.sample_edges(type_) for name in one["held"]} - named):
            yield f"left out: of {type_} the properties {', '.join(unknown)}, which are not in the map"


def read(foreign: Foreign, meant: Map, checked: Checked, told: Adoption, progress: Progress | None = None) -> Iterator[Row]:
    """All that the graph says, each node with what begins at it; nodes that say nothing are counted."""
    reader, edges = Reader(meant, foreign.source), tuple(meant.edges.values())
    identity = sorted({name for node in meant.nodes.values() for name in node.identity})
    properties = sorted({*identity, *(value.property for node in meant.nodes.values() for value in node.values)})
    done, before = 0, list[str]()
    for label, counted in checked.counted.items():
        for nodes in foreign.nodes(label, counted, before, properties):
            bare = {node.id for node in nodes}
            for node in nodes:
                for row in reader.of_node(node):
                    bare.discard(node.id)
                    yield row
            for some in foreign.edges(nodes, edges, identity):
                bare.difference_update(edge.start.id for edge in some)
                yield from map(reader.of_edge, some)
                done += len(some)
            told.bare += len(bare) - len(foreign.met(bare, edges))
            done += len(nodes)
            if progress:
                progress(min(done, checked.size), checked.size)
        before.append(label)


def attempt(foreign: Foreign, meant: Map, checked: Checked, progress: Progress | None = None) -> Adoption:
    """Read everything and put nothing."""
    told = Adoption(notes=checked.notes)
    for where, row in read(foreign, meant, checked, told, progress):
        if isinstance(row, str):
            told.unread.add(f"{where}: {row}")
        else:
            told.readable += 1
    return told


def adopt(kg: KnowledgeGraph, foreign: Foreign, meant: Map, checked: Checked, progress: Progress | None = None) -> Adoption:
    """Put all facts that can be read and kept. Raises ``BadRequest`` when ours would be taken for the owner's nodes."""
    _check_apart(kg, foreign, meant)
    told = Adoption(notes=checked.notes)
    for batch in batches(read(foreign, meant, checked, told, progress), BATCH):
        claims: list[Claim] = []
        places: dict[int, str] = {}
        for where, row in batch:
            if isinstance(row, str):
                told.unread.add(f"{where}: {row}")
            else:
                claims.append(row)
                places[id(row.evidence[0])] = where
        told.readable += len(claims)
        put = kg.put(claims)
        told.receipt += Receipt(put.new, put.merged, put.unchanged)
        for refusal in put.refused:
            told.refused.add(f"{places[id(refusal.claim.evidence[0])]}: {refusal.why}")
    return told


def strictly(kg: KnowledgeGraph, foreign: Foreign, meant: Map, checked: Checked, progress: Progress | None = None) -> None:
    """Raise ``BadFile`` for the first of all that would be left out; nothing is put."""
    for batch in batches(read(foreign, meant, checked, Adoption(), progress), BATCH):
        claims: list[Claim] = []
        for where, row in batch:
            if isinstance(row, str):
                raise BadFile(f"{where}: {row}")
            claims.append(row)
        for refusal in kg.refusals(claims):
            raise BadFile(f"{refusal.claim.head.name}: {refusal.why}")


def together(kg: KnowledgeGraph, foreign: Foreign) -> bool:
    """Whether the graph lies in the very database that is adopted."""
    if not isinstance(kg.store, CypherRunner):
        return False
    try:
        return kg.store.read("CALL db.info() YIELD id RETURN id", {}, Limits(rows=1)).rows == ((foreign.id,),)
    except BadQuery:  # the local server
        return False


def _check_apart(kg: KnowledgeGraph, foreign: Foreign, meant: Map) -> None:
    """In one database what is adopted must not stand among the nodes that it was adopted from, nor under their constraints."""
    if not together(kg, foreign):
        return
    there = set(foreign.labels())
    for node in meant.nodes.values():
        if (label := names.label(node.kind)) in there and foreign.has_nodes(label):
            raise BadRequest(
                f"{meant.path}: the kind {node.kind!r} would be the label {label}, which nodes of the owner have in the same database: "
                "call the kind otherwise, or adopt into another graph"
            )
