"""Time and memory against the size of the graph: the same made-up interactions, and once, three and ten times as many facts and entities.

python -m benchmarks.recommend.scale [--models lightgcn kgat diffkg] [--times 1 3 10] [--facts 20000]

A line of JSON for each, from a process of its own: seconds of the processor for an epoch (the second one) and the peak of memory beyond
what the process had when the data were there.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.registry import MODELS
from reasoning.recommend.reading import Facts
from reasoning.recommend.splitting import parted
from reasoning.recommend.training import Settings, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=("lightgcn", "kgat", "diffkg"))
    parser.add_argument("--times", nargs="*", type=int, default=(1, 3, 10))
    parser.add_argument("--facts", type=int, default=20_000)
    parser.add_argument("--alone", action="store_true", help="measure the one that is named here, and not in a process of its own")
    given = parser.parse_args()
    for model in given.models:
        for times in given.times:
            if given.alone:
                print(json.dumps({"model": model, "times": times, **measured(model, times * given.facts)}), flush=True)
                continue
            asked = ["--models", model, "--times", str(times), "--facts", str(given.facts), "--alone"]
            subprocess.run([sys.executable, "-m", "benchmarks.recommend.scale", *asked], check=True)


def made(facts: int, seed: int = 0) -> tuple[Interactions, Facts]:
    """Twenty interactions an item; four facts an entity, more about those that come first."""
    draw = np.random.default_rng(seed)
    items, users, entities = 1_000, 500, facts // 4
    head, tail = draw.integers(entities, size=facts), (draw.pareto(1.0, facts) * entities / 50).astype(np.int64) % entities
    triples = np.unique(np.stack([head, draw.integers(10, size=facts), tail], axis=1), axis=0)
    names = [f"i{number:07}" for number in range(items)]
    user, item = draw.integers(users, size=20 * items), draw.integers(items, size=20 * items)
    taken = Interactions.of([f"u{number:07}" for number in user], [names[number] for number in item], known=names)
    return taken, Facts(triples, entities, tuple(map(str, range(10))), np.arange(items))


def measured(model: str, facts: int) -> dict[str, float]:
    taken, graph = made(facts)
    parts = parted(taken)
    train(parts, Settings(model="lightgcn", epochs=1))  # what is loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used: list[float] = [time.process_time()]
    train(parts, Settings(model=model, epochs=2, look=2), graph, progress=lambda _done, _whole: used.append(time.process_time()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"facts": len(graph.triples), "entities": graph.entities, "epoch": round(used[2] - used[1], 2), "mib": round(peak / 1024)}


if __name__ == "__main__":
    main()
