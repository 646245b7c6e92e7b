"""Pairs a second: ours against scoring every filled sentence afresh, with the same model and the same memory for a batch.

The plain side scores what ours scores, sentence by sentence as padded batches of whole sequences with the examples before each, as the
method is written down; it is given as many tokens at once as one of our rows has. Both sides run in turn in one process.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pairs import read_all

from harvest.bertnet.calibrate import OTHERS, knowledge
from harvest.bertnet.rewording import built_in
from harvest.bertnet.scoring import CausalJudge, Company, pools, sample
from kgplatform.cards import slots
from kgplatform.settings import load
from kgplatform.templates import why_not

if TYPE_CHECKING:
    from kgplatform.lm.ports import TokenScorer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scoring"))
_TOKENS = 512
_PROMPTS = 10
_CANDIDATES = 200


def measure(given: argparse.Namespace, scorer: TokenScorer) -> Any:
    """Both rates, their ratio, and how long a relation with ten prompts and 200 candidates takes."""
    from run import Plain  # of benchmarks/scoring

    relation = next(one for one in read_all() if one.half == given.half)
    card = relation.card
    own = list(card.prompts)
    prompts = [*own, *(prompt for prompt in built_in(card) if not why_not(card, prompt, own))][:_PROMPTS]
    known = [*relation.true, *relation.false]
    tails = [tail for _, tail in relation.true]
    steps = ((head, tails[(at + step) % len(tails)]) for step in range(8) for at, (head, _) in enumerate(relation.true))
    told = list(dict.fromkeys(steps))[:_CANDIDATES]
    judge = CausalJudge(scorer, Company(slots(card), card.seeds, pools(slots(card), known)))
    start = time.perf_counter()
    learnt = knowledge(card.name, judge, prompts, card.seeds, {at: sample((words[at] for words in known), OTHERS) for at in (0, 1)})
    testing = time.perf_counter() - start
    start, cpu = time.perf_counter(), time.process_time()
    judge.scores(prompts, told)
    ours, ours_cpu = time.perf_counter() - start, time.process_time() - cpu
    sentences = judge.sentences(prompts, told)
    some = sentences[:: max(1, len(sentences) // 300)]
    longest = max(len(prefix + rest) for prefix, rest in some) // 3
    plain = Plain(load().home / "models" / "smollm2-135m", "cpu", max(1, _TOKENS // max(1, longest)))
    start, cpu = time.perf_counter(), time.process_time()
    expected = plain.logprobs(some)
    share = len(sentences) / len(some)
    theirs, theirs_cpu = (time.perf_counter() - start) * share, (time.process_time() - cpu) * share
    gap = float(np.abs(scorer.logprobs(some) - expected).max())
    result = {
        "prompts": len(prompts),
        "candidates": len(told),
        "sentences": len(sentences),
        "pairs_per_second": len(told) / ours,
        "plain_pairs_per_second": len(told) / theirs,
        "ratio": theirs / ours,
        "ratio_by_processor_time": theirs_cpu / ours_cpu,
        "seconds_of_a_relation": testing + ours,
        "largest_difference": gap,
        "known": not learnt.doubt,
    }
    for name, value in result.items():
        print(f"{name:<26} {value:.4g}")
    return result
