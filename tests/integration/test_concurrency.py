"""Processes that write, merge and forget at once leave exactly what the evidence gives; so do processes that are killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgplatform.ports import Store
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, EntityId, Evidence, FactQuery, Relation, Source, SourceId
from tests.contract.test_merging import qualified, qualifier_nodes
from tests.integration.crowd import KEPT, PEOPLE, SOURCES, Where, claims_of, open_again

ROOT = Path(__file__).parents[2]
ALL = FactQuery(status="all")
SPOUSE = Relation("spouse", symmetric=True)
MET = Relation("met", key_qualifiers=("met_at",))
WRITERS = 6
SAID = [Claim(one, "is", one, (Evidence("import", Source(KEPT, "import"), 0.9, time=1),)) for one in PEOPLE]


def start(where: Where, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.writer", json.dumps(where), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def belief_of(store: Store) -> dict[str, tuple[float, list[str]]]:
    return {fact.key: (fact.confidence, sorted(map(repr, store.evidence(fact.key)))) for fact in store.facts(ALL)}


@pytest.mark.parametrize(("seed", "rounds"), [(7, 4), *(pytest.param(seed, 15, marks=pytest.mark.exhaustive) for seed in range(10))])
def test_writers_a_merger_and_a_forgetter_at_once_end_exact(where: Where, seed: int, rounds: int) -> None:
    store, judge = open_again(where), MemoryStore()
    for one in (store, judge):
        one.learn(relations=[SPOUSE, MET])
        one.put(SAID)
    children = [start(where, "write", writer, rounds) for writer in range(WRITERS)]
    children += [start(where, "merge", seed, 3 * rounds), start(where, "forget", SOURCES)]
    told = [child.communicate(timeout=300)[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0] * len(children)
    for writer in range(WRITERS):
        for round_ in range(rounds):
            judge.put(claims_of(writer, round_))
    # Whether a source came again after it was forgotten is a matter of luck: what must be exact is all the rest.
    for source in range(SOURCES):
        store.forget(SourceId(f"doc:{source}"))
        judge.forget(SourceId(f"doc:{source}"))
    merges = [line.split() for line in told[WRITERS]]
    undone = {made for what, made, *_ in merges if what == "undo"}
    for what, made, keep, other in merges:
        if what == "merge" and made not in undone:
            judge.merge(EntityId(keep), EntityId(other))
    store.settle(now=1 << 62)
    assert belief_of(store) == belief_of(judge)
    assert qualifier_nodes(store) == qualified(store) == qualified(judge)
    store.close()


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.exhaustive)])
def test_a_killed_writer_loses_and_doubles_nothing(where: Where, kills: int) -> None:
    acknowledged = -1
    store = open_again(where)
    for seed in range(kills):
        chosen = random.Random(seed)
        child = start(where, "write", 0, 10_000)
        assert child.stdout
        told = [child.stdout.readline() for _ in range(chosen.randrange(1, 12))]
        time.sleep(chosen.random() * 0.1)
        child.kill()
        acknowledged = max(acknowledged, *(int(line) for line in (*told, *child.stdout.read().splitlines()) if line.strip()))
        child.wait()
        judge = MemoryStore()
        for round_ in range(acknowledged + 1):
            judge.put(claims_of(0, round_))
        held = {str(fact.key): {repr(one) for one in store.evidence(fact.key)} for fact in store.facts(ALL)}
        for key, (_, evidence) in belief_of(judge).items():
            assert len(held[key]) >= len(evidence), f"lost by the kill with seed {seed}"
    for round_ in range(acknowledged + 2):
        for one in (store, judge):
            one.put(claims_of(0, round_))
    assert belief_of(store) == belief_of(judge)
    store.close()
