"""Recommenders on MovieLens-100K with its graph: as many settings tried for each, chosen on watched interactions, tested once a seed.

python -m benchmarks.recommend.ml100k FOLDER RESULTS.jsonl [--models lightgcn kgat …] [--seeds 5] [--tries 3] [--patience 5]

A line of JSON for every training, added to RESULTS; what stands there is not measured again. The settings are chosen by the first
seed's watched interactions and kept for the others. At the end: means, and mean differences from LightGCN with 95 % intervals (bootstrap
over users, each with the mean over seeds).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reasoning.recommend.models.registry import FLOORS, MODELS
from reasoning.recommend.ranking import figures
from reasoning.recommend.reading import Facts, read
from reasoning.recommend.splitting import Parts
from reasoning.recommend.training import Settings, Trained, train

TRIED: Sequence[Mapping[str, float]] = ({"reg": 1e-4}, {"reg": 1e-3}, {"reg": 1e-4, "rate": 0.002})
"""Settings tried for every model, the same for each."""
AGAINST = "lightgcn"
NAMES = ("popularity", "itemknn", "bpr", "lightgcn", "kgat", "diffkg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=NAMES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tries", type=int, default=len(TRIED))
    parser.add_argument("--batch", type=int, default=4_096)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--look", type=int, default=2)
    given = parser.parse_args()
    base = Settings(batch=given.batch, epochs=given.epochs, patience=given.patience, look=given.look)
    for seed in range(given.seeds):
        data = read(given.folder, seed=seed)
        for name in given.models:
            for number in _numbers(given.results, name, seed, given.tries):
                key = {"model": name, "seed": seed, "setting": number}
                if not found_in(given.results, **key):
                    row = measured(data.parts, replace(base, model=name, seed=seed, **TRIED[number]), data.facts)  # type: ignore[arg-type]
                    add(given.results, {**key, **row})
    for line in told(given.results, given.models):
        print(line)


def measured(parts: Parts, settings: Settings, facts: Facts | None) -> dict[str, Any]:
    """Of one training: its figures, and what it cost."""
    began, used = time.perf_counter(), time.process_time()
    found = train(parts, settings, facts)
    cost = {"seconds": time.perf_counter() - began, "processor": time.process_time() - used}
    return {**figured(found, parts), **cost}


def figured(found: Trained, parts: Parts) -> dict[str, Any]:
    """By the watched and by the test interactions, these also for every user."""
    tested = figures(found.model, parts.test, parts.train, parts.valid)
    row = {"watched": found.watched, "recall": float(tested.recall.mean()), "ndcg": float(tested.ndcg.mean()), "epochs": found.epochs}
    return {**row, "looks": len(found.history), "users": tested.users.tolist(), "ndcgs": np.round(tested.ndcg, 5).tolist()}


def add(results: Path, row: Mapping[str, Any]) -> None:
    """A line more."""
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps({name: value for name, value in row.items() if not isinstance(value, list)}), flush=True)


def _rows(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []


def found_in(results: Path, **key: object) -> list[dict[str, Any]]:
    """The lines that hold all of this."""
    return [row for row in _rows(results) if all(row[name] == value for name, value in key.items())]


def _numbers(results: Path, name: str, seed: int, tries: int) -> Sequence[int]:
    """The settings to be measured: all of them by the first seed, then the one that was best."""
    if name in FLOORS:
        return (0,)
    return range(tries) if seed == 0 else (_best(results, name),)


def _best(results: Path, name: str) -> int:
    return int(max(found_in(results, model=name, seed=0), key=lambda row: row["watched"])["setting"])


def told(results: Path, names: Sequence[str]) -> Iterator[str]:
    """The table."""
    yield f"| | NDCG@20 | Recall@20 | beside {AGAINST} | seeds | best epoch | processor seconds |\n|---|---|---|---|---|---|---|"
    against = {row["seed"]: row for row in found_in(results, model=AGAINST, setting=_best(results, AGAINST))}
    for name in names:
        rows = {row["seed"]: row for row in found_in(results, model=name, setting=_best(results, name))}
        ndcg, recall = (np.array([row[what] for row in rows.values()]) for what in ("ndcg", "recall"))
        both = sorted(rows.keys() & against.keys())
        apart = "" if name == AGAINST else _apart([rows[seed] for seed in both], [against[seed] for seed in both])
        spread = f" ± {ndcg.std(ddof=1):.4f}" if len(ndcg) > 1 else ""
        cost = np.mean([row["processor"] for row in rows.values()])
        yield (
            f"| {name} | {ndcg.mean():.4f}{spread} | {recall.mean():.4f} | {apart} | {len(rows)} "
            f"| {'/'.join(str(row['epochs']) for row in rows.values())} | {cost:.0f} |"
        )


def _apart(rows: Sequence[Mapping[str, Any]], against: Sequence[Mapping[str, Any]]) -> str:
    """The mean difference over users, each with the mean over seeds, and where it lies in 95 of 100 draws of users."""
    total: dict[int, list[float]] = {}
    for one, other in zip(rows, against, strict=True):
        for user, ours, theirs in zip(one["users"], one["ndcgs"], other["ndcgs"], strict=True):
            total.setdefault(user, []).append(ours - theirs)
    means = np.array([np.mean(values) for values in total.values()])
    draws = np.random.default_rng(0).choice(means, (2_000, len(means))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{means.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


if __name__ == "__main__":
    main()
