"""Fit the weights of ``harvest.documents.relate`` on the development texts, and say how well they do.

    python benchmarks/extraction/run.py

Folds are whole documents. Prints cross-validated precision and recall over pairs, and the weights to copy.
The demo's texts have no part in it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from harvest import shipped
from harvest.documents import coreference
from harvest.documents.mentions import Reader
from harvest.documents.pairs import Pair, pairs
from harvest.documents.read import read_all
from harvest.documents.relate import NAMES, Judge
from harvest.documents.run import Extractor, tail
from kgplatform import opening, settings
from kgplatform.names import normalise
from kgplatform.types import Literal

HERE = Path(__file__).parent / "dev"
RIDGE = 3.0


def gold() -> set[tuple[str, str, str]]:
    with (HERE / "gold.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return {(normalise(head), relation, normalise(end)) for head, relation, end, _ in rows}


def is_true(pair: Pair, true: set[tuple[str, str, str]]) -> bool:
    end = tail(pair)
    words = normalise(end.value if isinstance(end, Literal) else end.name)
    head = normalise(pair.head.name)
    return (head, pair.card.name, words) in true or (pair.card.symmetric and (words, pair.card.name, head) in true)


def fit(features: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Ridge logistic regression on standardised features: offset and weights in raw units, ``(7,)``."""
    mean, scale = features.mean(0), features.std(0)
    design = np.column_stack([np.ones(len(features)), (features - mean) / scale])
    penalty = np.diag([0.0, *[RIDGE] * features.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ beta))
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + penalty + 1e-9 * np.eye(len(beta))
        beta -= np.linalg.solve(hessian, design.T @ (p - right) + penalty @ beta)
    raw = beta[1:] / scale
    return np.concatenate([[beta[0] - raw @ mean], raw])


def main() -> None:
    chosen = settings.load()
    scorer, encoder, reader = opening.scorer(chosen), opening.encoder(chosen), Reader(opening.reader(chosen))
    cards, kinds, true = list(shipped.relations().values()), shipped.kinds(), gold()
    extractor, judge = Extractor(scorer, encoder, reader, cards, kinds), Judge(scorer, encoder, cards)
    rows, right, folds, every = [], [], [], 0
    for number, document in enumerate(read_all([HERE / "texts"])[0]):
        sentences = coreference.resolve(extractor.with_kinds(reader.sentences(document.text)))
        found = [pair for sentence in sentences for pair in pairs(sentence, cards, kinds)]
        every += sum(is_true(pair, true) for pair in found)
        asked, features = judge.features(found)
        rows.append(features)
        right += [is_true(pair, true) for pair in asked]
        folds += [number] * len(asked)
        print(f"{document.source.uri}: {len(found)} pairs, {len(asked)} asked", flush=True)
    x, y, fold = np.concatenate(rows), np.array(right, dtype=float), np.array(folds)
    odds = np.zeros(len(y))
    for number in np.unique(fold):
        learnt = fit(x[fold != number], y[fold != number])
        odds[fold == number] = learnt[0] + x[fold == number] @ learnt[1:]
    taken = odds > 0
    print(f"pairs asked {len(y)}, true {y.sum():.0f} of {every} true pairs")
    print(f"cross-validated at even odds: precision {y[taken].mean():.3f}, recall of true pairs {y[taken].sum() / every:.3f}")
    whole = fit(x, y)
    print(f"OFFSET = {whole[0]:.3f}")
    print("WEIGHTS =", {name: round(float(weight), 3) for name, weight in zip(NAMES, whole[1:], strict=True)})


if __name__ == "__main__":
    main()
