"""What a nightly completion saves by going on from the last one: the graph of FOLDER grows by a twentieth of its training facts.

Both ways end with the same graph and are judged by the same test facts. Rounds of both ways alternate.

python -m benchmarks.links.warm FOLDER... [--rounds 3] [--model complex]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import fmean

from reasoning.evaluate import evaluate
from reasoning.recipe import Recipe
from reasoning.split import Split, read_split, split
from reasoning.train import train
from reasoning.training import before

NEW = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="complex")
    given = parser.parse_args()
    for folder in given.folders:
        parts = read_split(folder)
        recipe = Recipe.fitting(parts.train, given.model)
        rows: dict[str, list[tuple[float, int, float]]] = {"anew": [], "gone on": []}
        with tempfile.TemporaryDirectory() as name:
            kept = Path(name) / "kept"
            earlier = split(parts.train, valid=0.0, test=NEW).train
            train(earlier, recipe, valid=parts.valid, keep=kept)
            for _ in range(given.rounds):
                for way, found in rows.items():
                    found.append(one(parts, recipe, kept if way == "gone on" else None))
        told = {
            way: dict(zip(("seconds", "epochs", "test MRR"), (round(fmean(x), 4) for x in zip(*found, strict=True)), strict=True))
            for way, found in rows.items()
        }
        print(json.dumps({"folder": folder.name, "facts": len(parts.train), **told}), flush=True)


def one(parts: Split, recipe: Recipe, kept: Path | None) -> tuple[float, int, float]:
    began = time.perf_counter()
    heard: list[int] = []
    start = before.read(kept, parts.train, recipe) if kept else None
    found = train(parts.train, recipe, valid=parts.valid, before=start, heard=lambda epoch, *_: heard.append(epoch))
    seconds = time.perf_counter() - began
    return seconds, len(heard), evaluate(found, parts).mrr


if __name__ == "__main__":
    main()
