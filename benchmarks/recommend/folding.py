"""Whether it costs anything that served users are described by what they took, instead of by the vectors that were learned for them.

python -m benchmarks.recommend.folding FOLDER [--models bpr,lightgcn] [--seeds 1] [--epochs 200]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reasoning.recommend.ranking import Recommender, figures
from reasoning.recommend.reading import read
from reasoning.recommend.serving import Asked, served
from reasoning.recommend.splitting import Parts
from reasoning.recommend.training import Settings, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default="bpr,lightgcn")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=200)
    given = parser.parse_args()
    for seed in range(given.seeds):
        data = read(given.folder, seed=seed)
        for name in given.models.split(","):
            found = train(data.parts, Settings(model=name, epochs=given.epochs, seed=seed), data.facts)
            folded = Asked(served(found.model, data.parts.train, {}), data.parts.train)
            told = {way: measured(model, data.parts) for way, model in (("learned", found.model), ("folded in", folded))}
            print(json.dumps({"model": name, "seed": seed, "epochs": found.epochs, **told}), flush=True)


def measured(model: Recommender, parts: Parts) -> dict[str, float]:
    shape = figures(model, parts.test, parts.train, parts.valid).shape()
    return {name: round(value, 4) for name, value in shape.items()}


if __name__ == "__main__":
    main()
