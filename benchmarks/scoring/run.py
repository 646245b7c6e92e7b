"""Measure the scorer against plain batches of whole sequences, and how well slot PMI tells true pairs from false.

    python benchmarks/scoring/run.py [--model FOLDER] [--pairs FILE] [--device cpu]

Both sides run in turn in one process, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from workloads import Item, Judged, judged, nothing_shared, with_context, without_context

if TYPE_CHECKING:
    from kgplatform.lm.ports import TokenScorer

Floats = npt.NDArray[np.float64]
_ROOT = Path(__file__).resolve().parents[2]


class Plain:
    """The scores by whole sequences: padded batches of 32 in the order given, logits of every token."""

    def __init__(self, folder: Path, device: str, batch: int = 32) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.device, self.batch = device, batch
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self.model = AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32).to(device).eval()

    def logprobs(self, items: list[Item]) -> Floats:
        return np.concatenate([self._batch(items[at : at + self.batch]) for at in range(0, len(items), self.batch)])

    def _batch(self, items: list[Item]) -> Floats:
        import torch

        start = self.tokenizer.get_vocab().get("<|endoftext|>", self.tokenizer.bos_token_id)
        alone = [len(self.tokenizer(prefix)["input_ids"]) + 1 for prefix, _ in items]
        rows = [[start, *self.tokenizer(prefix + continuation)["input_ids"]] for prefix, continuation in items]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.inference_mode():
            logits = self.model(input_ids=ids, attention_mask=mask).logits.log_softmax(-1)
        tokens = logits[:, :-1].gather(-1, ids[:, 1:, None])[..., 0].double().cpu().numpy()
        return np.array([tokens[k, first - 1 : len(row) - 1].sum() for k, (first, row) in enumerate(zip(alone, rows, strict=True))])


@dataclass
class Clock:
    """Wall and processor seconds per item, the best of several turns."""

    wall: float = float("inf")
    cpu: float = float("inf")

    def take(self, score: Callable[[list[Item]], Floats], items: list[Item]) -> Floats:
        wall, cpu = time.perf_counter(), time.process_time()
        scores = score(items)
        self.wall = min(self.wall, (time.perf_counter() - wall) / len(items))
        self.cpu = min(self.cpu, (time.process_time() - cpu) / len(items))
        return scores

    def __str__(self) -> str:
        return f"{1 / self.wall:7.1f}/s {1 / self.cpu:7.1f}/cpu-s"


def compare(name: str, items: list[Item], ours: TokenScorer, plain: Plain) -> None:
    """One line: sequences a second of both, their ratios, and the largest difference of a score."""
    some = items[: len(items) // 4]
    ours.logprobs(items[:20])
    fast, slow = Clock(), Clock()
    for _ in range(2):
        scores = fast.take(ours.logprobs, items)
        expected = slow.take(plain.logprobs, some)
    gap = float(np.abs(scores[: len(some)] - expected).max())
    ratios = f"{slow.wall / fast.wall:5.1f} x ({slow.cpu / fast.cpu:.1f} x by cpu)"
    print(f"{name:<16} {len(items):>5} items  ours {fast}  plain {slow}  {ratios}  largest difference {gap:.0e}")


def auc(true: Floats, false: Floats) -> float:
    """The chance that a true pair scores above a false one; ties count half."""
    above = true[:, None] - false[None, :]
    return float(np.mean(above > 0) + np.mean(above == 0) / 2)


def tell_apart(pairs: list[Judged], scorer: TokenScorer) -> None:
    """AUC by relation, of the mean over prompts."""
    asked = scorer.logprobs([item for pair in pairs for item in pair.asked])
    neutral = scorer.logprobs([item for pair in pairs for item in pair.neutral])
    ends = np.cumsum([len(pair.asked) for pair in pairs])[:-1]
    results: dict[str, list[float]] = {"slot PMI": [], "conditional": []}
    for name, values in (("slot PMI", asked - neutral), ("conditional", asked)):
        means = np.array([part.mean() for part in np.split(values, ends)])
        for relation in dict.fromkeys(pair.relation for pair in pairs):
            chosen = [means[[p.relation == relation and p.true is truth for p in pairs]] for truth in (True, False)]
            results[name].append(auc(*chosen))
            print(f"  {relation:<14} {name:<12} AUC {results[name][-1]:.3f}")
    for name, found in results.items():
        print(f"mean over relations: {name:<12} AUC {np.mean(found):.3f}")


def main() -> None:
    sys.path.insert(0, str(_ROOT))
    from kgplatform.lm.device import resolve
    from kgplatform.lm.scorer import TransformersScorer
    from kgplatform.settings import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=load().home / "models" / "smollm2-135m", help="folder of a causal language model")
    parser.add_argument("--pairs", type=Path, default=_ROOT.parent / "shared" / "data" / "pairs_easy" / "relations.json")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--sentences", type=int, default=8)
    parser.add_argument("--heads", type=int, default=20)
    given = parser.parse_args()
    if not given.model.is_dir():
        sys.exit(f"no model in {given.model}: fetch it first, or give --model")
    device = resolve(given.device)
    ours, plain = TransformersScorer(given.model, given.model.name, device), Plain(given.model, device)
    compare("with context", with_context(given.sentences), ours, plain)
    compare("without context", without_context(given.heads), ours, plain)
    compare("nothing shared", nothing_shared(given.heads * 20), ours, plain)
    if given.pairs.is_file():
        tell_apart(judged(given.pairs), ours)
    else:
        print(f"SKIPPED: telling pairs apart, for {given.pairs} is not there (give --pairs)")


if __name__ == "__main__":
    main()
