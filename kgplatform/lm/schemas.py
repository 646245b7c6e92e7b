"""Whether a value fits a JSON schema, and what is left of one when what does not is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgplatform.errors import MissingExtra

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_SAID = 300
"""Letters of a validator's complaint."""
_Way = tuple[str | int, ...]


def misfit(value: Any, schema: Mapping[str, Any] | None) -> str:
    """What does not fit, in words; nothing where all does."""
    if schema is None:
        return ""
    errors = _validator(schema).iter_errors(value)
    from jsonschema.exceptions import best_match

    error = best_match(errors)
    return _words(error) if error else ""


@dataclass(frozen=True, slots=True)
class Leave:
    """What may be left out of a value: items of its lists, and the properties for which ``spare`` has what stands there instead.

    ``told`` hears what was wrong with what is left out.
    """

    told: Callable[[Sequence[str]], object]
    spare: Mapping[str, Any] = field(default_factory=dict)

    def part(self, value: Any, schema: Mapping[str, Any]) -> Any | None:
        """What is left; nothing where something else does not fit, or a list would have no item left."""
        if not isinstance(value, dict):
            return None
        left, wrong = deepcopy(value), list[str]()
        for name, instead in self.spare.items():
            if amiss := misfit(left[name], schema["properties"][name]) if name in left else "":
                wrong.append(f"{name}: {amiss}")
            if amiss or name not in left:
                left[name] = instead
        out: dict[_Way, set[int]] = defaultdict(set)
        most: dict[_Way, int] = {}
        for error in _validator(schema).iter_errors(left):
            way = tuple(error.absolute_path)
            if error.validator == "maxItems":
                most[way] = error.validator_value
            elif (at := next((place for place in reversed(range(len(way))) if isinstance(way[place], int)), None)) is not None:
                out[way[:at]].add(int(way[at]))
            else:
                return None
            wrong.append(_words(error))
        for way in sorted({*out, *most}, key=len, reverse=True):
            items = left
            for step in way:
                items = items[step]
            items[:] = [item for number, item in enumerate(items) if number not in out[way]][: most.get(way)]
            if not items:
                return None
        self.told(wrong)
        return left


def _words(error: ValidationError) -> str:
    """What is wrong, without the middle of a long value: what is wrong with it stands at the end."""
    said = error.message if len(error.message) <= _SAID else f"{error.message[: _SAID // 3]} … {error.message[-_SAID // 2 :]}"
    return f"at {error.json_path}: {said}"


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise MissingExtra("jsonschema", extra="chat", need="checking answers") from None
    return Draft202012Validator(schema)
