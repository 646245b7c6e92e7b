"""How long a recommendation takes from stored vectors: made-up items and histories, the same answers as ``kg recommend`` gives.

python -m benchmarks.recommend.serving [--items 1000000] [--dim 64] [--asked 200] [--taken 40]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from kgplatform.texts import Texts
from reasoning.recommend import served as files
from reasoning.recommend.served import Served, standard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("items", 1_000_000), ("dim", 64), ("asked", 200), ("taken", 40)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    draw = np.random.default_rng(0)
    arrays = {
        "item": draw.normal(size=(given.items, given.dim)).astype(np.float32),
        "fold": np.eye(given.dim, dtype=np.float32),
        "counts": draw.zipf(1.5, given.items).clip(max=100_000),
    }
    arrays["popular"] = standard(np.log1p(arrays["counts"]).astype(np.float32))
    items = Texts.of([f"item {number:09}" for number in range(given.items)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recommender.safetensors"
        files.write(path, Served("factors", items, arrays, {}))
        began = time.perf_counter()
        served = files.read(path)
        loaded = time.perf_counter() - began
    histories = [np.sort(draw.choice(given.items, given.taken, replace=False)) for _ in range(given.asked)]
    ways = {"plain": {}, "diverse": {"diversity": 0.3}, "popularity": {"popularity": -0.5}}
    told = {name: seconds(served, histories, how) for name, how in ways.items()}
    print(json.dumps({"items": given.items, "dim": given.dim, "load seconds": round(loaded, 2), "milliseconds": told}))


def seconds(served: Served, histories: list[np.ndarray], how: dict[str, float]) -> dict[str, float]:
    """Of each answer, its clock time: the median, and what 95 of 100 stay below, in milliseconds."""
    times = []
    for taken in histories:
        began = time.perf_counter()
        served.best(taken, 20, **how)
        times.append(1_000 * (time.perf_counter() - began))
    return {"p50": round(float(np.median(times)), 1), "p95": round(float(np.quantile(times, 0.95)), 1)}


if __name__ == "__main__":
    main()
