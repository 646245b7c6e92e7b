"""Train and test a link predictor on a folder with ``train.txt``, ``valid.txt`` and ``test.txt`` (head, relation, tail; tabs).

python -m benchmarks.links.run FOLDER [--models complex house] [--columns relation head tail] [--device cpu] [--seeds 5]

A line of JSON for every model, trained with the settings that the size of the graph chooses.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from reasoning import links
from reasoning.evaluate import Figures
from reasoning.split import Split, read_split

MEANS = ("mrr", "hits@1", "hits@10", "train_seconds")
"""What is averaged over seeds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="*", choices=links.MODELS, default=["complex"])
    parser.add_argument("--columns", nargs=3, help="their order in the files, where it is not head, relation, tail")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seeds", type=int, default=1, help="so many trainings of each, and a line with their mean and spread")
    given = parser.parse_args()
    parts = read_split(given.folder, given.columns)
    for model in given.models:
        rows = []
        for seed in range(given.seeds):
            rows.append(_measured(parts, model, given.device, seed))
            print(json.dumps(rows[-1]), flush=True)
        if len(rows) > 1:
            told = {name: [round(fmean(row[name] for row in rows), 4), round(stdev(row[name] for row in rows), 4)] for name in MEANS}
            print(json.dumps({"model": model, "seeds": len(rows), **told}), flush=True)


def _measured(parts: Split, model: str, device: str, seed: int) -> dict[str, Any]:
    recipe = links.Recipe.fitting(parts.train, model, seed=seed)
    started = time.perf_counter()
    predictor = links.train(parts.train, recipe, valid=parts.valid, device=device)
    trained = time.perf_counter()
    found = links.evaluate(predictor, parts)
    ended = time.perf_counter()
    seconds = {"train_seconds": round(trained - started, 1), "test_seconds": round(ended - trained, 2)}
    unseen = found.unseen_test_triples
    return {
        "model": model,
        **Figures.row(found),
        "unseen_test_triples": unseen,
        "epochs": predictor.epochs,
        **seconds,
        "recipe": repr(recipe),
    }


if __name__ == "__main__":
    main()
