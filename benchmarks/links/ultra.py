"""Rank the test facts of a folder by ULTRA, with no training, on the graph of ``train.txt``.

python -m benchmarks.links.ultra FOLDER --checkpoint FILE

FILE is ``ultra_3g.pth`` or ``ultra_50g.pth`` from github.com/DeepGraphLearning/ULTRA, folder ckpts.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from reasoning.evaluate import evaluate
from reasoning.models.ultra import Ultra
from reasoning.split import read_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    parts = read_split(given.folder)
    view = parts.train
    started = time.perf_counter()
    scorer = Ultra.load(given.checkpoint).on(view.triples, len(view.entities), len(view.relations)).to(given.device)
    row = evaluate(scorer, parts, device=given.device).row()
    print(json.dumps(row | {"seconds": round(time.perf_counter() - started, 1)}, indent=1))


if __name__ == "__main__":
    main()
