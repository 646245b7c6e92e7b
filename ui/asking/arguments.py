"""What each operation takes, with its limits: the schema that a program reads, and the check of what it sends."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kgplatform import facts
from kgplatform.errors import BadRequest
from kgplatform.types import By, Status

Name = Annotated[str, Field(min_length=1, max_length=1_000)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_ENTITY = "An entity, by id, name or alias."
A = TypeVar("A", bound="Arguments")


class Arguments(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls: type[A], raw: object) -> A:
        """Raises ``BadRequest`` with the first thing that is wrong."""
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise BadRequest(wrong(error.errors())) from None


def wrong(errors: Any) -> str:
    """What is wrong with arguments, as a sentence; ``errors`` as pydantic lists them. Values are not repeated."""
    first, more = errors[0], len(errors) - 1
    if first["type"] == "json_invalid":
        return f"the body is no JSON: {first.get('ctx', {}).get('error', 'it cannot be read')} at character {first['loc'][-1]}"
    if first["type"] == "model_attributes_type" and first["loc"] == ("body",):
        return "the body must be a JSON object, sent with the header  Content-Type: application/json"
    place = ".".join(str(part) for part in first["loc"] if part not in ("query", "body", "header")) or "the arguments"
    what = "is no argument of this" if first["type"] == "extra_forbidden" else first["msg"][:1].lower() + first["msg"][1:]
    return f"{place}: {what}" + (f" (and {more} more)" if more else "")


class Which(Arguments):
    """Of which facts is spoken, as in ``kgplatform.facts.Which``."""

    status: Status = Field("current", description="Which facts: current are believed and not rejected.")
    min_confidence: Probability = Field(0.0, description="The least confidence of a fact, from 0 to 1.")
    source: Name | None = Field(None, description="The id of a source that speaks for them.")
    as_of: str | None = Field(
        None,
        pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$",
        description="A date (1990, 1990-05, 1990-05-17): facts that are said to hold only before or after it are left out.",
    )

    @property
    def which(self) -> facts.Which:
        return {"status": self.status, "min_confidence": self.min_confidence, "source": self.source, "as_of": self.as_of}


class Search(Arguments):
    text: Name = Field(description="A name, the beginning of one, or something like it.")
    meaning: bool = Field(False, description="Find what means something like the text instead; the graph must have been embedded.")
    limit: int = Field(20, ge=1, le=100, description="The most entities.")


class Entity(Arguments):
    entity: Name = Field(description=_ENTITY)


class Neighbours(Which):
    entity: Name = Field(description=_ENTITY)
    hops: int = Field(1, ge=1, le=3, description="How far from it facts may lie.")
    limit: int = Field(50, ge=1, le=1_000, description="The most facts.")


class Paths(Which):
    start: Name = Field(description=_ENTITY)
    end: Name | None = Field(None, description="Another entity; may be left out with a pattern, which then leads to the ends.")
    max_hops: int = Field(4, ge=1, le=6, description="The most facts of a path.")
    k: int = Field(5, ge=1, le=20, description="The most paths.")
    by: By = Field("shortest", description="What comes first: the fewest facts, those of few facts around them, or the most believed.")
    pattern: Name | None = Field(
        None, description='Relations to go over: / then, ^ against, | or, + * ? repeat, names in quotes: "^discovered by/born in".'
    )
    directed: bool = Field(False, description="Walk facts from head to tail only; not with a pattern, which says so itself.")


class Select(Which):
    """Which facts."""

    head: Name | None = Field(None, description="The entity at which facts begin, by id or name.")
    relation: Name | None = Field(None, description="The relation, in its own words: born in.")
    tail: Name | None = Field(None, description="The entity at which they end, by id or name.")


class Facts(Select):
    limit: int = Field(100, ge=1, le=1_000, description="The most facts.")
    after: Annotated[str, Field(min_length=5, max_length=8_000)] | None = Field(
        None, description="The key of the last fact so far: the next ones follow."
    )


class Explain(Arguments):
    fact: Annotated[str, Field(min_length=1, max_length=8_000)] = Field(description='Its key, or "head | relation | tail" by names.')


class Sent(Arguments):
    """What comes as JSON, where a number is no truth value and a text no number."""

    model_config = ConfigDict(strict=True)


class Cypher(Sent):
    query: Annotated[str, Field(min_length=1, max_length=20_000)] = Field(description="Cypher that only reads.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Values for $names in the query: give values here, never in it.")
    limit: int = Field(100, ge=1, le=10_000, description="The most rows.")
    seconds: float = Field(30.0, gt=0, le=120, allow_inf_nan=False, description="The longest it may run.")


class Ask(Sent):
    question: Name = Field(description="A question in English, in the words of the graph.")
    means: list[Name] = Field(
        default_factory=list, max_length=20, description="Ids of entities: a name in the question that several bear is one of these."
    )
    include_predicted: bool = Field(False, description="Walk over predicted facts too.")


class Schema(Arguments):
    """Nothing."""


class Propose(Sent):
    head: Name = Field(description="The entity of which something is said, by id or name; a name that the graph lacks becomes a new one.")
    relation: Name = Field(description="A relation of the graph, in its own words: born in. schema lists them.")
    tail: Name = Field(description="The other entity, by id or name, or a value where the relation has values: 1867-11-07.")
    quote: Annotated[str, Field(min_length=1, max_length=2_000)] = Field(
        description="The words that say so, as they stand where they stand."
    )
    where: Name | None = Field(None, description="Where these words stand: an address or a title.")
