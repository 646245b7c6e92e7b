"""Measure the store's whole path against the bare driver, in one run on one server.

    python benchmarks/store/run.py local|neo4j [--facts 100000] [--out FILE]

``neo4j`` is the server of ``NEO4J_URI`` (an empty database, which is left full), else the one that the tests start.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id, fact_key
from kgplatform.store import httpport, local, neo4j, server
from kgplatform.store.bolt import BoltStore
from kgplatform.store.selection import CELLS
from kgplatform.types import Claim, Entity, Evidence, FactQuery, Source, SourceId

QUOTE = "A sentence that says so, of some eighty characters, as sentences often are here."
WARM = 20_000
BATCH = 2_500
"""Facts in one transaction of the bare driver: as many as two-piece facts in one of ours."""


def claims(many: int, seed: int, entities: int, forgotten: int = 0) -> list[Claim]:
    """Facts of two pieces each between random entities; ``forgotten`` of them have one piece of a source of their own."""
    chosen = random.Random(seed)
    people = [Entity(entity_id("person", f"Person {n}"), f"Person {n}", ("person",)) for n in range(entities)]
    sources = [Source(SourceId(f"doc:{n}"), "document", f"Document {n}") for n in range(500)]
    made = []
    for n in range(many):
        two = chosen.sample(sources, 2)
        if n < forgotten:
            two[0] = Source(SourceId("doc:forgotten"), "document")
        told = tuple(Evidence("text", one, chosen.choice([1.0, 2.0, 2.5]), "judge@1", QUOTE, 10, 90, run="r", time=n + 1) for one in two)
        made.append(Claim(chosen.choice(people), f"relation {chosen.randrange(20)}", chosen.choice(people), told))
    return made


def bare(store: BoltStore, listed: list[Claim]) -> float:
    """Facts a second when the driver alone upserts nodes and edges."""
    rows = [{"h": f"bare {c.head.id}", "t": f"bare {c.tail.id}", "key": str(n)} for n, c in enumerate(listed) if isinstance(c.tail, Entity)]
    nodes = "UNWIND $rows AS row MERGE (n:Bare {id: row})"
    edges = "UNWIND $rows AS row MATCH (h:Bare {id: row.h}) MATCH (t:Bare {id: row.t}) MERGE (h)-[r:BARE {key: row.key}]->(t)"
    began = time.perf_counter()
    with store._connection.session() as session:
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            ids = sorted({row[end] for row in part for end in ("h", "t")})
            session.execute_write(lambda tx, i=ids: tx.run(nodes, rows=i).consume())
            session.execute_write(lambda tx, p=part: tx.run(edges, rows=p).consume())
    return len(rows) / (time.perf_counter() - began)


def records(store: BoltStore, cypher: str) -> int:
    """Read all rows with the bare driver, one after the other."""
    with store._connection.session() as session:
        return sum(1 for _ in session.run(cypher))


def rate(many: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return many / (time.perf_counter() - began)


def milliseconds(work: Callable[[Any], object], over: list[Any]) -> dict[str, float]:
    taken = []
    for one in over:
        began = time.perf_counter()
        work(one)
        taken.append((time.perf_counter() - began) * 1e3)
    cuts = statistics.quantiles(taken, n=20)
    return {"p50": round(statistics.median(taken), 2), "p95": round(cuts[18], 2)}


def measure(store: BoltStore, facts: int, home: Path | None) -> dict[str, Any]:
    kg, entities = KnowledgeGraph(store), max(5_000, facts // 20)
    index = "CREATE CONSTRAINT bare IF NOT EXISTS FOR (n:Bare) REQUIRE n.id IS UNIQUE"
    if home is None:
        store._connection.writing(lambda tx: tx.run(index).consume())
    else:
        found = server.ensure(home)
        script = ["CREATE VERTEX TYPE Bare IF NOT EXISTS", "CREATE PROPERTY Bare.id IF NOT EXISTS STRING"]
        script.append("CREATE INDEX IF NOT EXISTS ON Bare (id) UNIQUE")
        httpport.call(found, "command/bench", {"language": "sqlscript", "command": ";\n".join(script)})
    for warm in (claims(WARM, seed, entities) for seed in range(10, 13)):  # Java compiles what it has run often
        kg.put(warm)
        bare(store, warm)
    listed = claims(facts, 2, entities, forgotten=10_000)
    parts = [listed[start : start + facts // 8] for start in range(0, facts, facts // 8)][:8]
    puts, bares = [], []
    for part in parts:  # in turn, so that whatever else the machine does falls on both
        puts.append(rate(len(part), lambda p=part: kg.put(p)))
        bares.append(bare(store, part))
    result: dict[str, Any] = {"facts": facts, "pieces": 2 * facts}
    result["put, facts/s by eighth"] = [round(one) for one in puts]
    result["bare edges/s by eighth"] = [round(one) for one in bares]
    result["put / bare"] = round(len(puts) / sum(1 / p for p in puts) / (len(bares) / sum(1 / b for b in bares)), 2)
    again = rate(facts // 8, lambda: kg.put(parts[-1]))
    result["again / put"] = round(again / puts[-1], 2)
    hub = Entity(entity_id("person", "Hub"), "Hub", ("person",))
    spokes = [Claim(c.head, "knows", hub, c.evidence) for c in claims(20_000, 3, 20_000)]
    result["hub of 20,000 / put"] = round(rate(len(spokes), lambda: kg.put(spokes)) / puts[-1], 2)
    some = random.Random(4).sample(listed, 200)
    result["one hop, ms"] = milliseconds(lambda c: store.neighbours([c.head.id], FactQuery(limit=200)), some)
    result["evidence of a fact, ms"] = milliseconds(lambda c: store.evidence(_key(c)), some)
    every = store.count(FactQuery(status="all"))
    plain = f"MATCH (h:Entity)-[r]->(t) WHERE r.key IS NOT NULL RETURN {', '.join(f'{cell} AS c{n}' for n, cell in enumerate(CELLS))}"
    rates = [(rate(every, lambda: records(store, plain)), rate(every, lambda: kg.facts(status="all").to_arrow())) for _ in range(3)]
    result["to Arrow, rows/s"] = [round(fast) for _, fast in rates]
    result["plain records of the same columns, rows/s"] = [round(slow) for slow, _ in rates]
    result["to Arrow / plain records"] = round(statistics.median(fast / slow for slow, fast in rates), 2)
    began = time.perf_counter()
    done = kg.forget("doc:forgotten")
    result["forget a source, s"], result["of pieces"] = round(time.perf_counter() - began, 2), done.evidence
    result |= many_pieces(kg)
    result |= names(store)
    result["memory of the client, of the server, MB"] = [
        psutil.Process(pid).memory_info().rss // 10**6 for pid in (os.getpid(), server_pid(home))
    ]
    return result


def server_pid(home: Path | None) -> int:
    """The process of the server, when it is ours."""
    if home:
        return server.ensure(home).pid
    found = Path(os.environ.get("KG_TEST_RUN", "")) / "neo4j.pid"
    return int(found.read_text()) if found.exists() else os.getpid()


def many_pieces(kg: KnowledgeGraph) -> dict[str, Any]:
    """A fact with 10,000 pieces: what one more costs."""
    ends = [Entity(entity_id("person", name), name, ("person",)) for name in ("One", "Other")]

    def claim(first: int, last: int) -> Claim:
        return Claim(
            ends[0],
            "knows",
            ends[1],
            tuple(Evidence("text", Source(SourceId(f"many:{n}"), "document"), 1.0, quote=QUOTE) for n in range(first, last)),
        )

    for start in range(0, 10_000, 500):
        kg.put([claim(start, start + 500)])
    return {"one more piece on 10,000, ms": milliseconds(lambda n: kg.put([claim(n, n + 1)]), list(range(10_000, 10_030)))}


def names(store: BoltStore) -> dict[str, Any]:
    """Entities looked up by name, as an import by names does: 20,000 whose names share a word, and 20,000 whose names do not."""
    told = (Evidence("text", Source(SourceId("names"), "document"), 1.0),)
    wanted = {}
    for form in ("ent{}", "ent {}"):
        ends = [Entity(f"named:{form.format(n)}", form.format(n), ("person",)) for n in range(20_000)]
        store.put([Claim(ends[n], "knows", ends[n - 1], told) for n in range(20_000)])
        wanted[form] = [one.name for one in ends[::10]]
    turns = [tuple(rate(len(some), lambda s=some: store.named(s)) for some in wanted.values()) for _ in range(3)]
    return {
        "entities by name, names/s": [round(shared) for _, shared in turns],
        "by names that share a word / that do not": round(statistics.median(shared / apart for apart, shared in turns), 2),
    }


def _key(claim: Claim) -> Any:
    return fact_key(claim.relation, claim.head.id, claim.tail.id if isinstance(claim.tail, Entity) else claim.tail)


@contextmanager
def opened(which: str) -> Iterator[tuple[BoltStore, Path | None]]:
    if which == "local":
        with tempfile.TemporaryDirectory() as folder:
            store = local.open_store(Path(folder), "bench")
            try:
                yield store, Path(folder)
            finally:
                store.close()
                server.stop(Path(folder))
    elif uri := os.environ.get("NEO4J_URI"):
        store = neo4j.open_store(uri, os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD", ""))
        yield store, None
        store.close()
    else:
        from tests import servers

        servers.begin()
        try:
            found = servers.neo4j()
            store = neo4j.open_store(found.uri, found.user, found.password)
            yield store, None
            store.close()
        finally:
            servers.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", choices=("local", "neo4j"))
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with opened(given.server) as (store, home):
        result = {"server": given.server, **measure(store, given.facts, home)}
    for name, value in result.items():
        print(f"{name:32} {value}")
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
