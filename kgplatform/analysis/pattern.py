"""Relation patterns: which relations a path may go over, in which order and direction.

    author of/^cites+      then against "cites", once or more
    (knows|"knows (of)")?  either of two, or nothing; a name with any of ``/ ^ | + * ? ( ) "`` stands in quotes

As in SPARQL's property paths ``^`` turns what follows, ``+ * ?`` repeat what precedes, ``/`` binds closer than ``|``. A pattern becomes
a deterministic automaton (Glushkov, then subsets), so that a walk fits it in one way or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kgplatform import lookup
from kgplatform.errors import BadRequest, NotFound
from kgplatform.texts import Ints

Symbols = frozenset[int]
"""Relations as they are walked over: a relation's number, + the number of relations from tail to head."""

_TOKEN = re.compile(r"""\s*(?:(?P<mark>[/^|+*?()])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^/^|+*?()"]+))""", re.DOTALL)
_DEEP, _LONG, _STATES = 50, 2_000, 256


@dataclass(frozen=True, slots=True, eq=False)
class Automaton:
    """``table`` ``(states, 2 · relations)`` has the state after each symbol, -1 for none; it begins in state 0."""

    table: npt.NDArray[np.int16]
    accepting: Ints
    free: bool = False
    """Whether it allows any walk."""

    @property
    def states(self) -> int:
        return len(self.table)

    @classmethod
    def any(cls, relations: int, allowed: Collection[int] | None = None, both: Collection[int] | None = None) -> Automaton:
        """Any walk over the ``allowed`` relations, all by default; only ``both`` are walked from tail to head too, by default all."""
        table = np.full((1, 2 * relations), -1, np.int16)
        forth = np.array(sorted(range(relations) if allowed is None else allowed), np.int64)
        back = forth if both is None else np.intersect1d(forth, np.array(sorted(both), np.int64))
        table[0, np.append(forth, back + relations)] = 0
        return cls(table, np.array([0]), free=not table.any())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The relations that patterns speak of: ``relations`` by number, ``known`` beside them; an inverse's name is its relation turned."""

    relations: tuple[str, ...]
    known: Collection[str] = ()
    symmetric: Collection[str] = ()
    inverses: Mapping[str, str] = field(default_factory=dict)

    def symbols(self, name: str) -> Symbols:
        """What a name stands for; nothing where it is known, but no fact says it. Raises ``NotFound`` with near names."""
        if name in self.relations:
            number = self.relations.index(name)
            return frozenset({number, number + len(self.relations)} if name in self.symmetric else {number})
        if name in self.inverses and name not in self.known:
            return _turned(self.symbols(self.inverses[name]), len(self.relations))
        if name in self.known:
            return frozenset()
        near = lookup.near(name, {*self.relations, *self.known, *self.inverses})
        raise NotFound(f"the graph has no relation {name[:80]!r}{near}")


def compiled(pattern: str, words: Vocabulary) -> Automaton:
    """The automaton of a pattern. Raises ``BadRequest``, which says where, and ``NotFound`` for a relation that there is not."""
    return _determined(_Reader(pattern, words).read(), len(words.relations))


# -- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _One:
    symbols: Symbols


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Repeated:
    part: _Part
    mark: str


_Part = _One | _Sequence | _Choice | _Repeated


def _turned(symbols: Symbols, relations: int) -> Symbols:
    return frozenset((one + relations) % (2 * relations) for one in symbols)


def _backward(part: _Part, relations: int) -> _Part:
    """What is walked when the whole is walked from its end."""
    match part:
        case _One(symbols):
            return _One(_turned(symbols, relations))
        case _Sequence(parts):
            return _Sequence(tuple(_backward(one, relations) for one in reversed(parts)))
        case _Choice(parts):
            return _Choice(tuple(_backward(one, relations) for one in parts))
        case _Repeated(inner, mark):
            return _Repeated(_backward(inner, relations), mark)


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str, words: Vocabulary) -> None:
        if len(pattern) > _LONG:
            raise BadRequest(f"the pattern has {len(pattern):,} characters, and at most {_LONG:,} are read")
        self._pattern, self._words, self._deep, self._last = pattern, words, 0, 0
        self._tokens = self._cut()
        self._place = 0

    def _cut(self) -> list[tuple[str, str, int]]:
        """(kind, text, where) of each token, and an end."""
        tokens, at = [], 0
        while at < len(self._pattern.rstrip()):
            found = _TOKEN.match(self._pattern, at)
            if found is None:
                raise self._error("a quote is not closed", len(self._pattern) - len(self._pattern[at:].lstrip()))
            kind = str(found.lastgroup)
            tokens.append((kind, found[kind], found.start(kind) - (kind == "quoted")))
            at = found.end()
        return [*tokens, ("end", "", len(self._pattern))]

    def _error(self, what: str, at: int) -> BadRequest:
        where = f"at its end (character {at + 1})" if at >= len(self._pattern) else f"at character {at + 1}"
        return BadRequest(f"the pattern {self._pattern[:80]!r} cannot be read {where}: {what}")

    def _next_is(self, marks: str) -> bool:
        kind, text, _ = self._tokens[self._place]
        return kind == "mark" and text in marks

    def _take(self) -> tuple[str, str, int]:
        self._place += 1
        return self._tokens[self._place - 1]

    def read(self) -> _Part:
        part = self._choice()
        kind, text, at = self._tokens[self._place]
        if kind != "end":
            raise self._error("this ) closes nothing" if text == ")" else "a / or | is missing before this", at)
        return part

    def _choice(self) -> _Part:
        return self._several("|", self._sequence, _Choice)

    def _sequence(self) -> _Part:
        return self._several("/", self._step, _Sequence)

    def _several(self, mark: str, read: Callable[[], _Part], whole: type[_Choice | _Sequence]) -> _Part:
        parts = [read()]
        while self._next_is(mark):
            self._take()
            parts.append(read())
        return parts[0] if len(parts) == 1 else whole(tuple(parts))

    def _step(self) -> _Part:
        turned = False
        while self._next_is("^"):
            self._take()
            turned = not turned
        part = self._atom()
        if self._next_is("+*?"):
            part = _Repeated(part, self._take()[1])
            if self._next_is("+*?"):
                raise self._error("one of + * ? is enough", self._tokens[self._place][2])
        return _backward(part, len(self._words.relations)) if turned else part

    def _atom(self) -> _Part:
        kind, text, at = self._take()
        if kind in ("name", "quoted"):
            return _One(self._words.symbols(re.sub(r"\\(.)", r"\1", text) if kind == "quoted" else text.strip()))
        if text != "(":
            raise self._error("a relation's name is missing here", at)
        self._deep += 1
        if self._deep > _DEEP:
            raise self._error(f"more than {_DEEP} parentheses are open", at)
        part = self._choice()
        if not self._next_is(")"):
            raise self._error(f"the ( of character {at + 1} is not closed", self._tokens[self._place][2])
        self._take()
        self._deep -= 1
        return part


# -- as an automaton ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ends:
    """Of a part: whether it may be nothing, and the positions of names where it can begin and end."""

    empty: bool
    first: frozenset[int]
    last: frozenset[int]


class _Positions:
    """Every name of a pattern in its place, and which may follow it."""

    def __init__(self) -> None:
        self.symbols: list[Symbols] = []
        self.after: list[set[int]] = []

    def ends(self, part: _Part) -> _Ends:
        match part:
            case _One(symbols):
                self.symbols.append(symbols)
                self.after.append(set())
                here = frozenset({len(self.symbols) - 1})
                return _Ends(False, here, here)
            case _Choice(parts):
                found = [self.ends(one) for one in parts]
                first, last = (frozenset().union(*(getattr(one, name) for one in found)) for name in ("first", "last"))
                return _Ends(any(one.empty for one in found), first, last)
            case _Sequence(parts):
                whole = self.ends(parts[0])
                for one in parts[1:]:
                    whole = self._joined(whole, self.ends(one))
                return whole
            case _Repeated(inner, mark):
                found_inner = self.ends(inner)
                if mark in "+*":
                    self._follow(found_inner.last, found_inner.first)
                return _Ends(found_inner.empty or mark in "*?", found_inner.first, found_inner.last)

    def _joined(self, one: _Ends, other: _Ends) -> _Ends:
        self._follow(one.last, other.first)
        first = one.first | other.first if one.empty else one.first
        return _Ends(one.empty and other.empty, first, one.last | other.last if other.empty else other.last)

    def _follow(self, places: Collection[int], next_places: Collection[int]) -> None:
        for place in places:
            self.after[place].update(next_places)


def _determined(part: _Part, relations: int) -> Automaton:
    positions = _Positions()
    ends = positions.ends(part)
    states: dict[frozenset[int], int] = {frozenset({-1}): 0}
    table: list[Ints] = []
    accepting = [0] if ends.empty else []
    for places, number in (queue := list(states.items())):
        ahead = set(ends.first) if number == 0 else set().union(*(positions.after[place] for place in places))
        moves: dict[int, set[int]] = {}
        for place in ahead:
            for symbol in positions.symbols[place]:
                moves.setdefault(symbol, set()).add(place)
        row = np.full(2 * relations, -1, np.int64)
        for symbol, into in moves.items():
            reached = frozenset(into)
            if reached not in states:
                states[reached] = len(states)
                queue.append((reached, states[reached]))
                accepting += [states[reached]] if reached & ends.last else []
            row[symbol] = states[reached]
        table.append(row)
        if len(states) > _STATES:
            raise BadRequest(f"the pattern is too involved: it needs more than {_STATES} states")
    return Automaton(np.stack(table).astype(np.int16), np.array(accepting, np.int64))
