"""By equal names: the same as an entity that is there, a new one, or a question for a person.

A mention is an entity that bears its name (or an alias, compared in normalised form) and whose kind fits, or of them the one whose id it
says. When two fit, nothing is guessed: the candidate is handed back with the reason. Every writer that starts
from words comes through here, or through a ``Linker``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kgplatform import names
from kgplatform.cards import ancestors, fits
from kgplatform.errors import Ambiguous, BadName
from kgplatform.ports import Search
from kgplatform.types import Candidate, Claim, Entity, Kind, Literal, Mention

ANYTHING = "thing"


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A candidate that was not linked, and why."""

    candidate: Candidate
    why: str


@dataclass(frozen=True, slots=True)
class Linked:
    """Claims ready for ``put``, and the candidates that need a person."""

    claims: tuple[Claim, ...]
    unlinked: tuple[Unlinked, ...] = ()


def compatible(mention: str, entity: Iterable[str], kinds: Mapping[str, Kind]) -> bool:
    """Whether a mention of one kind can be an entity of these: one is a sub-kind of the other, or one is any thing."""
    return any(ANYTHING in (mention, kind) or fits(mention, [kind], kinds) or fits(kind, [mention], kinds) for kind in entity)


def resolve(mention: Mention, bearers: Sequence[Entity], kinds: Mapping[str, Kind]) -> Entity:
    """The entity that a mention means among those bearing its name, or a new one.

    Raises ``Ambiguous`` when several fit, ``BadName`` when the words are no name.
    """
    meant = [entity for entity in bearers if entity.id == mention.meant]
    fitting = meant or [entity for entity in bearers if compatible(mention.kind, entity.kinds, kinds)]
    match by_own_name(mention.name, fitting):
        case []:
            return Entity(names.entity_id(mention.kind, mention.name), names.clean(mention.name), (mention.kind,), mention.aliases)
        case [entity]:
            return dataclasses.replace(entity, aliases=mention.aliases)
        case several:
            raise Ambiguous(several_bear(mention.name, several))


def by_own_name(name: str, bearers: Sequence[Entity]) -> Sequence[Entity]:
    """Those that bear a name as their own; where none does, those that have it as an alias."""
    return [entity for entity in bearers if names.normalise(entity.name) == names.normalise(name)] or bearers


def several_bear(name: str, bearers: Iterable[Entity]) -> str:
    """The sentence that says which entities words may mean."""
    listed = ", ".join(sorted(entity.id for entity in bearers)[:5])
    return f"{name[:80]!r} may be {listed}: name the one that is meant by its id"


def link(candidates: Sequence[Candidate], search: Search, kinds: Mapping[str, Kind]) -> Linked:
    """Link the ends of each candidate, and those of its qualifiers that are mentions; one look-up for all names."""
    return claimed(candidates, resolved({mention for c in candidates for mention in c.mentions}, search, kinds))


def claimed(candidates: Iterable[Candidate], resolved: Mapping[Mention, Entity | str]) -> Linked:
    """The claims of candidates whose mentions all have an entity; the others with the reason why one has none."""
    entities = {mention: one for mention, one in resolved.items() if isinstance(one, Entity)}
    claims, unlinked = [], []
    for candidate in candidates:
        if whys := [found for mention in candidate.mentions if isinstance(found := resolved[mention], str)]:
            unlinked.append(Unlinked(candidate, whys[0]))
        else:
            claims.append(_claim(candidate, entities))
    return Linked(tuple(claims), tuple(unlinked))


def _claim(candidate: Candidate, resolved: Mapping[Mention, Entity]) -> Claim:
    """The candidate with the entities of its mentions, all of which are resolved."""
    tail = candidate.tail if isinstance(candidate.tail, Literal) else resolved[candidate.tail]
    qualifiers = ((name, resolved[value] if isinstance(value, Mention) else value) for name, value in candidate.qualifiers)
    return Claim(
        resolved[candidate.head],
        candidate.relation,
        tail,
        (candidate.evidence,),
        tuple(sorted(qualifiers, key=lambda qualifier: qualifier[0])),
    )


def resolved(mentions: Iterable[Mention], search: Search, kinds: Mapping[str, Kind]) -> dict[Mention, Entity | str]:
    """Each mention's entity, or the sentence that says why it has none.

    A mention also meets the entities that others of this batch make: narrow kinds go first, so that a person
    and a mere thing of one name become one entity, whatever the batches are.
    """
    found: dict[Mention, Entity | str] = {}
    cleaned: dict[Mention, Mention] = {}
    for mention in mentions:
        try:
            cleaned[mention] = dataclasses.replace(mention, name=names.clean(mention.name))
        except BadName as error:
            found[mention] = str(error)
    bearers = {key: list(ones) for key, ones in search.named(sorted({names.normalise(one.name) for one in cleaned.values()})).items()}
    for mention, clean in sorted(cleaned.items(), key=lambda item: (-len(_line(item[1].kind, kinds)), item[1].kind, item[1].name)):
        known = bearers.setdefault(names.normalise(clean.name), [])
        try:
            entity = found[mention] = resolve(clean, known, kinds)
        except (Ambiguous, BadName) as error:
            found[mention] = str(error)
            continue
        if all(entity.id != one.id for one in known):
            known.append(entity)
    return found


def _line(kind: str, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """A kind and what it is, without the root: the longer, the narrower; any kind is narrower than a thing."""
    return tuple(one for one in ancestors(kind, kinds) if one != ANYTHING)
