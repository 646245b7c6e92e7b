"""Files of facts and real servers: an import that is killed goes on and ends exact, and a dump makes the same graph again."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.ports import Store
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, FactQuery, Literal, Source, SourceId
from tests.integration.crowd import Where, open_again

ROOT = Path(__file__).parents[2]
ROWS = 3_000
IMPORT = """
import json, sys
from kgplatform.formats import loading
from kgplatform.graph import KnowledgeGraph
from tests.integration.crowd import Where, open_again

loading.BATCH = 250
with KnowledgeGraph(open_again(json.loads(sys.argv[1]))) as kg:
    kg.load(sys.argv[2], progress=lambda done, total: print(done, flush=True))
"""


def held(store: Store) -> dict[str, tuple[object, ...]]:
    """All that a graph holds, but for the time at which a file without times was read."""
    found: dict[str, tuple[object, ...]] = {}
    for fact in store.facts(FactQuery(status="all")):
        timed = [piece if piece.method != "import" else dataclasses.replace(piece, time=0) for piece in store.evidence(fact.key)]
        found[str(fact.key)] = (fact.confidence, fact.qualifiers, fact.tail, sorted(map(repr, timed)))
    return found


def said(many: int) -> list[Claim]:
    """Claims of few people, some twice from two sources, some values, some with validity."""
    people = [Entity(entity_id("person", f"Person {n}"), f"Person {n}", ("person",)) for n in range(400)]
    claims = []
    for n in range(many):
        source = Source(SourceId(f"doc:{n % 7}"), "document", f"Text {n % 7}")
        piece = Evidence("text", source, n % 5 - 1.5, "m@1", f"sentence {n}", n, n + 9, run=f"run{n % 3}", time=1_700_000_000_000 + n)
        tail = Literal(str(1900 + n % 90), "year") if n % 10 == 0 else people[(n * 7 + n // 400) % 400]
        claims.append(Claim(people[n % 400], f"relation {n % 3}", tail, (piece,), (("valid_from", "1990"),) if n % 4 == 0 else ()))
    return claims


def write(path: Path) -> MemoryStore:
    """The file, and what a graph holds that read it at one go."""
    if path.suffix == ".csv":
        chosen = random.Random(0)
        rows = [f"Thing {chosen.randrange(300)},likes,Thing {chosen.randrange(300)},0.{chosen.randrange(10, 99)}\n" for _ in range(ROWS)]
        path.write_text("".join(rows))
    else:
        kg = KnowledgeGraph(MemoryStore())
        kg.put(said(ROWS))
        kg.dump(path, status="all")
    judge = MemoryStore()
    KnowledgeGraph(judge).load(path)
    return judge


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("local", "facts.csv"),
        ("neo4j", "facts.jsonld.gz"),
        ("local", "facts.parquet"),
        pytest.param("neo4j", "facts.csv", marks=pytest.mark.exhaustive),
        pytest.param("local", "facts.jsonld.gz", marks=pytest.mark.exhaustive),
        pytest.param("neo4j", "facts.parquet", marks=pytest.mark.exhaustive),
    ],
    indirect=["where"],
)
def test_an_import_that_is_killed_goes_on_and_ends_exact(where: Where, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    judge, chosen = write(path), random.Random(name)
    command = [sys.executable, "-c", IMPORT, json.dumps(where), str(path)]
    begun = False
    for _ in range(4):
        child = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        told = [child.stdout.readline() for _ in range(chosen.randrange(6))]
        time.sleep(chosen.random() * 0.3)
        child.kill()
        begun |= len(told) > 1
        child.communicate()
    store = open_again(where)
    with KnowledgeGraph(store) as kg:
        loaded = kg.load(path)
        assert (loaded.left_out, loaded.receipt.new < len(held(judge))) == (0, begun)
        assert held(store) == held(judge)


@pytest.mark.parametrize("ending", ["jsonld", "parquet"])
def test_a_dump_makes_the_same_graph_again(where: Where, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"all.{ending}"
    store = open_again(where)
    with KnowledgeGraph(store) as kg:
        kg.put(said(500))
        count = kg.dump(path, status="all")
        back = KnowledgeGraph(MemoryStore())
        assert back.load(path).receipt.new == count
        assert held(store) == held(back.store)
        assert kg.load(path).receipt.unchanged >= count
        forgotten = [graph.forget("doc:3") for graph in (kg, back)]
        assert forgotten[0] == forgotten[1]
        assert held(store) == held(back.store)
