"""Entities of a whole graph that may be one: compared within blocks that share a key of a name, never all with all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import chain, combinations, product

from kgplatform.conflicts import differ
from kgplatform.linking import forms
from kgplatform.linking.deciding import Pair, fuller
from kgplatform.linking.exact import compatible
from kgplatform.linking.linker import ASK, SAME
from kgplatform.linking.spelling import plainly
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Progress, Store
from kgplatform.store import merging, vectors
from kgplatform.types import Entity, EntityId, Fact, FactQuery, Kind, Literal, Relation

DIFFERENT = Relation("different from", "The two are not the same thing, though their names are alike.", symmetric=True)
"""What a person says of two entities that are not to be merged."""
BLOCK = 60
"""Members of a block that are all compared; of a larger one each with those beside it in the order of names."""
_BESIDE = 10
_PART = 256
_NEAR = 10
AROUND = 20_000
"""Facts around the entities of a part that are read at once; where there are more, each pair is asked for."""


def duplicates(
    store: Store, *, least: float = ASK, same: float = SAME, encoder: Encoder | None = None, progress: Progress | None = None
) -> list[Pair]:
    """Pairs of entities that may be one, the likeliest first; ``other`` is the one to keep, by its fuller name.

    With an encoder also those that are near in meaning, by its vectors, which the graph must have. One that is as likely as not another's
    gets no more than .5. What a person has parted again, or called different, does not come back, nor do two ends of a believed fact.
    """
    redirects = merging.in_force(store.merges())
    listed = [one for one in store.unembedded("") if one.id not in redirects]
    apart, kinds = _apart(store), store.kinds()
    pairs: dict[tuple[EntityId, EntityId], Pair] = {}
    for one, other, cosine in _met(store, listed, encoder, progress):
        entity, kept = sorted((one, other), key=fuller)
        if (entity.id, kept.id) in pairs or frozenset((one.id, other.id)) in apart or not _compatible(one, other, kinds):
            continue
        if (pair := Pair.of(entity, kept, cosine)).score >= least:
            pairs[entity.id, kept.id] = pair
    likely = [pair for pair in _told_apart(store, list(pairs.values())) if pair.score >= least]
    told = list(_unjoined(store, likely))
    settled = [pair for pair in _settled(told, same) if pair.score >= least]
    return sorted(settled, key=lambda pair: (-pair.score, pair.entity.id, pair.other.id))


def joined(store: Store, one: EntityId, other: EntityId) -> Fact | None:
    """A fact that is believed between the two, if there is one: a thing is seldom said of itself."""
    ends = ((one, other), (other, one))
    return next(chain.from_iterable(store.facts(FactQuery(head=head, tail=tail, limit=1)) for head, tail in ends), None)


def _unjoined(store: Store, pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Those of which no fact is believed that has the one at its head and the other at its tail."""
    for start in range(0, len(pairs), _PART):
        part = pairs[start : start + _PART]
        around = store.neighbours([pair.entity.id for pair in part], FactQuery(tails="entities", limit=AROUND))
        said = {frozenset((fact.head.id, fact.tail.id)) for fact in around if isinstance(fact.tail, Entity)}
        for pair in part:
            if frozenset((pair.entity.id, pair.other.id)) in said:
                continue
            if len(around) < AROUND or joined(store, pair.entity.id, pair.other.id) is None:
                yield pair


def joining(pairs: Iterable[Pair]) -> int:
    """How many merges these pairs come to: one fewer for each that the others have made one already."""
    group: dict[EntityId, set[EntityId]] = {}
    made = 0
    for pair in pairs:
        one, other = (group.get(end.id, {end.id}) for end in (pair.entity, pair.other))
        made += pair.other.id not in one
        group |= dict.fromkeys(one | other, one | other)
    return made


def _apart(store: Store) -> Set[frozenset[str]]:
    """Pairs of which a person has said that they are two."""
    undone = {frozenset((one.keep, one.other)) for one in store.merges() if one.undone}
    told = store.facts(FactQuery(relation=DIFFERENT.name, tails="entities"))
    return undone | {frozenset((fact.head.id, fact.tail.id)) for fact in told if isinstance(fact.tail, Entity)}


def _told_apart(store: Store, pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Pairs, with how many relations they contradict each other in: each has a value, and one thing could not have both."""
    valued: dict[EntityId, dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    of = {end.id for pair in pairs for end in (pair.entity, pair.other)}
    once = [card.name for card in store.relations().values() if card.functional] if pairs else []
    for fact in chain.from_iterable(store.facts(FactQuery(relation=name, tails="literals")) for name in once):
        if fact.head.id in of and isinstance(fact.tail, Literal) and fact.tail.datatype != "string":
            valued[fact.head.id][fact.relation].append(fact)
    for pair in pairs:
        one, other = (valued.get(end.id, {}) for end in (pair.entity, pair.other))
        yield pair.contradicting(sum(_all_differ(one[name], other[name]) for name in one.keys() & other.keys()))


def _all_differ(some: Sequence[Fact], others: Sequence[Fact]) -> bool:
    return all(one.tail != other.tail and differ(one, other) for one, other in product(some, others))


def _compatible(one: Entity, other: Entity, kinds: dict[str, Kind]) -> bool:
    return any(compatible(kind, other.kinds, kinds) for kind in one.kinds)


def _met(
    store: Store, listed: Sequence[Entity], encoder: Encoder | None, progress: Progress | None
) -> Iterator[tuple[Entity, Entity, float]]:
    """Pairs that share a key, and those that are near in meaning with their cosine."""
    if encoder is not None:
        for start in range(0, len(listed), _PART):
            part = listed[start : start + _PART]
            near = store.nearest_each(encoder.name, encoder.encode(list(map(vectors.words, part))), _NEAR)
            yield from (
                (one, hit.entity, hit.score) for one, hits in zip(part, near, strict=True) for hit in hits if hit.entity.id != one.id
            )
    met: set[tuple[int, int]] = set()
    blocks = _blocks(listed)
    brief = {at for at, one in enumerate(listed) if any(forms.is_brief(name) for name in (one.name, *one.aliases))}
    for done, (key, block) in enumerate(blocks.items()):
        if progress and done % 1_000 == 0:
            progress(done, len(blocks))
        for a, b in _within(block, brief if key.startswith(forms.OF_BRIEF) else None):
            if (a, b) not in met:
                met.add((a, b))
                yield listed[a], listed[b], 0.0
    if progress:
        progress(len(blocks), len(blocks))


def _blocks(listed: Sequence[Entity]) -> dict[str, list[int]]:
    """Places of entities by the keys of their names, in the order of names."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for at in sorted(range(len(listed)), key=lambda at: (plainly(listed[at].name), listed[at].id)):
        for key in vectors.keys(listed[at]):
            blocks[key].append(at)
    return blocks


def _within(block: Sequence[int], brief: Set[int] | None = None) -> Iterator[tuple[int, int]]:
    """Pairs of a block: all of a small one, neighbours of a large one; where only ``brief`` names are of interest, these with all."""
    if brief is not None:
        pairs: Iterable[tuple[int, int]] = ((one, other) for one in block if one in brief for other in block[: 10 * BLOCK] if one != other)
    elif len(block) <= BLOCK:
        pairs = combinations(block, 2)
    else:
        pairs = ((one, other) for at, one in enumerate(block) for other in block[at + 1 : at + 1 + _BESIDE])
    yield from ((min(pair), max(pair)) for pair in pairs)


def _settled(pairs: Iterable[Pair], same: float) -> Iterator[Pair]:
    """Pairs, of which those that contradict each other are a question: who may be two others that are not one themselves."""
    listed = list(pairs)
    sure: dict[EntityId, set[EntityId]] = defaultdict(set)
    for pair in listed:
        if pair.score >= same:
            sure[pair.entity.id].add(pair.other.id)
            sure[pair.other.id].add(pair.entity.id)
    for pair in listed:
        rivals = sorted(one for one in sure[pair.entity.id] - {pair.other.id} if one not in sure[pair.other.id])
        rivals += sorted(one for one in sure[pair.other.id] - {pair.entity.id} if one not in sure[pair.entity.id])
        yield replace(pair, score=min(pair.score, 0.5), rival=rivals[0]) if pair.score >= same and rivals else pair
