"""Candidates that were held back go into the graph: those that are likely enough, and what a person said of single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from harvest.bertnet import candidates
from harvest.bertnet.candidates import Judged, Kinds
from harvest.bertnet.means import LEAST
from kgplatform import cards, names
from kgplatform.errors import Ambiguous, BadRequest
from kgplatform.graph import Added, KnowledgeGraph
from kgplatform.linking import Unlinked, by_own_name, link, several_bear
from kgplatform.types import Candidate, Claim, Entity, Fact, FactKey, Kind, Mention, Relation, Words


@dataclass(frozen=True, slots=True)
class Telling:
    """What candidates of one relation are put with: its card, the ``kinds`` of the graph's entities, the ``model`` that
    judged them, and the ``run`` of the harvest.
    """

    card: Relation
    kinds: Kinds = field(default_factory=dict)
    model: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a person said of tuples, and who it was."""

    accepted: tuple[Words, ...] = ()
    rejected: tuple[Words, ...] = ()
    by: str = "me"


def linked(kg: KnowledgeGraph, judged: Sequence[Judged], telling: Telling) -> tuple[dict[Words, Claim], tuple[Unlinked, ...]]:
    """The claims that candidates make, with the model as their evidence; and those that need a person.

    Of several things of one name that is meant which alone has the kinds that the card asks for.
    """
    told = [candidates.candidate(one, telling.card, telling.kinds, telling.model, telling.run) for one in judged]
    bearers = kg.store.named(sorted({names.normalise(mention.name) for one in told for mention in one.mentions}))
    clear, unclear = list[tuple[Words, Candidate]](), list[Unlinked]()
    for one, candidate in zip(judged, told, strict=True):
        try:
            clear.append((one.words, _meant(candidate, telling.card, bearers, kg.kinds())))
        except Ambiguous as error:
            unclear.append(Unlinked(candidate, str(error)))
    found = link([candidate for _, candidate in clear], kg.store, kg.kinds())
    left = {id(one.candidate) for one in found.unlinked}
    words = [words for words, candidate in clear if id(candidate) not in left]
    return dict(zip(words, found.claims, strict=True)), (*unclear, *found.unlinked)


def _meant(candidate: Candidate, card: Relation, bearers: Mapping[str, Sequence[Entity]], kinds: Mapping[str, Kind]) -> Candidate:
    """The candidate with the ids of what its words mean, where the graph has that. Raises ``Ambiguous``."""

    def one(mention: Mention, wanted: Sequence[str]) -> Mention:
        named = bearers.get(names.normalise(mention.name), ())
        fitting = by_own_name(mention.name, [entity for entity in named if any(cards.fits(kind, wanted, kinds) for kind in entity.kinds)])
        if len(fitting) > 1:
            raise Ambiguous(several_bear(mention.name, fitting))
        return replace(mention, meant=fitting[0].id) if fitting else mention

    wanted = dict(card.qualifier_kinds)
    return replace(
        candidate,
        head=one(candidate.head, card.domain),
        tail=one(candidate.tail, card.range) if isinstance(candidate.tail, Mention) else candidate.tail,
        qualifiers=tuple(
            (name, one(value, (wanted[name],)) if isinstance(value, Mention) else value) for name, value in candidate.qualifiers
        ),
    )


def send(kg: KnowledgeGraph, judged: Sequence[Judged], telling: Telling, least: float = LEAST, verdicts: Verdicts | None = None) -> Added:
    """Put the candidates that are at least so likely, and accept and reject in the graph what the person did, however likely.

    What anybody rejected there before is not put again, and what was accepted has its place where a card allows but one. Sent again it
    adds nothing. Raises ``BadCard`` where the card would give the graph's facts of the relation other keys.
    """
    said = verdicts or Verdicts()
    kg.learn([telling.card])
    spoken = {**dict.fromkeys(said.accepted, "accepted"), **dict.fromkeys(said.rejected, "rejected")}
    settled = {words: fact.verdict for words, fact in standing(kg, judged, telling).items()} | spoken
    accepted = [one for one in judged if settled.get(one.words) == "accepted"]
    likely = candidates.chosen((one for one in judged if settled.get(one.words) != "rejected"), telling.card, least, accepted)
    put = {one.words: one for one in (*likely, *(one for one in judged if one.words in spoken))}
    claims, unlinked = linked(kg, list(put.values()), telling)
    receipt = kg.put(claims.values())
    refused = [one.claim for one in receipt.refused]
    keys = _keys(kg, {words: claim for words, claim in claims.items() if words in spoken and claim not in refused})
    for words, key in keys.items():
        (kg.accept if spoken[words] == "accepted" else kg.reject)(key, by=said.by)
    return Added(receipt, unlinked)


def standing(kg: KnowledgeGraph, judged: Sequence[Judged], telling: Telling) -> dict[Words, Fact]:
    """The facts of the graph that candidates would become, of those that are there, whatever speaks for them."""
    if not judged or telling.card.name not in kg.relations():
        return {}
    keys = _keys(kg, linked(kg, judged, telling)[0])
    facts = kg.store.facts_at(list(keys.values()))
    return {words: facts[key] for words, key in keys.items() if key in facts}


def _keys(kg: KnowledgeGraph, claims: Mapping[Words, Claim]) -> dict[Words, FactKey]:
    """The keys of the facts that claims make; nothing for what breaks its card."""
    known, keys = kg.relations(), dict[Words, FactKey]()
    for words, claim in claims.items():
        with suppress(BadRequest):
            keys[words] = cards.key(cards.canonical(claim, known), known)
    return keys
