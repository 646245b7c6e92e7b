"""A prompt cut at its slots: filled in, and parted where a causal model begins to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kgplatform.cardform import SLOT


@dataclass(frozen=True, slots=True)
class Template:
    """``between[0] slots[0] between[1] … slots[-1] between[-1]``: what a prompt says, and its slots as they stand in it."""

    between: tuple[str, ...]
    slots: tuple[str, ...]

    def sentence(self, words: Sequence[str]) -> str:
        """Filled with a word for each slot, in the order of ``slots``, as the beginning of a text."""
        return "".join(self.parted(words))

    def parted(self, words: Sequence[str]) -> tuple[str, str]:
        """The sentence before its second slot, and from there on; the space between them goes to the second."""
        whole = f"{self.between[0]}{words[0]}{self.between[1]}"
        before = whole.rstrip()
        rest = "".join(word + after for word, after in zip(words[1:], self.between[2:], strict=True))
        return before[:1].upper() + before[1:], whole[len(before) :] + rest


@lru_cache(maxsize=4096)
def template(prompt: str) -> Template:
    """The prompt ``{head} is the capital of {tail}``, read."""
    parts = SLOT.split(prompt.strip())
    return Template(tuple(parts[::2]), tuple(parts[1::2]))
