"""An expansion that is killed at any moment ends as if undisturbed: its facts, their evidence, its merges, its shapes."""

from __future__ import annotations

import random

import pytest

from harvest.expand import Limits, Models, Way, harvest
from kgplatform.graph import KnowledgeGraph
from kgplatform.settings import load
from kgplatform.store.memory import MemoryStore
from tests import servers
from tests.integration import nightly
from tests.integration.crowd import Where, open_again
from tests.integration.test_jobs_harvest import _found, alone, held, home, ledger
from ui.expansions import expansion

__all__ = ["_found"]
TOPIC, ROUNDS, KILLS = "What makes silk strong?", 4, 2
OFTEN = 100_000
"""Calls of functions within which a process is killed."""


def merged(kg: KnowledgeGraph) -> set[tuple[str, str]]:
    return {(one.keep, one.other) for one in kg.merges() if not one.undone}


@pytest.mark.slow
def test_an_expansion_that_is_killed_ends_as_if_undisturbed(local_graph: str) -> None:
    where: Where = {"home": str(servers.local_home()), "graph": local_graph}
    whole = KnowledgeGraph(MemoryStore())
    models = Models(nightly.chat(), nightly.encoder(load()), home() / "quarantine")
    undisturbed = harvest(whole, TOPIC, models, Way("mixed"), Limits(ROUNDS), run="night")
    assert undisturbed.merges
    command = ["harvest", "expand", TOPIC, "--strategy", "mixed", "--iterations", str(ROUNDS), "--run", "night"]
    chosen = random.Random(0)
    kills = sum(alone(where, *command, kill=chosen.randrange(1, OFTEN)) != 0 for _ in range(KILLS))
    assert kills
    assert alone(where, *command) == 0, (home() / "told").read_text()
    with KnowledgeGraph(open_again(where)) as kg:
        assert held(kg) == held(whole)
        assert merged(kg) == merged(whole)
    run = expansion(ledger(), ledger().jobs()[0])
    assert tuple(run.rounds) == undisturbed.rounds
