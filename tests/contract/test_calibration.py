"""A calibration that another program publishes reaches a store that is open."""

from __future__ import annotations

from kgplatform.store import local
from kgplatform.store.memory import MemoryStore
from tests import servers
from tests.contract.test_store import STRICTER, beliefs, random_claims


def test_an_open_store_believes_by_what_another_published(local_graph: str) -> None:
    one, other = (local.open_store(servers.local_home(), local_graph) for _ in range(2))
    one.put(random_claims(1))
    other.publish(STRICTER)
    one.put(random_claims(2))
    judge = MemoryStore()
    judge.publish(STRICTER)
    judge.put([*random_claims(1)])
    judge.put(random_claims(2))
    assert beliefs(one) == beliefs(judge)
    assert one.calibration == STRICTER
    one.settle(now=1 << 62)
    assert beliefs(other) == beliefs(judge)
    one.close()
    other.close()
