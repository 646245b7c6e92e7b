"""Train and test a link predictor on a folder with ``train.txt``, ``valid.txt`` and ``test.txt`` (head, relation, tail; tabs).

python -m benchmarks.links.run FOLDER [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from reasoning import links
from reasoning.split import read_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    parts = read_split(given.folder)
    started = time.perf_counter()
    predictor = links.train(parts.train, valid=parts.valid, device=given.device)
    trained = time.perf_counter()
    row = links.evaluate(predictor, parts).row()
    ended = time.perf_counter()
    row.update(epochs=predictor.epochs, train_seconds=round(trained - started, 1), test_seconds=round(ended - trained, 2))
    print(json.dumps(row | {"recipe": repr(predictor.recipe)}, indent=1))


if __name__ == "__main__":
    main()
