"""Measure linking: how right it is on pairs of mentions and on labels of real traces, and how quick in a graph of 100,000 entities.

    python benchmarks/linking/run.py mentions|traces|build|speed|whole [--entities 100000] [--home FOLDER]

``mentions`` needs the encoder minilm; ``traces`` it and ``../shared/data/graphpreflexor``; ``speed`` and ``whole`` a graph
that ``build`` made.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import math
import os
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil

from kgplatform import opening
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking import exact, scoring
from kgplatform.linking.linker import SAME, Linker
from kgplatform.linking.scoring import Named
from kgplatform.lm.ports import Encoder
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.settings import load
from kgplatform.store import local, server
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Candidate, Claim, Entity, EntityId, Evidence, Kind, Literal, Mention, Source, SourceId

HERE = Path(__file__).resolve().parent
TRACES = HERE.parents[2] / "shared" / "data" / "graphpreflexor" / "graph_8b_data_eval_all.jsonl.xz"
PARENTS = {"thing": "", "person": "thing", "place": "thing", "city": "place", "country": "place", "organisation": "thing"}
KINDS = {name: Kind(name, parent) for name, parent in PARENTS.items()}
SAID = Evidence("memory", Source(SourceId("model:traces"), "model"), 1.0)


def interval(right: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %."""
    if not of:
        return 0.0, 1.0
    share, z = right / of, 1.96
    middle, spread = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def told(name: str, right: int, of: int) -> str:
    low, high = interval(right, of)
    return f"{name} {right / max(1, of):.3f} ({low:.3f} to {high:.3f}; {right} of {of})"


# -- pairs of mentions -------------------------------------------------------------------------------


def mentions(encoder: Encoder) -> None:
    with (HERE / "mentions.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for part in ("tune", "test"):
        counts: Counter[tuple[str, bool, bool]] = Counter()
        cosine: Counter[tuple[bool, bool]] = Counter()
        for row in (row for row in rows if row["part"] == part):
            same = row["same"] == "1"
            counts[row["pattern"], same, likely(row, encoder) >= SAME] += 1
            both = encoder.encode([row["mention"], row["entity"]])
            cosine[same, float(both[0] @ both[1]) >= 0.85] += 1
        right, wrong = (sum(n for (_, same, said), n in counts.items() if said and same is is_same) for is_same in (True, False))
        missed = sum(n for (_, same, said), n in counts.items() if same and not said)
        print(part, told("precision", right, right + wrong), told("recall", right, right + missed), sep="   ")
        print("    cosine .85:", told("precision", cosine[True, True], cosine[True, True] + cosine[False, True]),
              told("recall", cosine[True, True], cosine[True, True] + cosine[True, False]))  # fmt: skip
        for pattern in dict.fromkeys(row["pattern"] for row in rows):
            of = {key[1:]: n for key, n in counts.items() if key[0] == pattern}
            print(f"    {pattern:16} same {of.get((True, True), 0)} of {sum(n for (same, _), n in of.items() if same)}, "
                  f"wrongly {of.get((False, True), 0)} of {sum(n for (same, _), n in of.items() if not same)}")  # fmt: skip


def likely(row: dict[str, str], encoder: Encoder) -> float:
    """How likely a pair is one thing, as the linker has it."""
    one = Named(row["mention"], (row["kind"],), row["context"])
    other = Named(row["entity"], (row["ekind"],), row["description"])
    if not exact.compatible(row["kind"], other.kinds, KINDS):
        return 0.0
    found: dict[str, float] = dict(scoring.compared(one, other))
    if one.about and other.about:
        said = encoder.encode([one.about, other.about])
        found["context"] = float(said[0] @ said[1]) - scoring.USUAL
    return scoring.probability(scoring.total(found))


# -- labels of traces --------------------------------------------------------------------------------


def traces() -> Iterator[list[str]]:
    """The labels of each trace, in order."""
    with lzma.open(TRACES, "rt", encoding="utf-8") as file:
        for line in file:
            found = re.search(r"<graph_json>(.*?)</graph_json>", json.loads(line)["raw_output"], re.DOTALL)
            graph = json.loads(found[1]) if found else {"nodes": [], "edges": []}
            ends = (edge[end] for edge in graph["edges"] for end in ("source", "target"))
            yield list(dict.fromkeys([node["id"] for node in graph["nodes"]] + list(ends)))


def replay(encoder: Encoder) -> None:
    """Labels in the order of the traces, merged by the cosine alone and by the linker; judged by the pairs that were marked."""
    if not TRACES.exists():
        print(f"skipped: {TRACES} is not there")
        return
    batches = list(traces())
    order = list(dict.fromkeys(label for batch in batches for label in batch))
    labels = sorted(order)
    with (HERE / "traces.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    marked = {frozenset((labels[int(row["first"])], labels[int(row["second"])])): row["same"] == "1" for row in rows}
    print(f"{len(labels):,} labels, {len(marked):,} pairs marked, {sum(marked.values())} the same")
    encoded = dict(zip(labels, encoder.encode(labels), strict=True))
    apart = dict(zip(labels, encoder.encode([_parted(label) for label in labels]), strict=True))
    judged("cosine .85 of labels as they are", by_cosine(order, encoded, 0.85), marked, labels)
    for least in (0.85, 0.9, 0.95):
        judged(f"cosine {least} of their words", by_cosine(order, apart, least), marked, labels)
    judged("linker", by_linker(batches, encoder), marked, labels)


def _parted(label: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", re.sub(r"[_-]+", " ", label))


def by_cosine(order: Sequence[str], encoded: dict[str, np.ndarray], least: float) -> dict[str, str]:
    """Each label that is merged, and into which: the nearest of those before that were not merged themselves."""
    kept: list[str] = []
    merged: dict[str, str] = {}
    for label in order:
        scores = np.stack([encoded[one] for one in kept]) @ encoded[label] if kept else np.zeros(0)
        if scores.size and scores.max() >= least:
            merged[label] = kept[int(scores.argmax())]
        else:
            kept.append(label)
    return merged


def by_linker(batches: Sequence[Sequence[str]], encoder: Encoder) -> dict[str, str]:
    kg = KnowledgeGraph(MemoryStore())
    linker = Linker(kg.store, encoder)
    merged: dict[str, str] = {}
    first: dict[str, str] = {}
    asked = 0
    for batch in batches:
        candidates = [Candidate(Mention(label), "is in a trace", Literal("yes"), SAID) for label in batch]
        linking = linker.link(candidates)
        for candidate, claim in zip(candidates, linking.claims, strict=True):
            before = first.setdefault(claim.head.id, candidate.head.name)
            if before != candidate.head.name:
                merged.setdefault(candidate.head.name, before)
        kg.put(linking.claims)
        linker.settle(linking)
        asked += sum(one.verdict == "ask" for one in linking.decisions)
        merged |= {first[one.pair.entity.id]: one.pair.other.name for one in linking.decisions if one.verdict == "same"}
    print(f"    the linker asked about {asked}")
    return merged


def judged(name: str, merged: dict[str, str], marked: dict[frozenset[str], bool], labels: Sequence[str]) -> None:
    wrong = [pair for pair in merged.items() if marked.get(frozenset(pair)) is False]
    unmarked = [pair for pair in merged.items() if frozenset(pair) not in marked]
    root = {label: _root(label, merged) for label in labels}
    together = sum(same and len({root[one] for one in pair}) == 1 for pair, same in marked.items())
    low, high = interval(len(wrong), len(labels))
    print(f"{name}: {1000 * len(wrong) / len(labels):.1f} wrong merges in 1,000 labels ({1000 * low:.1f} to {1000 * high:.1f}), "
          f"{told('recall', together, sum(marked.values()))}, {len(merged)} merged, unmarked {unmarked}")  # fmt: skip


def _root(label: str, merged: dict[str, str]) -> str:
    seen = {label}
    while (into := merged.get(label)) is not None and into not in seen:
        seen.add(into)
        label = into
    return label


# -- a large graph -----------------------------------------------------------------------------------

SYLLABLES = (
    "ba be bo da de do ka ke ko la le lo ma me mo na ne no ra re ro sa se so ta te to va ve vo bi di ki li mi ni ri si ti vi"
).split()
FIRST = (
    "Marie Pierre Albert Niels Emmy Kurt Ada Alan Grace Donald Barbara Lise Otto Max Erwin Werner Paul Enrico Richard Julian Maria Rosalind"
).split()
HOW = (
    "thermal elastic plastic brittle ductile soft hard local global dynamic static linear polar ionic neural random sparse "
    "dense deep shallow"
).split()
WHAT = (
    "stress strain network fracture crack polymer chain lattice grain membrane fibre protein peptide matrix filler interface "
    "surface layer shell"
).split()
OF = (
    "density modulus energy mobility growth rate gradient distribution relaxation failure strength toughness transport diffusion order size"
).split()
FIRMS = ("University of {}", "{} Institute of Technology", "Bank of {}", "{} Academy of Sciences")
ENCODER = HashingEncoder(384)


def things(many: int, seed: int) -> list[Entity]:
    """People, organisations, cities and concepts, a quarter each."""
    chosen = random.Random(seed)

    def made(syllables: int) -> str:
        return "".join(chosen.choice(SYLLABLES) for _ in range(syllables)).title()

    def one(at: int) -> tuple[str, str]:
        match at % 4:
            case 0:
                return "person", f"{chosen.choice(FIRST)} {made(chosen.choice((2, 3, 4)))}"
            case 1:
                return "organisation", chosen.choice(FIRMS).format(made(3))
            case 2:
                return "city", made(chosen.choice((2, 3, 4)))
        number = f" {chosen.randint(2, 40)}" if chosen.random() < 0.5 else ""
        return "thing", f"{chosen.choice(HOW)} {chosen.choice(WHAT)} {chosen.choice(OF)}{number}"

    return [Entity(EntityId(f"{seed}:{at}"), name, (kind,)) for at in range(many) for kind, name in [one(at)]]


def build(home: Path, many: int) -> None:
    with KnowledgeGraph(local.open_store(home, f"linking{many}")) as kg:
        made = things(many, 7)
        kg.learn(kinds=KINDS.values())
        began = time.perf_counter()
        if not kg.store.entities([made[-1].id]):
            kg.put([Claim(one, "near", other, (SAID,)) for one, other in zip(made[::2], made[1::2], strict=True)])
        print(f"put {many:,} entities in {time.perf_counter() - began:.0f} s", flush=True)
        began = time.perf_counter()
        kg.embed(ENCODER)
        print(f"their vectors and keys in {time.perf_counter() - began:.0f} s")


def speed(home: Path, many: int, encoder: Encoder) -> None:
    with KnowledgeGraph(local.open_store(home, f"linking{many}")) as kg:
        linker = Linker(kg.store, ENCODER)
        warm, candidates = (
            [Candidate(Mention(one.name, one.kinds[0]), "is", Literal("new"), SAID) for one in things(count, seed)]
            for count, seed in ((2_000, 98), (1_300, 99))
        )
        for one in warm:
            linker.link([one])
        times, bare, busy = list[float](), list[float](), processors(home)
        for one in candidates[:300]:
            began = time.perf_counter()
            kg.store.now()
            bare.append(1_000 * (time.perf_counter() - began))
            began = time.perf_counter()
            linker.link([one])
            times.append(1_000 * (time.perf_counter() - began))
        busy = processors(home) - busy
        print(f"one mention: {statistics.median(times):.1f} ms (median), {sorted(times)[len(times) * 95 // 100]:.1f} ms (95 %); "
              f"a query that asks for nothing: {statistics.median(bare):.1f} ms; "
              f"processor time of both {1_000 * busy / len(times):.1f} ms")  # fmt: skip
        batch = candidates[300:]
        encoder.encode(["warm"])
        began = time.perf_counter()
        encoder.encode([one.head.name for one in batch if one.head.kind == "thing"])
        encoding = time.perf_counter() - began
        began, busy = time.perf_counter(), processors(home)
        decided = [decision for start in range(0, len(batch), 250) for decision in linker.link(batch[start : start + 250]).decisions]
        linking, busy = time.perf_counter() - began, processors(home) - busy
        print(f"batches of 250: {len(batch) / linking:.0f} mentions a second, {len(batch) / (linking + encoding):.0f} with encoding "
              f"({len(batch) / encoding:.0f} a second); processor time {1_000 * busy / len(batch):.1f} ms a mention without; "
              f"{Counter(one.verdict for one in decided)}")  # fmt: skip


def whole(home: Path, many: int) -> None:
    with KnowledgeGraph(local.open_store(home, f"linking{many}")) as kg:
        began = time.perf_counter()
        found = kg.duplicates()
        print(f"duplicates of the whole: {len(found):,} pairs in {time.perf_counter() - began:.0f} s")


def processors(home: Path) -> float:
    """Seconds of processor time that this process and the server have used."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in (os.getpid(), server.ensure(home).pid))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mentions", "traces", "build", "speed", "whole"))
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--home", type=Path, default=Path.home() / ".cache" / "kg-linking")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    if given.what == "build":
        build(given.home, given.entities)
        return
    if given.what == "whole":
        whole(given.home, given.entities)
        return
    encoder = opening.bare_encoder(load())
    if given.what == "speed":
        speed(given.home, given.entities, encoder)
    else:
        (mentions if given.what == "mentions" else replay)(encoder)


if __name__ == "__main__":
    main()
