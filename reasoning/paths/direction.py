"""Which end of a relation the topic is, by the words beside it: "student of X" makes X the teacher, "X studied" does not.

A card's name and prompts show what stands before and after each end; the same beside the topic in a question speaks for that end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.types import Relation
from reasoning.paths.words import ARTICLES, FUNCTION_WORDS, stem, words

Reals = npt.NDArray[np.float64]
_SLOT = re.compile(r"\{(head|tail)\}")


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a topic, as stems: the word before it with what follows that word ("student", "of"), and the word after."""

    before: tuple[str, str] = ("", "")
    after: str = ""


NOTHING = Beside()


def beside(before: Sequence[str], after: Sequence[str], possessive: bool = False) -> Beside:
    """``before`` and ``after`` are words in the order of the text. "X's students" are students of X."""
    following = next((stem(word) for word in after if word not in FUNCTION_WORDS), "")
    if possessive:
        return Beside((following, "of"))
    small = ""
    for word in reversed(before):
        if word not in FUNCTION_WORDS:
            return Beside((stem(word), small), following)
        small = small if word in ARTICLES else word
    return Beside(after=following)


class Direction:
    """What the cards of some relations show of both their ends."""

    def __init__(self, relations: Sequence[str], cards: Mapping[str, Relation]) -> None:
        ends = [_ends(cards.get(name) or Relation(name)) for name in relations]
        self.shown = [heads for heads, _ in ends] + [tails for _, tails in ends]
        symmetric = {name for name, card in cards.items() if card.symmetric}
        self.directed = np.array([name not in symmetric for name in relations] * 2)

    def lean(self, asked: Beside) -> Reals:
        """For each hop 1 when what stands beside the topic speaks for it alone, -1 when for its opposite alone; ``(hops,)``."""
        speaks = np.array([sum(_speaks(asked, one) for one in shown) > 0 for shown in self.shown], dtype=np.float64)
        one, other = np.split(speaks, 2)
        lean: Reals = np.where(self.directed, np.concatenate([one - other, other - one]), 0.0)
        return lean


def _speaks(asked: Beside, shown: Beside) -> bool:
    (word, small), (other, its) = asked.before, shown.before
    if word and word == other:
        return small == its or (not small and its == "of")
    if small == "by" and not other:
        return word == shown.after  # "was cited by X": it is X that cited
    return not word and bool(asked.after) and asked.after == shown.after


def _ends(card: Relation) -> tuple[list[Beside], list[Beside]]:
    """What stands beside the head, and beside the tail."""
    name = card.name.replace("_", " ")
    prompts = [f"{{head}} {name} {{tail}}", *([f"{{tail}} {card.inverse} {{head}}"] if card.inverse else []), *card.prompts]
    found: dict[str, list[Beside]] = {"head": [], "tail": []}
    for prompt in prompts:
        for match in _SLOT.finditer(prompt):
            found[match[1]].append(beside(_words(prompt[: match.start()]), _words(prompt[match.end() :])))
    return found["head"], found["tail"]


def _words(part: str) -> list[str]:
    return [word.text.casefold() for word in words(_SLOT.sub(" ", part))]
