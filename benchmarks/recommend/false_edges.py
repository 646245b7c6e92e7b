"""What false facts of the graph cost, and whether they are what is pruned: shares of the facts get another tail of their relation.

python -m benchmarks.recommend.false_edges FOLDER RESULTS.jsonl [--shares 0 0.1 0.3 0.5] [--models lightgcn kgat diffkg] [--seeds 1]

A line of JSON for every training, added to RESULTS; what stands there is not measured again. Of models that clean: how much is pruned,
how much of it is false (precision), how much of what is false is pruned (recall), and the AUC by which belief tells true facts from false
ones (of two directions the surer one).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.recommend.ml100k import add, figured, found_in
from reasoning.recommend.models.diffkg import DiffKG
from reasoning.recommend.models.registry import MODELS
from reasoning.recommend.reading import Facts, read
from reasoning.recommend.training import Settings, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--shares", nargs="*", type=float, default=(0.0, 0.1, 0.3, 0.5))
    parser.add_argument("--models", nargs="*", choices=MODELS, default=("lightgcn", "kgat", "diffkg"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch", type=int, default=4_096)
    parser.add_argument("--patience", type=int, default=5)
    given = parser.parse_args()
    for seed in range(given.seeds):
        data = read(given.folder, seed=seed)
        assert data.facts is not None
        for share in given.shares:
            facts, false = falsified(data.facts, share, seed)
            for name in given.models:
                key = {"model": name, "seed": seed, "share": share if name != "lightgcn" else 0.0}
                if found_in(given.results, **key):
                    continue
                settings = Settings(model=name, batch=given.batch, epochs=given.epochs, patience=given.patience, seed=seed)
                trained = train(data.parts, settings, facts)
                pruning = pruned(trained.model, false) if isinstance(trained.model, DiffKG) else {}
                add(given.results, {**key, **figured(trained, data.parts), **pruning})


def falsified(facts: Facts, share: float, seed: int) -> tuple[Facts, npt.NDArray[np.bool_]]:
    """A share of the facts with the tail of another fact of their relation, and which these are, ``(n,)``. No fact comes twice."""
    draw = np.random.default_rng((seed, 7))
    made, false = facts.triples.copy(), draw.random(len(facts.triples)) < share
    for relation in np.unique(made[:, 1]):
        own = np.flatnonzero(made[:, 1] == relation)
        made[own[false[own]], 2] = draw.choice(facts.triples[own, 2], int(false[own].sum()))
    true = {tuple(triple) for triple in facts.triples.tolist()}
    false &= np.array([tuple(triple) not in true for triple in made.tolist()])
    made[~false] = facts.triples[~false]
    kept = np.unique(made, axis=0, return_index=True)[1]
    return replace(facts, triples=made[kept]), false[kept]


def pruned(model: DiffKG, false: npt.NDArray[np.bool_]) -> dict[str, Any]:
    gone = np.zeros(len(false), dtype=bool)
    gone[model.pruned().numpy()] = True
    belief = model.believed.reshape(2, -1).amax(dim=0).numpy()
    told: dict[str, Any] = {"pruned": float(gone.mean())}
    if false.any():
        order = np.argsort(np.argsort(belief))
        few = int((~false).sum())
        auc = (order[~false].sum() - few * (few - 1) / 2) / (few * int(false.sum()))
        told |= {
            "precision": float(false[gone].mean()),
            "recall": float(gone[false].mean()),
            "false": float(false.mean()),
            "auc": float(auc),
        }
    return told


if __name__ == "__main__":
    main()
