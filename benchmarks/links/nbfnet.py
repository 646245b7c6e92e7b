"""Train NBFNet on a folder's ``train.txt`` as its paper does, a batch's own facts taken out of the graph, and rank ``test.txt``.

python -m benchmarks.links.nbfnet FOLDER [--epochs 4] [--dim 32] [--batch 64] [--rate 0.005] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from reasoning.evaluate import evaluate
from reasoning.models.nbfnet import NBFNet
from reasoning.queries import Queries, queries
from reasoning.split import Split, read_split


def loss(model: NBFNet, facts: Tensor, known: Queries) -> Tensor:
    """Both ends of the facts ``(n, 3)`` against all entities not known to be right too."""
    head, relation, tail = facts.T
    heads, asked = torch.cat([head, tail]), torch.cat([relation, relation + model.relations])
    answers = torch.cat([tail, head])
    scores = model.score(heads, asked, without=facts)
    row, place = known.of(known.find(heads.cpu().numpy(), asked.cpu().numpy()))
    right = torch.zeros(scores.shape, dtype=torch.bool)
    right[torch.from_numpy(row), torch.from_numpy(known.tails[place])] = True
    right[torch.arange(len(heads)), answers.cpu()] = False
    return cross_entropy(scores.masked_fill(right.to(scores.device), -torch.inf), answers)


def train(parts: Split, given: argparse.Namespace) -> NBFNet:
    view = parts.train
    generator = torch.Generator().manual_seed(given.seed)
    model = NBFNet(len(view.entities), len(view.relations), given.dim, generator).to(given.device)
    model.on(view.triples)
    facts, known = torch.from_numpy(view.triples.copy()).to(given.device), queries(view.triples, len(view.relations))
    optimiser = torch.optim.Adam(model.parameters(), lr=given.rate)
    for _ in range(given.epochs):
        order = torch.randperm(len(facts), generator=generator)
        for start in range(0, len(order), given.batch):
            optimiser.zero_grad()
            loss(model, facts[order[start : start + given.batch]], known).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("epochs", 4), ("dim", 32), ("batch", 64), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=0.005)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    parts = read_split(given.folder)
    started = time.perf_counter()
    model = train(parts, given)
    trained = time.perf_counter()
    row = evaluate(model, parts, device=given.device).row()
    ended = time.perf_counter()
    print(json.dumps(row | {"train_seconds": round(trained - started, 1), "test_seconds": round(ended - trained, 1)}, indent=1))


if __name__ == "__main__":
    main()
