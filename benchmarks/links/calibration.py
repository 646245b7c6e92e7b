"""How far the confidence of written predictions can be believed: facts are hidden, the rest proposes, and what is hidden counts as true.

All three files of FOLDER are one graph, of which one fact in eleven is hidden: for ten that it has one is missing, which is the prior
that completion states. The error is the mean distance, over ten bins of equally many predictions, of what is said from what is
true; the interval comes from drawing the predictions again.

python -m benchmarks.links.calibration FOLDER... [--top 500] [--seeds 3] [--model complex] [--ultra FILE]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.links.graphs import with_facts
from kgplatform.view import GraphView
from reasoning.blend import Second
from reasoning.calibrate import MISSING
from reasoning.candidates import Cards
from reasoning.predict import predict
from reasoning.split import read_split, removable
from reasoning.train import Learning

BINS, DRAWS = 10, 1_000
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Said:
    """Of predictions: whether they are true, what the model says, and what is written (a graph model's word is bounded)."""

    true: Reals
    by_model: Reals
    written: Reals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--top", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--model", default="complex")
    parser.add_argument("--ultra", type=Path, help="parameters of ULTRA, which is then heard too where that pays")
    parser.add_argument("--columns", default="", help="the order of the files, such as relation,head,tail")
    given = parser.parse_args()
    for folder in given.folders:
        parts = read_split(folder, given.columns.split(",") if given.columns else None)
        every = with_facts(parts.train, parts.known)
        second = Second.load(given.ultra, "cpu") if given.ultra else None
        said = [proposed(every, seed, given.top, given.model, second) for seed in range(given.seeds)]
        both = Said(*(np.concatenate([getattr(one, part) for one in said]) for part in ("true", "by_model", "written")))
        print(json.dumps({"folder": folder.name, **row(both)}, indent=1), flush=True)


def proposed(every: GraphView, seed: int, top: int, model: str, second: Second | None) -> Said:
    """What is proposed when some facts are hidden."""
    hidden = removable(every, round(len(every) * MISSING / (1 + MISSING)), seed + 1_000)
    rest = every.only(np.setdiff1d(np.arange(len(every)), hidden))
    found = predict(rest, Cards({}, {}), top=top, min_confidence=0.1, learning=Learning(model), second=second)
    if found.blend:
        print(f"ULTRA: AUC {found.blend.auc:.3f} with it, {found.blend.alone:.3f} without")
    truth = {(every.entity_ids[h], every.relations[r], every.entity_ids[t]) for h, r, t in every.triples[hidden].tolist()}
    true = [float((one.head.id, one.relation, one.tail.id) in truth) for one in found.proposals]
    odds = np.array([one.log_odds for one in found.proposals])
    return Said(np.array(true), 1 / (1 + np.exp(-odds)), np.array([one.confidence for one in found.proposals]))


def row(said: Said) -> dict[str, object]:
    told: dict[str, object] = {"predictions": len(said.true), "true": round(float(said.true.mean()), 3) if len(said.true) else None}
    for name, values in (("by the model", said.by_model), ("written", said.written)):
        if len(values):
            drawn = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
            spread = np.quantile([error(values[some], said.true[some]) for some in drawn], (0.025, 0.975))
            told[name] = {
                "said": round(float(values.mean()), 3),
                "error": round(error(values, said.true), 3),
                "95 %": [round(float(end), 3) for end in spread],
                "bins": [[round(float(values[p].mean()), 2), round(float(said.true[p].mean()), 2)] for p in bins(values)],
            }
    return told


def error(said: Reals, true: Reals) -> float:
    """The expected calibration error."""
    return sum(len(places) * abs(float(said[places].mean() - true[places].mean())) for places in bins(said)) / len(said)


def bins(said: Reals) -> list[npt.NDArray[np.int64]]:
    return [places for places in np.array_split(np.argsort(said, kind="stable"), BINS) if len(places)]


if __name__ == "__main__":
    main()
