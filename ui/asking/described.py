"""What answers look like: the shapes of ``ui.shapes`` as schemas that a program reads."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kgplatform.types import Method, Origin, Verdict


class Described(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Entity(Described):
    """A thing, by its id."""

    id: str
    name: str
    kinds: list[str]


class Value(Described):
    """A value in canonical form: dates as 1867-11-07, numbers in digits."""

    value: str
    datatype: str
    unit: str
    language: str


class FullEntity(Entity):
    aliases: list[str]
    description: str


class Hit(FullEntity):
    score: float = Field(description="How well it fits, 1 at best.")


class Fact(Described):
    key: str = Field(description="What names the fact, for explain and for reading on behind it.")
    head: Entity
    relation: str
    tail: Entity | Value
    qualifiers: dict[str, str | Entity]
    confidence: float = Field(description="How far it is believed by all evidence, from 0 to 1.")
    trust: float = Field(description="The same without what graph models say.")
    status: str
    verdict: Verdict
    judge: str
    origin: list[Origin]
    sources: list[str]


class Evidence(Described):
    """A piece of evidence with its part in the belief."""

    method: Method
    source: str
    title: str
    score: float
    model: str
    quote: str
    start: int
    end: int
    run: str
    time: int
    detail: dict[str, Any]
    weight: float = Field(description="In nats of log-odds.")
    counts: bool = Field(description="Whether it is the strongest of its group, and so counts.")


class Conflict(Fact):
    why: str


class Event(Described):
    time: int = Field(description="Milliseconds since 1970.")
    what: str
    merge: str | None = None
    by: str | None = None
    method: Method | None = None
    source: str | None = None
    run: str | None = None


class Explanation(Fact):
    prior: float = Field(description="The belief before all evidence, in nats of log-odds.")
    evidence: list[Evidence]
    conflicts: list[Conflict]
    history: list[Event]
    support: list[Fact] = Field(description="Facts that graph models name as its grounds.")
    derived: list[Fact] = Field(description="Predicted facts that name this one.")


class Step(Described):
    """A fact that is walked, with the words that support it."""

    words: str
    forward: bool = Field(description="Whether it is walked from head to tail.")
    fact: Fact
    quote: str
    source: str


class Path(Described):
    hops: int
    confidence: float = Field(description="The product over its facts.")
    steps: list[Step]


class Search(Described):
    entities: list[Hit]


class Neighbours(Described):
    entity: FullEntity
    facts: list[Fact]


class Paths(Described):
    paths: list[Path]


class Facts(Described):
    facts: list[Fact]
    next: str | None = Field(description="Give it as after to read on; null at the end.")


class Rows(Described):
    columns: list[str]
    rows: list[dict[str, Any]]
    complete: bool = Field(description="Whether these are all rows.")


class Alternative(Described):
    """Another reading of the question."""

    topic: Entity
    route: list[str]
    answers: list[Entity | Value]
    share: float


class Answer(Described):
    """An answer with the walks through the graph that it rests on."""

    question: str
    answer: str
    supported: bool = Field(description="False when the graph does not say; the answer then says why.")
    confidence: float = Field(description="How sure it is that this was asked, and that it is so.")
    entities: list[Entity | Value] = Field(description="What is answered: things, values, a count, or true and false.")
    members: list[Entity | Value] = Field(description="What was counted.")
    route: list[str]
    walks: list[list[Step]]
    conflicts: list[list[Fact]] = Field(description="Facts on the walks that cannot all be true.")
    alternatives: list[Alternative]
    choices: list[Entity] = Field(description="What a name may mean: ask again with the id of one in means.")
    near: list[str] = Field(description="Names that may have been meant.")
    guess: str
    calls: int
    tokens: int


class Joins(Described):
    head: str
    tail: str = Field(description="A kind, or the datatype of a value.")
    facts: int


class RelationOf(Described):
    name: str
    type: str = Field(description="Its relationship type in Cypher.")
    property: str = Field(description="In Cypher, the property of an entity that holds its value.")
    definition: str
    inverse: str
    functional: bool
    symmetric: bool
    joins: list[Joins]


class KindOf(Described):
    name: str
    label: str = Field(description="Its label in Cypher.")
    is_a: str
    description: str


class Schema(Described):
    graph: str
    relations: list[RelationOf]
    kinds: list[KindOf]
