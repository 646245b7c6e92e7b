"""Whether the values that people make hold in their fields what these are for: a claim without a head is told of at the door.

Python checks no types at run time, so ``Claim(None, "born in", warsaw, evidence)`` can be made. What such a value would break
deep in a store is said here in a sentence, before anything is written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import cache, partial
from numbers import Integral, Real
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints
from typing import Literal as OneOf

from kgplatform.errors import BadRequest
from kgplatform.types import Candidate, Claim, Evidence

_LISTS = (Candidate, Claim, Evidence)
"""Values whose fields may be lists where they are told as tuples: they are not hashed."""
_PLAIN: dict[Any, tuple[type, str]] = {
    str: (str, "text"), int: (Integral, "a whole number"), float: (Real, "a number"), NoneType: (NoneType, "None"),
}  # fmt: skip
_Fits = Callable[[Any], bool]


@dataclasses.dataclass(slots=True)
class _Shape:
    """The fields of a type: those of plain values, of which it is remembered what types have ``fitted``, and the others."""

    plain: dict[str, _Fits]
    held: Callable[[object], Iterable[object]]
    fitted: set[tuple[type, ...]]
    deep: dict[str, _Fits]
    words: dict[str, str]


def check(value: object) -> None:
    """Raises ``BadRequest`` when a field of the value, or of one that is in it, holds what it is not for."""
    of: Any = type(value)
    shape = _shape(of)
    types = tuple(map(type, shape.held(value)))
    if types not in shape.fitted:
        _check(value, shape, shape.plain)
        shape.fitted.add(types)
    _check(value, shape, shape.deep)


def _check(value: object, shape: _Shape, fields: dict[str, _Fits]) -> None:
    for name, fits in fields.items():
        held = getattr(value, name)
        if not fits(held):
            raise BadRequest(f"the {name} of {_a(type(value))} must be {shape.words[name]}, not {repr(held)[:60]}")


@cache
def _shape(of: Any) -> _Shape:
    hints = {name: hint for name, hint in get_type_hints(of).items() if name in of.__dataclass_fields__}
    lists = (tuple, list) if of in _LISTS else (tuple,)
    ways = {name: _fitting(hint, lists) for name, hint in hints.items()}
    plain = {name: ways[name] for name, hint in hints.items() if _is_plain(hint)}
    held = attrgetter(*plain) if len(plain) > 1 else lambda value: [getattr(value, name) for name in plain]
    deep = {name: fits for name, fits in ways.items() if name not in plain}
    return _Shape(plain, held, set(), deep, {name: _words(hint) for name, hint in hints.items()})


def _is_plain(hint: Any) -> bool:
    return _bare(hint) in _PLAIN or get_origin(hint) is OneOf


def _bare(hint: Any) -> Any:
    return hint.__supertype__ if isinstance(hint, NewType) else hint


def _fitting(hint: Any, lists: tuple[type, ...]) -> _Fits:
    """Whether a value is of a type as it is written; a value of ours is looked into."""
    hint, args = _bare(hint), get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return partial(_any, tuple(_fitting(one, lists) for one in args))
    if get_origin(hint) is tuple:
        each = tuple(_fitting(one, lists) for one in args if one is not Ellipsis)
        return partial(_all, each[0], lists) if Ellipsis in args else partial(_each, each, lists)
    kind = str if get_origin(hint) is OneOf else _PLAIN[hint][0] if hint in _PLAIN else hint
    return partial(_whole, kind) if dataclasses.is_dataclass(kind) else partial(_is, kind)


def _is(kind: type | tuple[type, ...], value: object) -> bool:
    return isinstance(value, kind)


def _whole(kind: type, value: object) -> bool:
    if not isinstance(value, kind):
        return False
    check(value)
    return True


def _any(ways: tuple[_Fits, ...], value: object) -> bool:
    return any(fits(value) for fits in ways)


def _all(fits: _Fits, lists: tuple[type, ...], value: Any) -> bool:
    return _is(lists, value) and all(map(fits, value))


def _each(ways: tuple[_Fits, ...], lists: tuple[type, ...], value: Any) -> bool:
    return _is(lists, value) and len(value) == len(ways) and all(fits(one) for fits, one in zip(ways, value, strict=True))


def _words(hint: Any) -> str:
    """``text``, ``an entity or a literal``, ``a tuple, each text``."""
    hint, args = _bare(hint), get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(_words, args))
    if get_origin(hint) is tuple:
        return f"a tuple, each {_words(args[0])}" if Ellipsis in args else f"a pair of {' and '.join(map(_words, args))}"
    return "text" if get_origin(hint) is OneOf else _PLAIN[hint][1] if hint in _PLAIN else _a(hint)


def _a(kind: type) -> str:
    name = "piece of evidence" if kind is Evidence else kind.__name__.lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
