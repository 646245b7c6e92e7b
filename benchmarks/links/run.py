"""Train and test a link predictor on a folder with ``train.txt``, ``valid.txt`` and ``test.txt`` (head, relation, tail; tabs).

python -m benchmarks.links.run FOLDER [--models complex house] [--columns relation head tail] [--device cpu]

A line of JSON for every model, trained with the settings that the size of the graph chooses.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from reasoning import links
from reasoning.evaluate import Figures
from reasoning.split import Split, read_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="*", choices=links.MODELS, default=["complex"])
    parser.add_argument("--columns", nargs=3, help="their order in the files, where it is not head, relation, tail")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    parts = read_split(given.folder, given.columns)
    for model in given.models:
        print(json.dumps(_measured(parts, model, given.device)), flush=True)


def _measured(parts: Split, model: str, device: str) -> dict[str, Any]:
    recipe = links.Recipe.fitting(parts.train, model)
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
