"""Putting claims: one batch in one transaction.

The order of the statements is what makes concurrent writers exact: entities and where they lead; sources and
how often each was forgotten; facts made or found, with belief already computed; only those with news locked, read,
computed and set; the batch's record; and at the end once more all that the batch relied on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from kgplatform.store import records
from kgplatform.store.records import Row
from kgplatform.store.transaction import Transaction


def put(transaction: Transaction, rows: Sequence[Row], symmetric: Collection[str], certain: bool = False) -> Counter[str]:
    """Write claimed rows; count what became of each: new, merged, unchanged. ``certain`` says that nobody can come between."""
    told = records.told_entities(rows)
    redirects = transaction.tell(told)
    epochs = transaction.sources(rows)
    moved = records.moved(rows, redirects, epochs, symmetric)
    outcomes, written = transaction.enter(moved)
    transaction.qualify()
    if news := transaction.news:
        written |= {row.key for row in moved if not news.isdisjoint(one.id for one in row.entities)}
    transaction.record([row for row in moved if row.key in written], epochs)
    if not certain:
        transaction.check(told, redirects, epochs)
    return outcomes
