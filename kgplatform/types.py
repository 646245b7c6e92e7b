"""The words of the platform as frozen values. Nothing here knows a database, a model or a file.

A *claim* says that a fact holds and brings the *evidence*; the store keeps claims with the same key
as one *fact*, whose confidence ``kgplatform.belief`` computes from all its evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Literal as OneOf
from typing import NamedTuple, NewType, get_args

from kgplatform.errors import BadRequest

EntityId = NewType("EntityId", str)
FactKey = NewType("FactKey", str)
EvidenceId = NewType("EvidenceId", str)
SourceId = NewType("SourceId", str)

Method = OneOf["import", "text", "memory", "review", "graph"]
Status = OneOf["current", "predicted", "proposed", "rejected", "all"]
By = OneOf["shortest", "specific", "confidence"]
"""What makes a path better than another."""
Verdict = OneOf["none", "accepted", "rejected"]
Origin = OneOf["imported", "harvested", "told", "predicted"]

ORIGINS: dict[Method, Origin] = {"import": "imported", "text": "harvested", "memory": "harvested", "review": "told", "graph": "predicted"}


@lru_cache
def origins(methods: tuple[Method, ...]) -> tuple[Origin, ...]:
    """Which kinds of evidence methods are, in a fixed order."""
    return tuple(dict.fromkeys(ORIGINS[method] for method in ORIGINS if method in methods))


Pairs = tuple[tuple[str, str], ...]
"""A small mapping that can be hashed: (name, value), sorted by name."""

Words = tuple[str, ...]
"""One tuple of a relation in words, a seed or a candidate: in the order of its card's slots, head and tail first."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of entities in a small taxonomy; ``is_a`` is empty at the root."""

    name: str
    is_a: str = ""
    description: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing with an id. The first kind is the one its id was made from."""

    id: EntityId
    name: str
    kinds: tuple[str, ...] = ("thing",)
    aliases: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in canonical lexical form: ``Literal("1867-11-07", "date")``; see ``kgplatform.literals``."""

    value: str
    datatype: str = "string"
    unit: str = ""
    language: str = ""


Qualifiers = tuple[tuple[str, str | Entity], ...]
"""What a claim says besides its ends: (name, words or an entity), sorted by name."""


def in_words(value: Entity | Literal | str) -> str:
    """An end or a qualifier of a fact as a person reads it: a name, or a value with its unit."""
    if isinstance(value, str):
        return value
    return value.name if isinstance(value, Entity) else f"{value.value} {value.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation card: what the relation means, what it joins, and how a model can be asked for it.

    ``domain`` and ``range`` name kinds (sub-kinds fit too); ``range`` may instead be one datatype.
    Empty means anything. ``functional``: at most one tail a head; ``inverse_functional``: at most one head a
    tail. ``qualifier_kinds`` name qualifiers that must be entities, and their kinds. ``prompts`` hold ``{head}`` and
    ``{tail}`` once each; further slots are named like ``key_qualifiers``, and all prompts hold the same (``cards.slots``). A seed has
    one word or name a slot.
    """

    name: str
    definition: str = ""
    domain: tuple[str, ...] = ()
    range: tuple[str, ...] = ()
    inverse: str = ""
    functional: bool = False
    inverse_functional: bool = False
    symmetric: bool = False
    transitive: bool = False
    key_qualifiers: tuple[str, ...] = ()
    qualifier_kinds: Pairs = ()
    prompts: tuple[str, ...] = ()
    seeds: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where evidence comes from and can be withdrawn by: a document, a model, a file, a person."""

    id: SourceId
    kind: OneOf["document", "model", "import", "person", "graph"]
    title: str = ""
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A text that the graph keeps, and so can search, quote from and forget.

    ``length`` is in characters; ``passages`` says in how many it lies; ``time`` is when it was kept, in milliseconds.
    """

    source: Source
    length: int
    passages: int
    time: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document's text: the characters from ``start`` to ``end``. ``place`` counts from 0; in order they are the text."""

    source: SourceId
    place: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe a fact, or (a review's score of -1) to disbelieve it; 0 takes a review back.

    ``score`` is the raw number of ``method``; calibration turns it into log-odds. ``start`` and ``end`` are
    character offsets of ``quote`` in the source's text. ``model`` is ``name@revision``. ``time`` is in
    milliseconds since the epoch, UTC; 0 lets the store put its own. ``detail`` is for people: prompts,
    part scores, the reason of a rejection.
    """

    method: Method
    source: Source
    score: float = 1.0
    model: str = ""
    quote: str = ""
    start: int = -1
    end: int = -1
    head_words: str = ""
    tail_words: str = ""
    run: str = ""
    time: int = 0
    detail: Pairs = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that name something, before linking has decided which entity they mean; ``meant`` is its id where that is known."""

    name: str
    kind: str = "thing"
    aliases: tuple[str, ...] = ()
    meant: EntityId | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a harvester found: words, not yet entities, and why it thinks so.

    ``qualifiers`` are (name, words or a mention); where the card's ``qualifier_kinds`` want an entity, a mention.
    """

    head: Mention
    relation: str
    tail: Mention | Literal
    evidence: Evidence
    qualifiers: tuple[tuple[str, str | Mention], ...] = ()

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """What of it is to be linked: head, tail, qualifiers."""
        return tuple(one for one in (self.head, self.tail, *(value for _, value in self.qualifiers)) if isinstance(one, Mention))


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement with evidence, ready for ``put``."""

    head: Entity
    relation: str
    tail: Entity | Literal
    evidence: tuple[Evidence, ...]
    qualifiers: Qualifiers = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """What the store holds of one claim key, with belief already computed.

    ``confidence`` is the probability from all evidence, ``trust`` the same without graph models' evidence. Of more than 64
    ``sources`` a store may name the first.
    """

    key: FactKey
    head: Entity
    relation: str
    tail: Entity | Literal
    confidence: float
    trust: float
    verdict: Verdict = "none"
    judge: str = ""
    methods: tuple[Method, ...] = ()
    sources: tuple[SourceId, ...] = ()
    qualifiers: Qualifiers = ()

    @property
    def origin(self) -> tuple[Origin, ...]:
        """Which kinds of evidence speak for it, in a fixed order."""
        return origins(self.methods)


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of a path, walked from head to tail or (``forward=False``) against its direction."""

    fact: Fact
    forward: bool = True

    @property
    def start(self) -> Entity | Literal:
        return self.fact.head if self.forward else self.fact.tail

    @property
    def end(self) -> Entity | Literal:
        return self.fact.tail if self.forward else self.fact.head


@dataclass(frozen=True, slots=True)
class Path:
    """A walk through the graph: steps whose ends meet."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Whose vectors these are, and how many numbers each has. Only vectors of one space can be compared."""

    encoder: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Hit:
    """An entity that a search found; ``score`` orders one answer and means nothing across answers, unless it is a cosine."""

    entity: Entity
    score: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A claim that ``put`` did not take, and the sentence that says why."""

    claim: Claim
    why: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a ``put`` did. ``new`` facts were made; ``merged`` ones got news; ``unchanged`` ones had it all."""

    new: int = 0
    merged: int = 0
    unchanged: int = 0
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(self.new + other.new, self.merged + other.merged, self.unchanged + other.unchanged, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What withdrawing a source did: pieces of evidence gone, facts gone with them, facts that live on.

    ``predictions`` are those withdrawn because a fact that they rested on is gone; ``passages`` the parts of its text, if it had one.
    """

    evidence: int = 0
    facts_removed: int = 0
    facts_kept: int = 0
    predictions: int = 0
    passages: int = 0

    def __add__(self, other: Forgotten) -> Forgotten:
        return Forgotten(
            self.evidence + other.evidence,
            self.facts_removed + other.facts_removed,
            self.facts_kept + other.facts_kept,
            self.predictions + other.predictions,
            self.passages + other.passages,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction wrote or took away: the keys of facts to look at again. ``time`` is the server's, in milliseconds."""

    time: int
    keys: tuple[FactKey, ...]
    source: SourceId = SourceId("")
    run: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """One decision that ``other`` is the same thing as ``keep``. It can be undone, also when more has been learnt of both since."""

    id: str
    keep: EntityId
    other: EntityId
    by: str = ""
    time: int = 0
    undone: bool = False


class Interaction(NamedTuple):
    """That a user took an entity: when, in seconds since 1970, and how they rated it, where that is known. It is no fact."""

    user: str
    entity: EntityId
    time: float | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of interactions on their way into the graph: those that were ``skipped`` name an entity that it does not have."""

    kept: int = 0
    skipped: int = 0

    def __add__(self, other: Mirrored) -> Mirrored:
        return Mirrored(self.kept + other.kept, self.skipped + other.skipped)


def is_probability(value: object) -> bool:
    return isinstance(value, Real) and 0 <= float(value) <= 1


@dataclass(frozen=True, slots=True)
class FactQuery:
    """What ``facts`` selects; every part that is set must hold. ``source`` is a source id, ``method`` one by which any evidence came.

    ``tails`` may leave facts between entities alone, or facts whose tail is a value.

    ``after`` is the key of a fact, also of one that is gone: only those that come behind it fit.

    ``as_of`` is a date (``1990``, ``1990-05``, ``1990-05-17``): facts whose ``valid_from`` and ``valid_to`` exclude it do not fit.
    """

    head: EntityId | None = None
    relation: str | None = None
    tail: EntityId | None = None
    status: Status = "current"
    min_confidence: float = 0.0
    source: SourceId | None = None
    as_of: str | None = None
    limit: int | None = None
    method: Method | None = None
    tails: OneOf["any", "entities", "literals"] = "any"
    after: FactKey | None = None

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise BadRequest(f"{str(self.status)[:60]!r} is no status of facts: there are {', '.join(get_args(Status))}")
        if not is_probability(self.min_confidence):
            raise BadRequest(f"min_confidence must be from 0 to 1, not {str(self.min_confidence)[:60]}")


CURRENT = FactQuery()
"""What holds: believed, and not rejected."""
