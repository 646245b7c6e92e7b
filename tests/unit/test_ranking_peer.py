"""The same scores, ranked here and by PyKEEN (Ali et al., 2021): the same figures."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from reasoning.evaluate import evaluate
from reasoning.split import Split, split
from tests import servers
from tests.unit.test_evaluate import Table, random_view


def by_pykeen(table: Table, parts: Split) -> dict[str, float]:
    if importlib.util.find_spec("pykeen") is None:
        servers.missing("PyKEEN (pip install 'kgplatform[peers]')")
    from pykeen.evaluation import RankBasedEvaluator
    from pykeen.evaluation.evaluator import create_sparse_positive_filter_, filter_scores_

    known, test = torch.from_numpy(np.unique(parts.known, axis=0)), torch.from_numpy(parts.test)
    evaluator, relations = RankBasedEvaluator(filtered=True), len(parts.train.relations)
    for target, column in (("tail", 2), ("head", 0)):
        start = test[:, 2 - column]
        scores = table.score(start, test[:, 1] + (relations if target == "head" else 0))
        true = scores.gather(1, test[:, column, None])
        positive, mask = create_sparse_positive_filter_(test, known, relation_filter=None, filter_col=column)
        del mask
        scores = filter_scores_(scores, positive)
        scores.scatter_(1, test[:, column, None], true)  # the filter took the right answer out as well
        evaluator.process_scores_(test, target, scores, true)
    result = evaluator.finalize()
    names = {"mrr": "mean_reciprocal_rank", **{f"hits@{k}": f"hits_at_{k}" for k in (1, 3, 10)}}
    return {
        f"{side} {name}": result.get_metric(f"{side}.realistic.{theirs}")
        for side in ("both", "head", "tail")
        for name, theirs in names.items()
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", [True, False])
def test_ranks_agree_with_pykeen(seed: int, ties: bool) -> None:
    parts = split(random_view(40, 5, 400, seed), valid=0.1, test=0.3, seed=seed)
    table = Table(len(parts.train.relations), len(parts.train.entities), seed)
    if not ties:
        table.scores = np.random.default_rng(seed).normal(size=table.scores.shape).astype(np.float32)
    found = evaluate(table, parts)
    for name, theirs in by_pykeen(table, parts).items():
        side, _, metric = name.partition(" ")
        ours = found if side == "both" else getattr(found, side)
        assert ours.row()[metric] == pytest.approx(theirs, abs=1e-6), name
