"""How many of the links proposed from ``train.txt`` alone stand in ``valid.txt`` or ``test.txt``.

python -m benchmarks.links.proposals FOLDER [--top 200]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean

from reasoning.candidates import Cards
from reasoning.predict import predict
from reasoning.split import read_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--top", type=int, default=200)
    given = parser.parse_args()
    parts = read_split(given.folder)
    view = parts.train
    found = predict(view, Cards({}, {}), top=given.top, min_confidence=0.1)
    true = {(view.entities[h].id, view.relations[r], view.entities[t].id) for h, r, t in parts.known.tolist()}
    right = [(p.head.id, p.relation, p.tail.id) in true for p in found.proposals]
    row: dict[str, object] = {"auc": found.quality.auc, "note": found.note, "proposed": len(right)}
    for first in (20, 50, len(right)):
        if right:
            row[f"first {first}"] = [round(fmean(right[:first]), 3), round(fmean(p.confidence for p in found.proposals[:first]), 3)]
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
