"""What the processes of the concurrency tests share: few people of whom many things are said, and where the graph is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from kgplatform.names import entity_id
from kgplatform.store.bolt import BoltStore
from kgplatform.types import Claim, Entity, Evidence, Source, SourceId

PEOPLE = [Entity(entity_id("person", f"p{n}"), f"p{n}", ("person",)) for n in range(30)]
SOURCES = 6
KEPT = SourceId("doc:kept")
Where = dict[str, Any]


def a_claim(chosen: random.Random, time_: int, writer: int) -> Claim:
    """A claim among few people, so that writers meet."""
    ends = chosen.sample(PEOPLE, 2)
    relation = chosen.choice(["knows", "spouse", "met"])
    if relation == "spouse":
        ends.sort(key=lambda end: end.id)
    source = KEPT if chosen.random() < 0.3 else SourceId(f"doc:{chosen.randrange(SOURCES)}")
    piece = Evidence(
        "text", Source(source, "document"), chosen.choice([0.5, 1.0, 2.0]), run=chosen.choice(["", f"run{writer}"]), time=time_
    )
    said = {name: chosen.choice(PEOPLE) for name in ("met_at", "with") if chosen.random() < 0.3}
    return Claim(ends[0], relation, ends[1], (piece,), tuple(said.items()))


def claims_of(writer: int, round_: int) -> list[Claim]:
    """What a writer says in a round; no two say the same at the same time, so that the latest is certain."""
    chosen = random.Random(writer * 1_000 + round_)
    return [a_claim(chosen, 1 + 1_000 * round_ + 100 * writer + n, writer) for n in range(40)]


def open_again(where: Where, restoring: bool = False) -> BoltStore:
    from kgplatform.store import local, neo4j

    if "home" in where:
        return local.open_store(Path(where["home"]), where["graph"], restoring=restoring)
    return neo4j.open_store(where["uri"], where["user"], where["password"], restoring=restoring)
