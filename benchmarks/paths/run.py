"""Answer MetaQA's questions without a language model: exact answer sets and hits@1, the hop count not given.

    python -m benchmarks.paths.run FOLDER --encoder FOLDER [--questions 200] [--seed 0] [--no-brackets]

The first FOLDER holds ``kb_rebuilt.txt.gz`` (head|relation|tail) and ``{1,2,3}hop_dev_answerable.jsonl.gz``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from reasoning.agent.answer import Answer
from reasoning.agent.ask import Guide


def facts(path: Path) -> Iterator[Fact]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            head, relation, tail = line.rstrip("\n").split("|")
            yield Fact(fact_key(relation, head, tail), Entity(EntityId(head), head), relation, Entity(EntityId(tail), tail), 0.95, 0.95)


def questions(path: Path, count: int, seed: int) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return random.Random(seed).sample([json.loads(line) for line in lines], count)


def measure(guide: Guide, asked: list[dict[str, Any]], brackets: bool) -> dict[str, float]:
    exact, first, topic, seconds = [], [], [], []
    for row in asked:
        text = row["q"] if brackets else row["q"].replace("[", "").replace("]", "")
        started = time.perf_counter()
        answer: Answer = guide.answer(text)
        seconds.append(time.perf_counter() - started)
        names = [entity.name for entity in answer.entities]
        exact.append(set(names) == set(row["a"]))
        first.append(bool(names) and names[0] in row["a"])
        topic.append(answer.topic is not None and answer.topic.name == row["topic"])
    p50, p95 = np.percentile(seconds, [50, 95])
    return {
        "exact": float(np.mean(exact)),
        "hits@1": float(np.mean(first)),
        "topic": float(np.mean(topic)),
        "p50_ms": round(1000 * float(p50)),
        "p95_ms": round(1000 * float(p95)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-brackets", action="store_true")
    given = parser.parse_args()
    started = time.perf_counter()
    guide = Guide(facts(given.folder / "kb_rebuilt.txt.gz"), {}, {}, SentenceEncoder(given.encoder, given.encoder.name, "cpu"))
    print(json.dumps({"ready_seconds": round(time.perf_counter() - started, 1)}))
    for hops in (1, 2, 3):
        asked = questions(given.folder / f"{hops}hop_dev_answerable.jsonl.gz", given.questions, given.seed)
        print(json.dumps({"hops": hops} | measure(guide, asked, not given.no_brackets)), flush=True)


if __name__ == "__main__":
    main()
