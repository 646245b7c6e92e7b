"""An epoch and a filtered test, ours beside pykeen's, on the same facts in the same run.

python -m benchmarks.links.cpu FOLDER [--models complex transe rotate] [--share 0.1]

FOLDER has train.txt, valid.txt and test.txt (or *2id.txt). With ``--share`` below 1 an epoch and a test of that part of the facts are
timed, of both alike, and seconds are scaled up: entities stay all there, so that a question costs what it costs. Needs pykeen.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reasoning import links
from reasoning.recipe import Recipe
from reasoning.split import Split, read_split
from reasoning.train import train

DIM, NEGATIVES = 200, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="*", default=["complex", "transe", "rotate"])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    parts = read_split(given.folder)
    some = part(parts, given.share)
    told = {}
    for name in given.models:
        ours, theirs = _ours(name, some), _theirs(name, some)
        row = {
            f"{who} {what}": seconds / given.share for who, both in (("ours", ours), ("pykeen", theirs)) for what, seconds in both.items()
        }
        row |= {f"times {what}": theirs[what] / ours[what] for what in ours}
        told[name] = row
        print(name, "  ".join(f"{key} {value:.1f}" for key, value in row.items()), f"load {os.getloadavg()[0]:.1f}", flush=True)
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def part(parts: Split, share: float) -> Split:
    """That share of the facts to learn from and of those to test by, with all entities."""
    if share >= 1:
        return parts
    draw = np.random.default_rng(0)
    rows = np.sort(draw.permutation(len(parts.train))[: round(share * len(parts.train))])
    return Split(parts.train.only(rows), parts.valid, parts.test[draw.permutation(len(parts.test))[: round(share * len(parts.test))]])


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def _ours(name: str, parts: Split) -> dict[str, float]:
    more: dict[str, Any] = {"norm": 0.05, "batch": 1_000} if name == "complex" else {"negatives": NEGATIVES}
    recipe = Recipe.fitting(parts.train, name, dim=DIM, epochs=1, **more)
    none = np.zeros((0, 3), np.int64)
    epoch, predictor = timed(lambda: train(parts.train, recipe, valid=none))
    test, _ = timed(lambda: links.evaluate(predictor, parts))
    return {"epoch": epoch, "test": test}


def _theirs(name: str, parts: Split) -> dict[str, float]:
    from pykeen.evaluation import RankBasedEvaluator
    from pykeen.models import ComplEx, RotatE, TransE
    from pykeen.training import LCWATrainingLoop, SLCWATrainingLoop
    from pykeen.triples import CoreTriplesFactory

    def factory(triples: Any) -> Any:
        return CoreTriplesFactory(torch.from_numpy(np.array(triples)), len(parts.train.entities), len(parts.train.relations))

    kinds = {"complex": ComplEx, "transe": TransE, "rotate": RotatE}
    shown = factory(parts.train.triples)
    model = kinds[name](triples_factory=shown, embedding_dim=DIM, random_seed=0)
    options: dict[str, Any] = {"triples_factory": shown, "model": model, "optimizer": torch.optim.Adam(model.parameters(), lr=0.001)}
    loop = (
        LCWATrainingLoop(**options)
        if name == "complex"
        else SLCWATrainingLoop(negative_sampler_kwargs={"num_negs_per_pos": NEGATIVES}, **options)
    )
    epoch, _ = timed(lambda: loop.train(triples_factory=shown, num_epochs=1, batch_size=1024, use_tqdm=False, use_tqdm_batch=False))
    evaluator = RankBasedEvaluator()
    known = [torch.from_numpy(np.array(triples)) for triples in (parts.train.triples, parts.valid)]
    test, _ = timed(
        lambda: evaluator.evaluate(
            model, mapped_triples=torch.from_numpy(np.array(parts.test)), additional_filter_triples=known, batch_size=32, use_tqdm=False
        )
    )
    return {"epoch": epoch, "test": test}


if __name__ == "__main__":
    main()
