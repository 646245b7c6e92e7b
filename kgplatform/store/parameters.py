"""The parameters of other people's queries: what a server cannot be sent is said before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgplatform.errors import BadRequest

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, if all they hold can be sent. Raises ``BadRequest``."""
    for name, value in parameters.items():
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Mapping):
                waiting += one.keys()
                waiting += one.values()
            elif isinstance(one, list | tuple | set | frozenset):
                waiting += one
            elif reason := _unsendable(one):
                raise BadRequest(f"the parameter {name[:60]!r} {reason}")
    return dict(parameters)


def _unsendable(value: object) -> str:
    """Why a single value cannot be sent; empty when it can, or only the driver knows."""
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return f"holds a number of more than 64 bits ({str(value)[:30]}…), which no graph server has: send it as text"
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        return "holds text with half a character (a lone surrogate), which cannot be sent: leave it out"
    return ""
