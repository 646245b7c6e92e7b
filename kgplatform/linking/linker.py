"""Decide at writing: is a mention an entity that is there, a new one, or is a person to say?

A mention whose name somebody bears is linked as ``exact`` does. Another one is compared with the entities that share keys of
its name or lie near it by meaning, and with the others of its batch. It is always claimed under the id that its own words make,
and one that is the *same* as another is then merged with that: so every decision stands among the merges, and undoing it gives
each entity the evidence that was claimed for it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from kgplatform import names, similar
from kgplatform.errors import BadRequest
from kgplatform.linking import exact, forms, scoring
from kgplatform.linking.candidates import met
from kgplatform.linking.deciding import Decision, Pair, decided
from kgplatform.linking.exact import ANYTHING, Linked
from kgplatform.linking.withdrawing import of_run
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Store
from kgplatform.store import vectors
from kgplatform.types import Candidate, Claim, Entity, EntityId, FactQuery, Mention, Merge, VectorSpace, is_probability

SAME = 0.9
"""From this probability on two names are one thing."""
ASK = 0.45
"""From this one on a person is asked."""
_NEIGHBOURS = 2_000


@dataclass(frozen=True, slots=True)
class Linking(Linked):
    """Claims ready for ``put``, the ``new`` entities among them, and what was decided of these, which ``Linker.settle`` carries out."""

    new: tuple[Entity, ...] = ()
    decisions: tuple[Decision, ...] = ()


class Linker:
    """Links words by names, initials, abbreviations, spellings and meaning; what it decides can be undone.

    ``linking = linker.link(candidates)``, then ``graph.put(linking.claims)``, then ``merges = linker.settle(linking)``:
    ``KnowledgeGraph.add(candidates, linker)`` does all three. Entities without a vector of this encoder (``KnowledgeGraph.embed``)
    are found by their exact names only; those that it makes get theirs.
    """

    def __init__(self, store: Store, encoder: Encoder, *, same: float = SAME, ask: float = ASK) -> None:
        """Merge from the probability ``same`` on, ask a person from ``ask`` on. The graph's kinds are those it has now.

        Raises ``BadRequest`` when the two contradict, the graph holds vectors of another encoder, or what is given is no store or encoder.
        """
        if not hasattr(store, "vector_space"):
            raise BadRequest(f"a linker links in the store of a graph, such as  kg.store,  not in {repr(store)[:60]}")
        similar.check(encoder)
        if not (is_probability(ask) and is_probability(same)) or not 0 < ask <= same <= 1:
            raise BadRequest(
                f"a linker cannot ask from {ask!r:.60} and merge from {same!r:.60} on: give two numbers up to 1, the first no larger"
            )
        if held := store.vector_space():
            vectors.check(held, VectorSpace(encoder.name, encoder.dimension))
        self._store, self._encoder = store, encoder
        self._kinds = store.kinds()
        self._same, self._ask = same, ask

    def link(self, candidates: Sequence[Candidate], context: Mapping[str, str] | None = None) -> Linking:
        """Link the ends of candidates, all at once; nothing is written. ``context`` says by name what is meant, in a few words."""
        said = _told(context)
        named = self._named({mention for one in candidates for mention in one.mentions})
        own = {mention: _own(mention) for mention, one in named.items() if isinstance(one, Entity) and mention.meant is None}
        there = self._store.entities(sorted({*own.values(), *(one.id for one in named.values() if isinstance(one, Entity))}))
        resolved = named | _as_themselves(named, own, there)
        linked = exact.claimed(candidates, resolved | self._homonyms(resolved, there, said))
        told = {one.id: one for claim in linked.claims for one in _entities(claim)}
        new = tuple(one for key, one in sorted(told.items()) if key not in there)
        return Linking(linked.claims, linked.unlinked, new, tuple(decided(new, self._pairs(new, linked, said), self._same, self._ask)))

    def settle(self, linking: Linking, run: str = "") -> list[Merge]:
        """Give new entities their vectors, and merge what was decided to be the same: after the claims were put.

        A merge names the ``run`` that it is of, so that ``withdrawing.forget_run`` takes it back with the run.
        """
        there = self._store.entities([one.id for one in linking.new])
        made = [there[one.id] for one in linking.new if one.id in there and there[one.id].id == one.id]
        if made:
            self._store.embed(self._encoder.name, dict(zip(made, self._encoder.encode(list(map(vectors.words, made))), strict=True)))
        same = [one.pair for one in linking.decisions if one.verdict == "same"]
        kept = self._store.entities([end.id for one in same for end in (one.entity, one.other)])
        return [
            self._store.merge(one.other.id, one.entity.id, one.by + of_run(run))
            for one in same
            if one.entity.id in kept and one.other.id in kept and kept[one.entity.id].id == one.entity.id != kept[one.other.id].id
        ]

    # -- by exact names ------------------------------------------------------------------------------

    def _named(self, mentions: Collection[Mention]) -> dict[Mention, Entity | str]:
        """What ``exact`` says, but a name whose capitals tell something is itself alone."""
        symbols = [one for one in mentions if one.kind == ANYTHING and one.meant is None and forms.capitals(one.name)]
        return exact.resolved(set(mentions) - set(symbols), self._store, self._kinds) | self._symbols(symbols)

    def _symbols(self, mentions: Sequence[Mention]) -> dict[Mention, Entity | str]:
        """Entities of names whose capitals tell something: those written so, T and not t, or new ones with ids that say so."""
        keys = {mention: names.normalise(mention.name) for mention in mentions}
        bearers = self._store.named(sorted(set(keys.values()))) if mentions else {}
        found: dict[Mention, Entity | str] = {}
        for mention, key in keys.items():
            alike = [one for one in bearers[key] if any(_as_written(name, mention.name) for name in (one.name, *one.aliases))]
            made = exact.resolve(mention, alike, self._kinds) if len(alike) < 2 else exact.several_bear(mention.name, alike)
            if isinstance(made, Entity) and not alike:
                made = dataclasses.replace(made, id=_own(mention))
            found[mention] = made
        return found

    def _homonyms(
        self, resolved: Mapping[Mention, Entity | str], there: Mapping[EntityId, Entity], said: Mapping[str, str]
    ) -> dict[Mention, str]:
        """Mentions of which is said what does not fit the one entity that bears their name."""
        pairs = [
            (mention, there[one.id], said[mention.name])
            for mention, one in resolved.items()
            if mention.name in said and mention.meant is None and isinstance(one, Entity) and one.id in there and there[one.id].description
        ]
        if not pairs:
            return {}
        encoded = self._encoder.encode([text for _, held, said_ in pairs for text in (said_, held.description)])
        cosines = (encoded[::2] * encoded[1::2]).sum(axis=1)
        return {
            mention: f"{mention.name[:80]!r} may be another than {held.id}, {held.description[:80]!r}: name the one that is meant by its id"
            for (mention, held, _), cosine in zip(pairs, cosines, strict=True)
            if scoring.probability(scoring.total({"alike": 1, "context": float(cosine) - scoring.USUAL})) < self._same
        }

    # -- by what is like it --------------------------------------------------------------------------

    def _pairs(self, new: Sequence[Entity], linked: Linked, said: Mapping[str, str]) -> list[Pair]:
        """New entities with those they may be, and how likely: from the store, and from among themselves."""
        pairs = [
            Pair.of(new[at], other, cosine, said.get(new[at].name, new[at].description), batch)
            for at, other, cosine, batch in met(self._store, self._encoder, new)
            if any(exact.compatible(kind, other.kinds, self._kinds) for kind in new[at].kinds)
        ]
        return self._beside([pair for pair in pairs if pair.score >= self._ask / 2], linked.claims, {one.id for one in new})

    def _beside(self, pairs: list[Pair], claims: Sequence[Claim], new: Set[EntityId]) -> list[Pair]:
        """Pairs, of which those that are uncertain and claimed beside known entities have the neighbours that they share counted too."""
        around: dict[EntityId, set[EntityId]] = defaultdict(set)
        for claim in claims:
            if isinstance(claim.tail, Entity):
                for one, other in ((claim.head.id, claim.tail.id), (claim.tail.id, claim.head.id)):
                    around[one] |= {other} - new
        unsure = {pair.other.id for pair in pairs if pair.score < self._same and not pair.batch and around.get(pair.entity.id)}
        if not unsure:
            return pairs
        near: dict[EntityId, set[EntityId]] = defaultdict(set)
        for fact in self._store.neighbours(sorted(unsure), FactQuery(tails="entities", limit=_NEIGHBOURS)):
            if isinstance(fact.tail, Entity):
                near[fact.head.id].add(fact.tail.id)
                near[fact.tail.id].add(fact.head.id)
        return [
            pair.beside(len(around[pair.entity.id] & near[pair.other.id]), self._same) if pair.score < self._same else pair
            for pair in pairs
        ]


def _entities(claim: Claim) -> list[Entity]:
    return [one for one in (claim.head, claim.tail, *(value for _, value in claim.qualifiers)) if isinstance(one, Entity)]


def _as_themselves(
    named: Mapping[Mention, Entity | str], own: Mapping[Mention, EntityId], there: Mapping[EntityId, Entity]
) -> dict[Mention, Entity]:
    """Mentions of entities that were merged, which are claimed under their own ids still."""
    led = {mention: named[mention] for mention, key in own.items() if key in there and there[key].id != key}
    return {
        mention: Entity(own[mention], names.clean(mention.name), (mention.kind,), mention.aliases)
        for mention, one in led.items()
        if isinstance(one, Entity) and one.id == there[own[mention]].id
    }


def _told(context: object) -> Mapping[str, str]:
    """What is said of names. Raises ``BadRequest`` when it is not text by name."""
    said = {} if context is None else context
    if isinstance(said, Mapping) and all(isinstance(one, str) for pair in said.items() for one in pair):
        return said
    raise BadRequest(f"context must say by each name, in text, what it means, not {repr(context)[:60]}")


def _as_written(one: str, other: str) -> bool:
    return forms.capitals(one) == forms.capitals(other)


def _own(mention: Mention) -> EntityId:
    """The id that a mention's own words make; where their capitals tell something, one that says so."""
    told = forms.capitals(mention.name) if mention.kind == ANYTHING else ""
    return names.entity_id(mention.kind, mention.name, names.digest(told, size=4) if told != told.casefold() or " " in told else "")
