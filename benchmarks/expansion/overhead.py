"""What an iteration takes beside the model, in a run that has grown to so many things.

    ./dev bench expansion overhead [--things 10000 100000] [--strategy frontier] [--iterations 20] [--out FILE]

The run goes on from a grown (Barabási–Albert) graph whose things and links stand in a store in memory too, with their vectors. A
scripted model answers at once, three answers an iteration with eight links between six new things and two known ones. Counted are the
next questions, linking, what was believed before, the put, the record, and the shape of the graph; seconds are processor time of this
process, with one thread, and letters are hashed in place of an encoder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import networkx as nx
import numpy as np

from harvest.expand import Limits, Models, Way, merging, run
from harvest.expand.run import _Expansion
from kgplatform.analysis.dynamics import Recorder
from kgplatform.analysis.dynamics import measure as shape_of
from kgplatform.analysis.simple import Simple
from kgplatform.analysis.structure import law
from kgplatform.difference import Before
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Request
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Source, SourceId

STARTS, MIDDLES = ("ba", "do", "ki", "lu", "me", "po", "ra", "si", "tu", "ve"), "lar men nis pot ror sel tan vok wim zed".split()
WORDS = ["".join(parts) for parts in product(STARTS, MIDDLES, ("a", "e", "i", "o", "u", "an", "en", "in", "on", "un"))]
SAID = Evidence("memory", Source(SourceId("model:scripted:1"), "model"), 0.6, "scripted:1", time=1)


def name(number: int) -> str:
    """Of two or three made-up words."""
    return " ".join(WORDS[number // 1_000**place % 1_000] for place in range(2 if number < 10**6 else 3))


class Spent:
    """Seconds by what they went to, a list for each iteration."""

    def __init__(self) -> None:
        self.by: dict[str, list[float]] = defaultdict(list)

    def of(self, what: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            begun = process_time()
            try:
                return do(*given, **named)
            finally:
                self.by[what].append(process_time() - begun)

        return timed


def grown_to(expansion: _Expansion, kg: KnowledgeGraph, things: int, encoder: HashingEncoder) -> None:
    """Let a run have grown so far."""
    edges = nx.barabasi_albert_graph(things, 2, seed=1).edges
    entities = [Entity(EntityId(f"thing:{name(one).replace(' ', '_')}"), name(one)) for one in range(things)]
    kg.put(Claim(entities[a], "is near", entities[b], (SAID,)) for a, b in edges)
    for start in range(0, things, 5_000):
        some = entities[start : start + 5_000]
        kg.store.embed(encoder.name, dict(zip(some, encoder.encode([one.name for one in some]), strict=True)))
    links = [[entities[a].id, entities[a].name, "is near", entities[b].id, entities[b].name] for a, b in edges]
    record = {"questions": [["Q", [], 0]], "answered": 1, "merges": [], "asked": [], "notes": []}
    record |= {"grown": [{"depth": 1, "synthesis": "So it is.", "links": links}], "new": len(links), "merged": 0, "unchanged": 0}
    expansion._records.append(record)
    expansion._rounds.append(expansion._grown.grow(record))
    expansion._vectors([one.name for one in entities])


def measure(things: int, strategy: str, iterations: int) -> dict[str, Any]:
    chosen, numbers, spent, encoder = random.Random(0), iter(range(1_000_000, 2_000_000)), Spent(), HashingEncoder()

    def answer(_: Request) -> str:
        new, known = [name(next(numbers)) for _ in range(6)], [name(chosen.randrange(things)) for _ in range(2)]
        pairs = [(known[0], new[0]), (known[1], new[1]), *pairwise(new), (new[5], known[0])]
        edges = [{"source": one, "relation": "leads to", "target": other} for one, other in pairs]
        return json.dumps({"brainstorm": "", "nodes": new, "edges": edges, "patterns": [], "synthesis": f"{new[0]} it is."})

    kg = KnowledgeGraph(MemoryStore())
    with tempfile.TemporaryDirectory() as folder:
        models = Models(ScriptedChat(answer), encoder, Path(folder))
        expansion = _Expansion(kg, "Q", models, Way(strategy), Direct("bench"))
        grown_to(expansion, kg, things, encoder)
        recorder = Recorder(Path(folder) / "dynamics.jsonl")
        shape_of(Simple.linking([(0, 1), (1, 2)], 3))  # the libraries are loaded
        law(np.arange(1, 100))
        watch = spent.of("shape", lambda iteration, grown: recorder.record(iteration, grown.graph, list(grown.names)))
        expansion._questions = spent.of("questions", expansion._questions)  # type: ignore[method-assign]
        run.merging.merging = spent.of("linking", merging.merging)
        run.merging.put = spent.of("putting", merging.put)
        Before.look = spent.of("before", Before.look)  # type: ignore[method-assign]
        whole = list[float]()
        for iteration in range(1, iterations + 1):
            begun = process_time()
            one = expansion._round(iteration, expansion._questions(Limits(iterations)))
            watch(iteration, expansion._grown)
            whole.append(process_time() - begun)
            assert one.new, one
    parts = {what: statistics.median(taken) for what, taken in spent.by.items()}
    figures = {"median": statistics.median(whole), "mean": statistics.mean(whole), "longest": max(whole), "first": whole[0]}
    return {"things": things, "strategy": strategy, **figures, "medians": parts, "load": os.getloadavg()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--things", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--strategy", default="frontier")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    told = [measure(things, given.strategy, given.iterations) for things in given.things]
    for one in told:
        print(json.dumps({what: round(value, 3) if isinstance(value, float) else value for what, value in one.items()}))
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
