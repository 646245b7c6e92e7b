"""How far our scores agree with the published results of BertNet's authors: their own top candidates, ranked anew.

Their list for a relation holds what a masked model proposed, best first by their score. From each list come the first 20 and 20 from the
lower end; agreement is the chance that one of the first scores above one of the last with ours, and Spearman's correlation over all of
them.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harvest.bertnet.calibrate import area
from harvest.bertnet.scoring import CausalJudge, Company, pools
from kgplatform.cardfiles import read_cards
from kgplatform.cards import slots

if TYPE_CHECKING:
    from kgplatform.lm.ports import TokenScorer

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "bertnet"
_MODEL = "roberta-large"
_EACH = 20


def measure(_: argparse.Namespace, scorer: TokenScorer) -> Any:
    """A line a relation; the mean at the end."""
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is not there: this measure needs the published results")
    cards = {card.name: card for card in read_cards(SHARED / "relation_info.lama.json")}
    told: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(SHARED / "results_lama_top20.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        for path in sorted(Path(folder).rglob(f"{_MODEL}/*/ent_tuples.json")):
            name = " ".join(path.parent.name.split("_")[1:])
            if card := cards.get(" ".join(name.split())):
                told[name] = _agreement(card, json.loads(path.read_text("utf-8")), scorer)
                print(f"{name:<52} {told[name][0]:.3f}  {told[name][1]:+.3f}", flush=True)
    chance, correlation = (np.mean([one[at] for one in told.values()]) for at in (0, 1))
    print(
        f"{len(told)} relations: one of their first {_EACH} above one of their last {_EACH} with ours in {chance:.3f}; ρ {correlation:+.3f}"
    )
    return told


def _agreement(card: Any, listed: list[Any], scorer: TokenScorer) -> tuple[float, float]:
    words = [tuple(one[0]) for one in listed if len(set(one[0])) == 2]
    chosen = [*words[:_EACH], *words[-_EACH:]]
    judge = CausalJudge(scorer, Company(slots(card), card.seeds, pools(slots(card), words)))
    scores = judge.scores(card.prompts[:4], chosen).mean(0)
    theirs = -np.arange(len(chosen), dtype=float)
    ranks = [np.argsort(np.argsort(values)) for values in (scores, theirs)]
    return area(scores[:_EACH], scores[_EACH:]), float(np.corrcoef(*ranks)[0, 1])
