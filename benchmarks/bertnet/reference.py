"""Precision of whole harvests against reference lists that are complete or nearly so.

The graph is empty: a chat model proposes, the scorer judges, and what comes out is ranked by probability. A tuple counts as right when the
list has it, under any of its names; seeds do not count.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pairs import Reference, read_references

from harvest.bertnet import Limits, Models, harvest
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.wrapping import wrapped
from kgplatform.names import normalise
from kgplatform.opening import bare_chat, bare_encoder
from kgplatform.settings import load
from kgplatform.store.memory import MemoryStore

if TYPE_CHECKING:
    from kgplatform.lm.ports import TokenScorer

_SIZE = 80
_CUTS = (20, 50)


def measure(given: argparse.Namespace, scorer: TokenScorer) -> Any:
    """A line a relation: candidates, how many are right, precision at each cut of the ranking, how many were put, and seconds."""
    settings = load()
    if not given.chat:
        raise SystemExit("name the model that proposes:  --chat local:qwen2.5-coder-1.5b")
    told = {}
    with tempfile.TemporaryDirectory() as quarantine:
        chat = wrapped(bare_chat(settings, given.chat), settings)
        models = Models(scorer, bare_encoder(settings), chat=chat, quarantine=Path(quarantine))
        for reference in read_references():
            if given.only and reference.name not in given.only:
                continue
            told[reference.name] = row = _harvested(reference, models)
            print(f"{reference.name:<24} " + "  ".join(f"{name} {value:.3g}" for name, value in row.items()), flush=True)
    for name in next(iter(told.values())):
        print(f"mean {name}: {np.nanmean([row[name] for row in told.values()]):.3f}")
    return told


def _harvested(reference: Reference, models: Models) -> dict[str, float]:
    start = time.perf_counter()
    kg = KnowledgeGraph(MemoryStore())
    (outcome,) = harvest(kg, reference.card, models, limits=Limits(size=_SIZE)).outcomes
    for note in outcome.notes:
        print(f"  {note}")
    true = {(normalise(head), normalise(tail)) for heads, tails in reference.rows for head in heads for tail in tails}
    right = np.array([tuple(map(normalise, one.words[:2])) in true for one in outcome.found], bool)
    kept = {one.words for one in outcome.kept}
    put = np.array([one.words in kept for one in outcome.found], bool)
    best = np.concatenate([right[put], right[~put]])  # of a functional relation only one tail a head is put, whatever its rivals score
    cuts = {f"p@{cut}": float(best[:cut].mean()) if len(best) >= cut else float("nan") for cut in _CUTS}
    proposed = {"candidates": float(len(right)), "right": float(right.mean()) if len(right) else 0.0}
    return {
        **proposed,
        **cuts,
        "put": float(put.sum()),
        "precision": float(right[put].mean()) if put.any() else float("nan"),
        "seconds": time.perf_counter() - start,
    }
