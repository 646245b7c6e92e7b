"""What ten million facts cost: reading them, an epoch of training, completing one relation; and how that grows.

python -m benchmarks.links.large [--facts 100000 1000000 10000000] [--folder DIR] [--out FILE]

For every size a graph of a tenth as many entities is written to DIR (as train.txt, valid.txt and test.txt), and each step runs in a process
of its own, which reads the folder as ``kg train DIR`` does, so that its peak memory is its own. Entities live in clusters that lie in a
circle, a relation leads so far along it, and some entities have far more facts than others. ``complete`` goes on from the epoch before it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kgplatform.numbered import Rows, ordered
from kgplatform.texts import Texts
from kgplatform.view import GraphView, Ints
from reasoning.candidates import Cards
from reasoning.predict import predict
from reasoning.recipe import Recipe
from reasoning.split import Split, read_split
from reasoning.train import Learning, train

RELATIONS, CLUSTER = 50, 100
"""Relations, and entities of a cluster."""
HELD = 1_000
"""Facts to watch, and so many again to test by."""
STEEP = 0.7
"""The n-th entity has its facts by chance in proportion to n to the minus this."""
STEPS = ("load", "epoch", "complete")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(of_step(given.step, given.folder)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        told = [of_size(facts, (given.folder or Path(temporary)) / str(facts), given.steps) for facts in given.facts]
    for less, more in pairwise(told):
        factor = math.log(more["facts"] / less["facts"])
        for step in given.steps:
            for what in ("processor", "megabytes"):
                print(f"{step} {what}: growth exponent {math.log(more[step][what] / less[step][what]) / factor:.2f}")
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def of_size(facts: int, folder: Path, steps: tuple[str, ...]) -> dict[str, Any]:
    """What every step costs, each in a process of its own."""
    if not folder.exists():
        write(folder, Synthetic(facts, facts // 10))
    told: dict[str, Any] = {"facts": facts}
    for step in steps:
        command = [sys.executable, "-m", "benchmarks.links.large", "--step", step, "--folder", str(folder)]
        told[step] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        print(f"{facts:,} {step}", json.dumps(told[step]), f"load {os.getloadavg()[0]:.1f}", flush=True)
    return told


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A graph of so many ``facts`` among so many ``entities``."""

    facts: int
    entities: int
    seed: int = 0

    def triples(self) -> Ints:
        """Different facts in random order, ``(facts, 3)``; the first ones name every entity and every relation."""
        draw = np.random.default_rng(self.seed)
        clusters = self.entities // CLUSTER
        far = draw.integers(clusters, size=RELATIONS)
        names = draw.permutation(self.entities)  # so that nothing follows from the order of names
        every = np.arange(self.entities)
        wanted = self.facts + self.facts // 4
        heads = np.concatenate([every, self._steep(draw.random(wanted), self.entities)])
        relations = np.concatenate([every % RELATIONS, draw.integers(RELATIONS, size=wanted)])
        members = self._steep(draw.random(len(heads)), CLUSTER)
        tails = members * clusters + (heads + far[relations]) % clusters  # the n-th of every cluster is about as often used
        codes = (heads * RELATIONS + relations) * self.entities + tails
        _, first = np.unique(codes, return_index=True)
        first = np.sort(first)[: self.facts]
        assert len(first) == self.facts
        return np.stack([names[heads[first]], relations[first], names[tails[first]]], axis=1)

    @staticmethod
    def _steep(chance: npt.NDArray[np.float64], count: int) -> Ints:
        """Numbers below ``count``, the smaller the likelier."""
        return np.minimum((count * chance ** (1 / (1 - STEEP))).astype(np.int64), count - 1)


def write(folder: Path, graph: Synthetic) -> None:
    """The graph as the files of a benchmark; what is held out of it has no entity's first fact."""
    folder.mkdir(parents=True)
    triples = graph.triples()
    rest = graph.entities + np.random.default_rng(graph.seed).permutation(len(triples) - graph.entities)
    held = np.split(rest[: 2 * HELD], 2)
    shown = np.setdiff1d(np.arange(len(triples)), rest[: 2 * HELD])
    for name, rows in zip(("train", "valid", "test"), (shown, *held), strict=True):
        (folder / f"{name}.txt").write_bytes(_lines(triples[rows]))


def _lines(triples: Ints) -> bytes:
    """``e0000012<tab>r03<tab>e0000345``, a line a fact."""
    columns = []
    for column, (letter, digits, end) in zip(triples.T, (("e", 8, "\t"), ("r", 2, "\t"), ("e", 8, "\n")), strict=True):
        cells = np.empty((len(column), digits + 2), dtype=np.uint8)
        cells[:, 0], cells[:, -1] = ord(letter), ord(end)
        cells[:, 1:-1] = ord("0") + column[:, None] // 10 ** np.arange(digits - 1, -1, -1) % 10
        columns.append(cells)
    return np.concatenate(columns, axis=1).tobytes()


def of_step(step: str, folder: Path) -> dict[str, Any]:
    if step == "load":
        cost, parts = costs(lambda: read_split(folder))
        return cost | {"facts": len(parts.known), "entities": len(parts.train.entities)}
    parts = read_split(folder)
    cost, told = costs(lambda: (_epoch if step == "epoch" else _completed)(parts, folder))
    return cost | told


def costs(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Seconds, those of the processor, and the most memory that the process held meanwhile, all that it held before included."""
    Path("/proc/self/clear_refs").write_text("5")
    began, used = time.perf_counter(), time.process_time()
    done = work()
    cost = {"seconds": round(time.perf_counter() - began, 1), "processor": round(time.process_time() - used, 1)}
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return cost | {"megabytes": int(found[1]) // 1000}, done


def _epoch(parts: Split, folder: Path) -> dict[str, Any]:
    recipe = replace(Recipe.fitting(parts.train), epochs=1)
    predictor = train(parts.train, recipe, valid=parts.valid, keep=folder / "complex.safetensors")
    return {"of that the epoch": round(predictor.epoch_seconds, 1), "mrr of watched facts": predictor.history, "recipe": repr(recipe)}


def _completed(parts: Split, folder: Path) -> dict[str, Any]:
    """The first relation, of the graph in which the watched facts are known too."""
    from reasoning.training.before import read

    view = _with(parts.train, parts.valid)
    learning = Learning(kept=folder, keeps=False)
    assert read(folder / "complex.safetensors", parts.train, Recipe.fitting(parts.train)), "the step  epoch  comes first"
    found = predict(view, Cards({}, {}), top=200, relation=view.relations[0], min_confidence=0.0, learning=learning)
    tested = {tuple(fact) for fact in parts.test.tolist()}
    numbers = {name: number for number, name in enumerate(view.entity_ids)}
    links = [(numbers[one.head.id], 0, numbers[one.tail.id]) for one in found.proposals]
    return {
        "auc": round(found.quality.auc, 3),
        "held out": found.quality.held_out,
        "proposals": len(links),
        "of them test facts": sum(link in tested for link in links),
        "note": found.note,
    }


def _with(view: GraphView, facts: Ints) -> GraphView:
    more = Rows(facts, np.ones(len(facts), np.float32), Texts.of([f"watched {number}" for number in range(len(facts))]))
    rows, _ = ordered(Rows.joined([view.rows, more]))
    return replace(view, triples=rows.triples, confidence=rows.confidence, keys=rows.keys)


if __name__ == "__main__":
    main()
