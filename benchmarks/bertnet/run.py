"""Measure the harvest of relations out of a language model, on relations of our own.

    python benchmarks/bertnet/run.py pairs        AUC by relation, with every part of the score added in turn
    python benchmarks/bertnet/run.py calibration  the curve from scores to probabilities, and how far it holds
    python benchmarks/bertnet/run.py speed        against scoring every filled sentence afresh
    python benchmarks/bertnet/run.py lama         agreement with the published results of BertNet's authors
    python benchmarks/bertnet/run.py harvest      precision of whole harvests against reference lists

``--half develop`` (the default) is what choices were made on; ``--half report`` is what is reported.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kgplatform.lm.ports import TokenScorer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = ROOT.parent / "shared" / "data"
_RESAMPLES = 10_000


def mean_and_interval(values: list[float]) -> str:
    """The mean over relations and where it lies in 95 of 100 resamples of relations."""
    draws = np.random.default_rng(0).choice(values, (_RESAMPLES, len(values))).mean(1)
    return f"{np.mean(values):.3f} [{np.quantile(draws, 0.025):.3f}, {np.quantile(draws, 0.975):.3f}]"


def pairs(given: argparse.Namespace, scorer: TokenScorer) -> Any:
    from easy import read_easy
    from pairs import read_all
    from variants import ASIDE, CLOSED, VARIANTS, score

    from harvest.bertnet.calibrate import area

    relations = (
        read_easy(SHARED / "pairs_easy" / "relations.json")
        if given.half == "easy"
        else [one for one in read_all() if one.half == given.half]
    )
    table: dict[str, dict[str, float]] = {}
    for relation in relations:
        for variant in (*VARIANTS, *(ASIDE if given.aside else ()), *(CLOSED if given.closed else ())):
            told = [*relation.true[: given.most], *relation.false[: given.most]]
            scores = score(variant, relation.card, told, scorer)
            cut = len(told) // 2
            table.setdefault(variant.name, {})[relation.name] = area(scores[:cut], scores[cut:])
        print(
            f"{relation.name:<28} {table[VARIANTS[0].name][relation.name]:.3f} → {table[VARIANTS[-1].name][relation.name]:.3f}", flush=True
        )
    for name, row in table.items():
        print(f"{name:<46} {mean_and_interval(list(row.values()))}")
    best, plain = (np.array(list(table[one.name].values())) for one in (VARIANTS[-1], VARIANTS[0]))
    print(f"all parts − one plain prompt, by relation: {mean_and_interval((best - plain).tolist())}")
    return table


def calibration(_: argparse.Namespace, scorer: TokenScorer) -> Any:
    from calibration import SETTINGS, calibration_error, fit, probabilities, scored
    from pairs import read_all

    from harvest.bertnet import judging
    from harvest.bertnet.means import LEAST

    told: dict[str, Any] = {}
    halves = {
        half: {name: [scored(one, setting, scorer) for one in read_all() if one.half == half] for name, setting in SETTINGS.items()}
        for half in ("develop", "report")
    }
    fitted = fit([one for found in halves["develop"].values() for one in found if one.known])
    shipped = np.array([judging.OFFSET, judging.SCORE, judging.LEAD])
    print(f"fitted on the relations to develop on: offset {fitted[0]:.3f}, score {fitted[1]:.3f}, lead {fitted[2]:.3f}; shipped: {shipped}")
    for half, settings in halves.items():
        for setting, found in settings.items():
            known = [one for one in found if one.known]
            p, truth = [probabilities(one, shipped) for one in known], [one.truth for one in known]
            pooled = calibration_error(np.concatenate(p), np.concatenate(truth))
            each = [calibration_error(a, b) for a, b in zip(p, truth, strict=True)]
            likely = np.concatenate(p) >= LEAST
            right = np.concatenate(truth)
            told[f"{half}, {setting}"] = pooled
            print(
                f"{half}, {setting}: {len(known)} of {len(found)} relations known; calibration error {pooled:.3f} pooled, "
                f"{mean_and_interval(each)} by relation; of {likely.sum()} candidates above .5 {right[likely].mean():.3f} are true, "
                f"which is {right[likely].sum() / right.sum():.3f} of the true ones; mean p of them {np.concatenate(p)[likely].mean():.3f}"
            )
    return told


def speed(given: argparse.Namespace, scorer: TokenScorer) -> Any:
    from speed import measure

    return measure(given, scorer)


def lama(given: argparse.Namespace, scorer: TokenScorer) -> Any:
    from lama import measure

    return measure(given, scorer)


def harvest(given: argparse.Namespace, scorer: TokenScorer) -> Any:
    from reference import measure

    return measure(given, scorer)


def main() -> None:
    sys.path[:0] = [str(ROOT), str(HERE)]
    from kgplatform.lm.cache import CachedScorer
    from kgplatform.opening import bare_scorer
    from kgplatform.settings import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measures = {"pairs": pairs, "calibration": calibration, "speed": speed, "lama": lama, "harvest": harvest}
    parser.add_argument("what", choices=measures)
    parser.add_argument("--half", choices=("develop", "report", "easy"), default="develop")
    parser.add_argument("--aside", action="store_true", help="pairs: also what was tried and is not used")
    parser.add_argument("--most", type=int, help="pairs: true and false ones of a relation, to be quicker while choices are made")
    parser.add_argument("--closed", action="store_true", help="pairs: also with all of the list's words as rivals")
    parser.add_argument("--scorer", default="", help="local:MODEL; none: KG_SCORER_MODEL")
    parser.add_argument("--chat", default="", help="the model that proposes in harvests; none: nobody does")
    parser.add_argument("--only", nargs="*", help="harvest: names of reference lists; none: all")
    parser.add_argument("--cache", type=Path, help="a file for scores, so that a second run is quick")
    parser.add_argument("--out", type=Path, help="the result as JSON")
    given = parser.parse_args()
    scorer = bare_scorer(load(), given.scorer or None)
    result = measures[given.what](given, CachedScorer(scorer, given.cache) if given.cache else scorer)
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
