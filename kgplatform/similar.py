"""Entities by what their names and descriptions mean, as a sentence encoder reads them.

Each entity's words become a vector that the store keeps. They are made in parts, and each part is kept before the next
is made: what is interrupted goes on where it was, and what was told anew since is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from kgplatform.errors import BadRequest
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Progress, Store
from kgplatform.store import vectors
from kgplatform.store.vectors import words
from kgplatform.types import Entity, Hit, VectorSpace

__all__ = ["embed", "lacking", "similar", "words"]

PART = 256
"""Entities that are encoded and kept at once."""


def embed(store: Store, encoder: Encoder, *, replace: bool = False, progress: Progress | None = None) -> int:
    """Make the vectors that entities lack; how many were made.

    Raises ``BadRequest`` when the graph holds those of another encoder, unless they are to be replaced.
    """
    if _others(store, encoder, replace):
        store.drop_vectors()
    total = lacking(store, encoder) if progress else 0
    done = 0
    for part in _parts(store.unembedded(encoder.name)):
        made = encoder.encode([words(one) for one in part])
        done += store.embed(encoder.name, dict(zip(part, made, strict=True)))
        # The local server puts vectors in order when it is asked for some: better now, a few at a time, than when a person waits.
        store.nearest(encoder.name, made[-1], 1)
        if progress:
            progress(min(done, total), total)
    return done


def lacking(store: Store, encoder: Encoder, *, replace: bool = False) -> int:
    """How many vectors ``embed`` would make; it raises what that raises, and writes nothing."""
    _others(store, encoder, replace)
    return sum(1 for _ in store.unembedded(encoder.name))


def _others(store: Store, encoder: Encoder, replace: bool) -> bool:
    """Whether the graph holds vectors of another encoder. Raises ``BadRequest`` when they are not to be replaced."""
    check(encoder)
    held, wanted = store.vector_space(), VectorSpace(encoder.name, encoder.dimension)
    if held and not replace:
        vectors.check(held, wanted)
    return held not in (None, wanted)


def comparable(store: Store, encoder: Encoder) -> None:
    """Raises ``BadRequest`` when the graph has no vectors that can be compared with this encoder's."""
    check(encoder)
    vectors.check(vectors.present(store.vector_space()), VectorSpace(encoder.name, encoder.dimension))


def similar(store: Store, text: str, encoder: Encoder, limit: int) -> list[Hit]:
    """The entities whose words mean the most like the text; ``score`` is the cosine."""
    check(encoder)
    return store.nearest(encoder.name, encoder.encode([text[: vectors.WORDS]])[0], limit) if text.strip() else []


def check(encoder: object) -> None:
    """Raises ``BadRequest`` for what is no encoder."""
    if not (hasattr(encoder, "encode") and hasattr(encoder, "name")):
        raise BadRequest(f"{repr(encoder)[:60]} is no sentence encoder, such as  kgplatform.opening.encoder()  gives")


def _parts(entities: Iterable[Entity]) -> Iterator[list[Entity]]:
    waiting = iter(entities)
    while part := list(islice(waiting, PART)):
        yield part
