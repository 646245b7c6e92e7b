"""A query whose asker has gone away is ended by the name under which it was asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from kgplatform.errors import LimitExceeded
from kgplatform.ports import Limits
from kgplatform.store.bolt import BoltStore

LONG = "UNWIND range(1, 300) AS a UNWIND range(1, 300) AS b UNWIND range(1, 100) AS c RETURN sum(a * b % (c + 7)) AS n"
SHORTER = LONG.replace("300", "60")


def test_a_query_is_stopped_by_its_name_and_others_go_on(served: BoltStore) -> None:
    with ThreadPoolExecutor(2) as threads:
        mine = threads.submit(served.read, LONG, {}, Limits(seconds=100, name="mine"))
        other = threads.submit(served.read, SHORTER, {}, Limits(seconds=100, name="other"))
        while not mine.done():
            served.stop("mine")
            wait([mine], timeout=0.1)
        with pytest.raises(LimitExceeded):
            mine.result()
        assert other.result().rows
    served.stop("nobody")
