"""Answer MetaQA's questions without a language model: answer sets and hits@1, the hop count not given.

    python -m benchmarks.paths.run FOLDER --encoder FOLDER [--questions 500] [--seed 0] [--lot tune|report] [--all]
                                   [--no-brackets] [--misspelt] [--learn 100 [--alike]] [--copies 77]

The first FOLDER holds ``kb_rebuilt.txt.gz`` (head|relation|tail) and ``{1,2,3}hop_dev_answerable.jsonl.gz``. Which lot a question is
of is told by its wording without the topic: no wording is in both, and of four one is to report. ``--all`` asks those too that the graph
cannot answer. ``--misspelt`` makes one slip of the pen in the topic, and leaves the brackets out. ``--learn``: so many questions of the
other lot are marked first, ``--alike`` of the same lot, but not those that are asked. ``--copies``: asked again over a larger graph, that
many times the first side by side; the letters of the names of each are changed for others, so that they are no names of the first.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import resource
import string
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact, in_words
from reasoning.agent.answer import Answer
from reasoning.agent.ask import Guide
from reasoning.paths.learning import Mark

HOPS = (1, 2, 3)
LOTS = ("tune", "report")
Row = dict[str, Any]


def facts(path: Path, copies: int = 1) -> Iterator[Fact]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        triples = [line.rstrip("\n").split("|") for line in lines]
    things = sorted({end for head, _, tail in triples for end in (head, tail)})
    for copy in range(copies):
        letters = _letters(random.Random(copy)) if copy else {}
        called = {thing: Entity(EntityId(f"{copy}/{thing}" if copy else thing), thing.translate(letters)) for thing in things}
        for head, relation, tail in triples:
            one, other = called[head], called[tail]
            yield Fact(fact_key(relation, one.id, other.id), one, relation, other, 0.95, 0.95)


def _letters(rng: random.Random) -> dict[int, int]:
    small = "".join(rng.sample(string.ascii_lowercase, 26))
    return str.maketrans(string.ascii_lowercase + string.ascii_uppercase, small + small.upper())


def lot(question: str) -> str:
    wording = re.sub(r"\[.*\]", "[X]", question)
    return LOTS[hashlib.sha256(wording.encode()).digest()[-1] % 4 == 0]


def questions(folder: Path, hops: int, of: str, count: int, seed: int, every: bool = False) -> list[Row]:
    with gzip.open(folder / (f"{hops}hop_dev.txt.gz" if every else f"{hops}hop_dev_answerable.jsonl.gz"), "rt", encoding="utf-8") as lines:
        rows = [_plain(line) if every else json.loads(line) for line in lines]
    kept = [row for row in rows if lot(row["q"]) == of]
    random.Random(seed).shuffle(kept)
    return kept[:count]


def _plain(line: str) -> Row:
    question, answers = line.rstrip("\n").split("\t")
    return {"q": question, "a": answers.split("|"), "topic": question[question.index("[") + 1 : question.index("]")]}


def slip(name: str, rng: random.Random) -> str:
    """A letter left out, put in, mistaken, or changed with the next, anywhere."""
    while True:
        at, kind, letter = (
            rng.choice([at for at, one in enumerate(name) if one.isalnum()]),
            rng.randrange(4),
            rng.choice(string.ascii_lowercase),
        )
        parts = {0: ("", name[at + 1 :]), 1: (letter, name[at:]), 2: (letter, name[at + 1 :])}
        middle, rest = parts.get(kind, (name[at + 1 : at + 2] + name[at], name[at + 2 :]))
        if (made := (name[:at] + middle + rest).strip()) not in (name, ""):
            return made


def bare(row: Row, rng: random.Random | None) -> Row:
    """The question without brackets, and with ``rng`` a slip of the pen in its topic."""
    return row | {"q": row["q"].replace(f"[{row['topic']}]", slip(row["topic"], rng) if rng else row["topic"])}


def measure(guide: Guide, asked: Sequence[Row]) -> dict[str, float]:
    exact, first, f1, topic, ranked, seconds = [], [], [], [], [], []
    for row in asked:
        started = time.perf_counter()
        answer: Answer = guide.answer(row["q"])
        seconds.append(time.perf_counter() - started)
        names, right = [entity.name for entity in answer.entities], set(row["a"])
        exact.append(set(names) == right)
        first.append(bool(names) and names[0] in right)
        f1.append(2 * len(right.intersection(names)) / (len(right) + len(set(names))))
        held = names if answer.supported else [in_words(end) for one in answer.alternatives[:1] for end in one.answers]
        ranked.append(not right.isdisjoint(held[:1]))
        topic.append(answer.topic is not None and answer.topic.name == row["topic"])
    told: dict[str, Sequence[float]] = {"exact": exact, "hits@1": first, "f1": f1, "hits@1_unrefused": ranked, "topic": topic}
    shares = {name: round(float(np.mean(hits)), 3) for name, hits in told.items()}
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"questions": len(asked), **shares, "p50_ms": round(1000 * float(p50)), "p95_ms": round(1000 * float(p95))}


def marks(guide: Guide, rows: Sequence[Row]) -> Iterator[Mark]:
    for row in rows:
        try:
            yield guide.mark(row["q"], row["a"])
        except BadRequest as error:
            print(json.dumps({"not marked": row["q"], "because": str(error)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lot", choices=LOTS, default="report")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--no-brackets", action="store_true")
    parser.add_argument("--misspelt", action="store_true")
    parser.add_argument("--learn", type=int, default=0, metavar="N", help="marked questions, a third of each number of hops")
    parser.add_argument("--alike", action="store_true", help="mark questions of the same wordings as are asked")
    parser.add_argument("--copies", type=int, default=1)
    given = parser.parse_args()
    encoder = SentenceEncoder(given.encoder, given.encoder.name, "cpu")
    for copies in sorted({1, given.copies}):
        started = time.perf_counter()
        guide = Guide(facts(given.folder / "kb_rebuilt.txt.gz", copies), {}, {}, encoder)
        told = {"facts": len(guide.network.facts), "ready_seconds": round(time.perf_counter() - started, 1)}
        print(json.dumps(told | {"peak_GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)}), flush=True)
        ask(guide, given)


def ask(guide: Guide, given: argparse.Namespace) -> None:
    if given.learn and guide.walker:
        share = -(-given.learn // len(HOPS))
        if given.alike:  # what follows those that are asked in the same shuffled order
            lots = [questions(given.folder, hops, given.lot, given.questions + share, given.seed)[given.questions :] for hops in HOPS]
        else:
            lots = [questions(given.folder, hops, LOTS[given.lot == LOTS[0]], share, given.seed) for hops in HOPS]
        pool = [row for lot in lots for row in lot]
        told = list(marks(guide, random.Random(given.seed).sample(pool, given.learn)))
        started = time.perf_counter()
        guide = guide.taught(told)
        learned = guide.walker is not None and guide.walker.aligner.learned is not None
        print(json.dumps({"marks": len(told), "learned": learned, "seconds": round(time.perf_counter() - started, 1)}))
    for hops in HOPS:
        rng = random.Random(given.seed) if given.misspelt else None
        asked = questions(given.folder, hops, given.lot, given.questions, given.seed, given.all)
        asked = [bare(row, rng) for row in asked] if given.no_brackets or given.misspelt else asked
        print(json.dumps({"hops": hops} | measure(guide, asked)), flush=True)


if __name__ == "__main__":
    main()
