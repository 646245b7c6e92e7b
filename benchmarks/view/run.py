"""Measure how a graph becomes arrays: views beside the raw columns of the same store, updates, and folders of benchmarks.

    python benchmarks/view/run.py local|neo4j|memory [--facts 1000000] [--out FILE]
    python benchmarks/view/run.py folder DIR [--columns relation,head,tail]
    python benchmarks/view/run.py arrays [--facts 10000000]

``arrays`` needs no store: columns out of a generator become a view of ten million facts.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.store.run import opened
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.numbered import gathered, ordered
from kgplatform.ports import Triples
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, FactQuery, Source, SourceId
from kgplatform.view import Entities, GraphView
from reasoning.split import read_split, removable

PART = 20_000
SAID = (Evidence("import", Source(SourceId("import:bench"), "import"), 1.0),)


def claims(facts: int, entities: int) -> Iterator[list[Claim]]:
    """Facts between random entities, in parts."""
    chosen = np.random.default_rng(0)
    people = [Entity(entity_id("person", f"Person {n}"), f"Person {n}", ("person",)) for n in range(entities)]
    for _ in range(0, facts, PART):
        ends = chosen.integers(0, (entities, 20, entities), size=(PART, 3)).tolist()
        yield [Claim(people[head], f"relation {relation}", people[tail], SAID) for head, relation, tail in ends]


class Peak:
    """The most memory that this process has held inside, above what it held before, in MB."""

    def __enter__(self) -> Peak:
        gc.collect()
        self._process, self._done = psutil.Process(), threading.Event()
        self._before = self._most = self._process.memory_info().rss
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self._most = max(self._most, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    @property
    def megabytes(self) -> int:
        return round((self._most - self._before) / 1e6)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds, and those of this process's processor time."""
    began, used = time.perf_counter(), time.process_time()
    done = work()
    return round(time.perf_counter() - began, 2), round(time.process_time() - used, 2), done


def raw(kg: KnowledgeGraph) -> int:
    """The raw export: all columns, not kept."""
    return sum(len(part.key) for part in kg.store.columns(FactQuery()))


def of_store(kg: KnowledgeGraph, facts: int) -> dict[str, Any]:
    filled, _, _ = timed(lambda: [kg.put(part) for part in claims(facts, max(1_000, facts // 20))])
    many = raw(kg)
    result: dict[str, Any] = {"facts": many, "filling, s": filled}
    rounds, peaks = [], []
    for _ in range(3):  # in turn, so that whatever else the machine does falls on both
        export = timed(lambda: raw(kg))[:2]
        with Peak() as peak:
            view = timed(kg.view)
        rounds.append((export, view[:2]))
        peaks.append(peak.megabytes)
    result["raw columns, s (and of processor time)"] = [list(export) for export, _ in rounds]
    result["view, s (and of processor time)"] = [list(seen) for _, seen in rounds]
    result["view / raw columns"] = round(statistics.median(seen[0] / export[0] for export, seen in rounds), 2)
    result["memory of a view, MB"] = max(peaks)
    result["facts as objects, then a view, s"] = timed(lambda: GraphView.of(kg.facts()))[0]
    view, revision = kg.view(), timed(lambda: kg.view().revision)
    result["entities"], result["revision"] = len(view.entities), revision[2]
    result["hash of a view, s"] = timed(lambda: view.revision)[0]
    kg.put(next(claims(PART, 500))[:1_000])
    seconds, _, now = timed(lambda: view.updated(kg))
    result["brought up to date by 1,000 facts, s"] = seconds
    assert now.revision == kg.view().revision
    return result


def columns(facts: int, entities: int) -> Iterator[Triples]:
    chosen = np.random.default_rng(0)
    ids = [f"person:person_{n}" for n in range(entities)]
    heads = np.sort(chosen.integers(0, entities, facts))
    for start in range(0, facts, PART):
        head = [ids[n] for n in heads[start : start + PART].tolist()]
        tail = [ids[n] for n in chosen.integers(0, entities, len(head)).tolist()]
        relation = [f"relation {n}" for n in chosen.integers(0, 20, len(head)).tolist()]
        key = list(map("|".join, zip(relation, head, tail, strict=True)))
        yield Triples(key, head, relation, tail, chosen.random(len(head)).tolist())


def of_arrays(facts: int) -> dict[str, Any]:
    """Without a store: what the arrays of many facts cost beyond making their columns."""

    def view() -> GraphView:
        ids, rows, relations = gathered(columns(facts, facts // 10))
        rows, beside = ordered(rows)
        entities = Entities.of(Entity(one, one) for one in ids)  # type: ignore[arg-type]
        return GraphView(entities, relations, *rows, beside=beside)

    alone = timed(lambda: sum(len(part.key) for part in columns(facts, facts // 10)))
    with Peak() as peak:
        made = timed(view)
    held = timed(lambda: removable(made[2], facts // 10, 0))
    hashed = timed(lambda: made[2].revision)
    return {
        "facts, entities": [len(made[2]), len(made[2].entities)],
        "making columns, s": alone[0],
        "making columns and a view of them, s": made[0],
        "memory, MB": peak.megabytes,
        "hash, s": hashed[0],
        "holding out a tenth, s": held[0],
    }


def of_folder(folder: Path, named: str | None) -> dict[str, Any]:
    order = named.split(",") if named else None
    times = [timed(lambda: read_split(folder, order))[:2] for _ in range(3)]
    parts = read_split(folder, order)
    return {
        "folder": folder.name,
        "facts": len(parts.known),
        "reading, s (and of processor time)": [list(one) for one in times],
        "holding out a tenth, s": timed(lambda: removable(parts.train, len(parts.train) // 10, 0))[0],
    }


@contextmanager
def graph(which: str) -> Iterator[KnowledgeGraph]:
    if which == "memory":
        yield KnowledgeGraph(MemoryStore())
        return
    with opened(which) as (store, _):
        yield KnowledgeGraph(store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("local", "neo4j", "memory", "folder", "arrays"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--facts", type=int)
    parser.add_argument("--columns")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.what == "folder":
        result = of_folder(given.folder, given.columns)
    elif given.what == "arrays":
        result = of_arrays(given.facts or 10_000_000)
    else:
        with graph(given.what) as kg:
            result = of_store(kg, given.facts or 1_000_000)
    result["load of the machine"] = os.getloadavg()[0]
    result["most memory of the process, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    for name, value in result.items():
        print(f"{name:42} {value}")
    if given.out:
        given.out.write_text(json.dumps({"what": given.what, **result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
