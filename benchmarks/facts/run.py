"""Measure facts to a DataFrame against the bare driver and a DataFrame, in turn, in one run on one server.

    python benchmarks/facts/run.py local|neo4j [--facts 200000] [--entities 80000] [--rounds 5] [--out FILE]

The bare driver runs one query for the same columns of the same facts, and its values become a DataFrame.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from benchmarks.store.run import claims, opened
from kgplatform.graph import KnowledgeGraph
from kgplatform.ports import Columns
from kgplatform.store import selection
from kgplatform.store.bolt import BoltStore
from kgplatform.types import CURRENT

PART = 5_000


def bare(store: BoltStore) -> pd.DataFrame:
    """What a person writes who has the driver: names, the value with its unit, and so on, as we give them."""
    told = (
        "r.key, coalesce(h.name, h.id), r.relation, coalesce(t.name, t.value, t.id) + coalesce(' ' + t.unit, ''), "
        "r.confidence, r.trust, r.verdict, r.methods"
    )
    cypher = f"MATCH (h:Entity)-[r]->(t) WHERE r.key IS NOT NULL AND {selection.where(CURRENT)} RETURN {told}"
    with store._connection.session() as session:
        return pd.DataFrame(session.run(cypher, selection.values(CURRENT)).values(), columns=list(Columns._fields))


def seconds(work: Callable[[], pd.DataFrame]) -> tuple[float, pd.DataFrame]:
    gc.collect()
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def fill(kg: KnowledgeGraph, facts: int, entities: int) -> None:
    listed = claims(facts, 2, entities)
    for start in range(0, facts, PART):
        kg.put(listed[start : start + PART])


def measure(kg: KnowledgeGraph, store: BoltStore, rounds: int) -> dict[str, Any]:
    ours, theirs = [], []
    for turn in range(rounds + 1):  # the first warms both up
        mine, made = seconds(lambda: kg.facts().to_pandas())
        plain, drawn = seconds(lambda: bare(store))
        assert set(made["key"]) == set(drawn["key"]) and len(made) == len(drawn)
        if turn:
            ours.append(mine)
            theirs.append(plain)
    return {
        "facts": len(made),
        "facts to pandas, s": [round(one, 2) for one in ours],
        "driver and DataFrame, s": [round(one, 2) for one in theirs],
        "facts to pandas / driver and DataFrame": round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", choices=("local", "neo4j"))
    parser.add_argument("--facts", type=int, default=200_000)
    parser.add_argument("--entities", type=int, default=80_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with opened(given.server) as (store, _):
        kg = KnowledgeGraph(store)
        fill(kg, given.facts, given.entities)
        result = {"server": given.server, "entities": given.entities, **measure(kg, store, given.rounds)}
    for name, value in result.items():
        print(f"{name:40} {value}")
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
