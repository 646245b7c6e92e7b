"""Items that nobody has taken yet: how many of them are found, by text and graph and what was learned, and by less than that.

A fifth of the items of FOLDER (RecBole's files) is held out whole; the recommender learns from the rest. Each figure is a mean over
seeds with its standard deviation; a difference is from text alone, of the same split and users.

python -m benchmarks.recommend.cold FOLDER [--seeds 5] [--model lightgcn] [--top 20]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev
from typing import cast

import numpy as np

from kgplatform import opening, settings
from reasoning.recommend import cold
from reasoning.recommend.models.factors import Factors
from reasoning.recommend.ranking import Recommender, figures
from reasoning.recommend.reading import Data, read
from reasoning.recommend.training import Settings, train

Row = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--model", default="lightgcn")
    parser.add_argument("--top", type=int, default=20)
    given = parser.parse_args()
    encoder, rows = opening.encoder(settings.load()), defaultdict[str, list[Row]](list)
    for seed in range(given.seeds):
        data = read(given.folder, way="cold", seed=seed)
        texts = encoder.encode(list(data.texts or ()))
        for name, row in measured(data, texts, given.model, seed, given.top).items():
            rows[name].append(row)
            print(json.dumps({"seed": seed, "name": name, **{key: round(value, 4) for key, value in row.items()}}), flush=True)
    alone = [row["cold"] for row in rows["text only"]]
    for name, some in rows.items():
        told = {key: f"{fmean(row[key] for row in some):.4f} ± {spread([row[key] for row in some]):.4f}" for key in some[0]}
        ahead = [row["cold"] - one for row, one in zip(some, alone, strict=True)]
        print(json.dumps({"name": name, **told, "ahead of text": f"{fmean(ahead):+.4f} ± {spread(ahead):.4f}"}), flush=True)


def spread(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def measured(data: Data, texts: np.ndarray, model: str, seed: int, top: int) -> dict[str, Row]:
    """What is found by each way."""
    taken, about = data.parts.train, cold.About(texts, data.facts)
    learned = cast("Factors", train(data.parts, Settings(model=model, seed=seed), data.facts).model).fixed()
    users, items = learned.users.detach().numpy(), learned.items.detach().numpy()
    began = time.perf_counter()
    whole = cold.filled(users, items, taken, about, first=top, seed=seed)
    seconds = time.perf_counter() - began
    plain = whole.items.copy()
    mean = items[~whole.cold].mean(axis=0)
    plain[whole.cold] = mean + (plain[whole.cold] - mean) / whole.stretch
    silent = cold.About(np.zeros((len(texts), 1), np.float32), data.facts)
    ways: dict[str, Recommender] = {"text, graph and what was learned": cold.fixed(users, whole.items)}
    ways["the same, not stretched"] = cold.fixed(users, plain)
    for name, less in (("without the graph", cold.About(texts)), ("without texts", silent)):
        ways[name] = cold.fixed(users, cold.filled(users, items, taken, less, first=top, seed=seed).items)
    ways |= {"text only": cold.by_text(taken, texts), "popularity guessed": cold.by_guess(taken, texts)}
    ways |= {"popularity": cold.by_count(taken, seed), "popularity of the test": cold.by_count(data.parts.test, seed)}
    ways["text only, mean not taken"] = cold.by_text(taken, texts, centred=False)
    found = {name: row(data, way, whole.cold, top) for name, way in ways.items()}
    chosen = {"graph": whole.graph, "ridge": whole.ridge, "stretch": whole.stretch, "unexplained": whole.unexplained, "seconds": seconds}
    found["text, graph and what was learned"] |= chosen
    return found


def row(data: Data, way: Recommender, new: np.ndarray, top: int) -> Row:
    """Recall of the held-out items among the new and among all, and of watched old ones without the new and beside them."""
    parts = data.parts
    warm = parts.valid.only(~new[parts.valid.pairs[:, 1]])
    return {
        "cold": float(figures(way, parts.test, parts.train, parts.valid, k=top, among=new).recall.mean()),
        "cold ndcg": float(figures(way, parts.test, parts.train, parts.valid, k=top, among=new).ndcg.mean()),
        "all": float(figures(way, parts.test, parts.train, parts.valid, k=top).recall.mean()),
        "old alone": float(figures(way, warm, parts.train, k=top, among=~new).recall.mean()),
        "old": float(figures(way, warm, parts.train, k=top).recall.mean()),
    }


if __name__ == "__main__":
    main()
