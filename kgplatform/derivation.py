"""What a prediction rests on: how graph models write it into their evidence, how it is read again, and what follows.

A piece of a graph model names the snapshot that the model was trained on and the facts that speak most for
the prediction. Each of these shares an end with what it supports: that is where readers look for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kgplatform import cards
from kgplatform.names import is_key
from kgplatform.types import Evidence, FactKey, FactQuery, Forgotten, Pairs, SourceId

if TYPE_CHECKING:
    from kgplatform.ports import Store


def detail(snapshot: str, support: Iterable[FactKey]) -> Pairs:
    """For ``Evidence.detail``: the revision of the view that was learnt, and the keys of supporting facts, best first."""
    return ("snapshot", snapshot), ("support", "\n".join(_folded(key) for key in support))


def support(piece: Evidence) -> tuple[FactKey, ...]:
    """The keys of the facts that a graph model's piece rests on, as they were then; empty for any other piece."""
    if piece.method != "graph":
        return ()
    lines = map(_unfolded, dict(piece.detail).get("support", "").split("\n"))
    return tuple(FactKey(line) for line in lines if is_key(line))


def apart(piece: Evidence) -> Pairs:
    """The rest of a piece's detail: what is told in words when the support is shown as facts."""
    return tuple(pair for pair in piece.detail if piece.method != "graph" or pair[0] != "support")


def withdraw(store: Store) -> Forgotten:
    """Withdraw predictions of which a fact that they rest on has gone, also from facts that other evidence speaks for.

    Only facts of which a graph model speaks are read.
    """
    resting: dict[FactKey, set[tuple[SourceId, FactKey]]] = defaultdict(set)
    known = store.relations()
    for claim in store.claims(FactQuery(status="all", method="graph")):
        key = cards.key(claim, known)
        for piece in claim.evidence:
            for one in support(piece):
                resting[one].add((piece.source.id, key))
    lost: dict[SourceId, set[FactKey]] = defaultdict(set)
    for one in resting.keys() - store.facts_at(resting).keys():
        for source, key in resting[one]:
            lost[source].add(key)
    done = [store.withdraw(source, keys) for source, keys in lost.items()]
    return Forgotten(predictions=sum(one.evidence for one in done))


def _folded(key: str) -> str:
    # A literal's words in a key may hold anything; a key that is written here has one line.
    return key.replace("\\", "\\\\").replace("\n", "\\n")


def _unfolded(line: str) -> str:
    return "\\".join(part.replace("\\n", "\n") for part in line.split("\\\\"))
