"""What people say of facts and of entities: verdicts, which are evidence like any other, and can be taken back."""

from __future__ import annotations

from kgplatform import belief, lookup, names
from kgplatform.errors import BadRequest
from kgplatform.ports import Store
from kgplatform.types import Claim, Evidence, Fact, Source, SourceId, in_words


def person(name: str) -> Source:
    """A reviewer as the source of their verdicts. Raises ``BadName``."""
    called = names.clean(names.text(name, "who says so"))
    return Source(SourceId(f"person:{called}"), "person", title=called)


def judge(store: Store, found: Fact, by: str, score: float, why: str = "") -> Fact:
    """The fact with a person's verdict: a score of 1 accepts, of -1 rejects, of 0 takes back."""
    review = Evidence("review", person(by), score, detail=(("why", why),) if why else ())
    store.put([Claim(found.head, found.relation, found.tail, (review,), found.qualifiers)])
    return lookup.fact(store, found.key)


def verdict(store: Store, found: Fact, by: str) -> Evidence:
    """The verdict of one person. Raises ``BadRequest`` when they have given none that stands."""
    reviewer = person(by)
    for piece in store.evidence(found.key):
        if piece.method == "review" and piece.source.id == reviewer.id and not belief.taken_back(piece):
            return piece
    raise BadRequest(f"{reviewer.title!r} has given no verdict on  {found.head.name} | {found.relation} | {in_words(found.tail)}")
