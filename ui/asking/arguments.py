"""What each operation takes, with its limits: the schema that a program reads, and the check of what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kgplatform import facts
from kgplatform.errors import BadRequest
from kgplatform.types import By, Status

Name = Annotated[str, Field(min_length=1, max_length=1_000)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_ENTITY = "An entity, by id, name or alias."
A = TypeVar("A", bound="Arguments")
_TEXT, _WHOLE, _NUMBER, _TRUTH = "must be a string", "must be a whole number", "must be a number", "must be true or false"
_DATE = "must be a date, written as 1990, 1990-05 or 1990-05-17"
_NAMED = "must be a JSON object, with a value by each name"
_MUST = {
    "missing": "is missing",
    "extra_forbidden": "is no argument of this",
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_pattern_mismatch": _DATE,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:,g}",
    "less_than_equal": "must be at most {le:,g}",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
    "too_long": "must have at most {max_length} items",
    "dict_type": _NAMED,
    "model_type": _NAMED,
}
"""What an argument must be, by pydantic's names for what it is not."""


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
    if first["loc"] == ("body",):
        return "the body must be a JSON object, sent with the header  Content-Type: application/json"
    must = _MUST.get(first["type"], first["msg"][:1].lower() + first["msg"][1:].replace("{", "{{").replace("}", "}}"))
    if first["type"] == "string_too_short" and first["ctx"]["min_length"] == 1:
        must = "must not be empty"
    return f"{_place(first['loc'])} {must.format(**first.get('ctx', {}))}" + (f" (and {more} more)" if more else "")


def _place(found: Sequence[str | int]) -> str:
    """Which argument it is, for who sent it: ``limit``, ``item 2 of means``. REST names first in what it was sent."""
    match found[1:] if len(found) > 1 and found[0] in ("query", "body") else found:
        case (name, int(at), *_):
            return f"item {at + 1} of {name}"
        case (name, *_):
            return str(name)[:60]
        case _:
            return "what is sent"


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

    head: Name | None = Field(None, description="The entity at which facts begin, by id or name; of a symmetric relation, either end.")
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
