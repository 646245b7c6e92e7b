"""What false facts cost a link predictor, and what cleaning gives back: test MRR on the clean, the noisy and the cleaned graph.

False facts are put among the training facts. The most suspect 1 … 10 % are taken out, or all are kept and each weighs as much in the
loss as it is probably right. Random ones are taken out beside, for what the loss of facts alone costs.

python -m benchmarks.denoise.cleaned FOLDER... [--rates 0.05 0.1] [--kinds uniform typed] [--seeds 2] [--columns relation,head,tail]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.links.graphs import with_facts
from kgplatform.view import GraphView
from reasoning.denoise.suspicion import suspicion
from reasoning.evaluate import evaluate
from reasoning.noise import Kind, Known
from reasoning.recipe import Recipe
from reasoning.split import Split, read_split
from reasoning.train import train

CUTS = (0.01, 0.03, 0.05, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--rates", type=float, nargs="*", default=[0.05])
    parser.add_argument("--kinds", nargs="*", choices=("uniform", "typed"), default=["uniform", "typed"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--columns", default="")
    given = parser.parse_args()
    for folder in given.folders:
        parts = read_split(folder, given.columns.split(",") if given.columns else None)
        clean = fmean(mrr(parts, parts.train, seed) for seed in range(given.seeds))
        for rate in given.rates:
            for kind in given.kinds:
                rows = [measured(parts, rate, kind, seed) for seed in range(given.seeds)]
                told = {name: round(fmean(row[name] for row in rows), 4) for name in rows[0]}
                print(json.dumps({"folder": folder.name, "rate": rate, "kind": kind, "clean": round(clean, 4), **told}), flush=True)


def measured(parts: Split, rate: float, kind: Kind, seed: int) -> dict[str, float]:
    """Test MRR by what was done about the noise."""
    draw = np.random.default_rng(seed)
    false = Known.of(parts).false(round(rate * len(parts.train)), kind, draw)
    noisy = with_facts(parts.train, np.concatenate([parts.train.triples, false]))
    found = suspicion(noisy.triples, len(noisy.entities), len(noisy.relations), seed=seed)
    told = {"noisy": mrr(parts, noisy, seed)}
    for cut in CUTS:
        gone = found.first(round(cut * len(noisy)))
        told[f"without {cut:.0%}"] = mrr(parts, noisy.only(np.setdiff1d(np.arange(len(noisy)), gone)), seed)
    told["weighed"] = mrr(parts, replace(noisy, confidence=(1 - found.probability).astype(np.float32)), seed)
    some = draw.permutation(len(noisy))[round(0.05 * len(noisy)) :]
    told["without 5% at random"] = mrr(parts, noisy.only(some), seed)
    return told


def mrr(parts: Split, view: GraphView, seed: int) -> float:
    """Of the test facts, by a model of this view with the settings that suit the clean graph."""
    predictor = train(view, Recipe.fitting(parts.train, seed=seed), valid=parts.valid)
    return evaluate(predictor, parts).mrr


if __name__ == "__main__":
    main()
