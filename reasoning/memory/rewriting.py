"""Other names in running text: every whole occurrence of a name gives way to the new one, the longest first."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

_ALONE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that part no words: each sign counts as one."""
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+|[^\w\s]")


def tokens(text: str) -> tuple[str, ...]:
    """Words and marks, in lower case; an underscore parts words as a space does."""
    return tuple(token.casefold() for token in _TOKEN.findall(text))


class Rewriting:
    """Replaces the names that are keys of ``new`` by its values, whatever their case; of two that differ in case alone, the one meant.

    Names are not looked for in what was put in.
    """

    def __init__(self, new: Mapping[str, str]) -> None:
        self._exact: dict[tuple[str, ...], str] = {}
        self._any: dict[tuple[str, ...], str] = {}
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for name, other in new.items():
            if spelled := tuple(_TOKEN.findall(name)):
                self._exact[spelled] = other
                self._any[folded := tokens(name)] = other
                lengths[folded[0]].add(len(folded))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def __call__(self, text: str) -> str:
        found = list(_TOKEN.finditer(text))
        folded = [match.group().casefold() for match in found]
        pieces, at, end = [], 0, 0
        while at < len(found):
            if not (length := self._length(folded, at)):
                at += 1
                continue
            spelled = tuple(match.group() for match in found[at : at + length])
            new = self._exact.get(spelled, self._any[tuple(folded[at : at + length])])
            pieces += [text[end : found[at].start()], new]
            at += length
            end = found[at - 1].end()
        return "".join([*pieces, text[end:]])

    def all(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(self, texts))

    def _length(self, folded: list[str], at: int) -> int:
        """How many tokens the longest name has that begins here; 0 where none does."""
        fitting = (n for n in self._lengths.get(folded[at], ()) if at + n <= len(folded))
        return next((n for n in fitting if tuple(folded[at : at + n]) in self._any), 0)
