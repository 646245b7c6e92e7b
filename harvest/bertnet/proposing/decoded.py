"""Candidates that a causal model says by itself: the words that it finds likeliest in the prompts' slots.

A prompt is filled from left to right. Its first slot gets words that are known (of the graph, of the seeds, and, when these are used
up, of lists that the model goes on with: "Examples of city: Cairo, Athens,"), each further one the words that the model decodes after
the text so far: among the graph's entities of that kind, contrasted with what it says after the seeds' words. Only a model that is
``free`` names things that the graph does not have, where it has few of a kind: small models name much that is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from harvest.bertnet.proposing.asked import Asked, Fresh, Proposed, Told
from kgplatform.cardform import SLOT
from kgplatform.cards import filled, slots
from kgplatform.lm.beam import STOPS, Free, beam
from kgplatform.lm.constrained import ENDS, Against, Vocabulary, decode
from kgplatform.lm.ports import Decoder
from kgplatform.lm.talk import Request
from kgplatform.names import normalise
from kgplatform.ports import Progress
from kgplatform.types import Relation, Words

_BLOCK = 24
"""Known words in a round."""
_PROMPTS = 2
"""Prompts that are asked for each order of slots: more find little else, and a scorer reads all of them anyway."""
_FEW = 20
"""Names of a kind below which the model is asked for others too."""
_THIRD = 3
"""Words for each further slot of wider relations, and for the second where there is one only."""
_NEUTRAL = 4
_BEAM = 16
_LISTS = 3
"""Orders of the known names that a list is begun with."""
_SHOWN = 6
_BARREN = 2
_NO_NAMES = re.compile(r"(?:etc|(?:many )?(?:others|more)|so on)$", re.IGNORECASE)
_RAMBLES = re.compile(
    r"(?:the|a|an|one|also|called|known|not|now) .*\b(?:of|in|the|to|by|following)\b|.*\W$|(?:the|an?|it|they|you|\w+thing|things|\w)$|"
    r"(?:this|these|those|both|various|many|several|some|any|every|each|all|other|different|their|its|his|her|your|our|so|such)\b",
    re.IGNORECASE | re.DOTALL,
)
"""What is a remark, no name: "the capital of Egypt", "various purposes", "Athens –"."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """A slot of a prompt: its name, the text before it (with earlier slots), and what closes it: a word, or any mark."""

    slot: str
    before: str
    end: str

    def beginning(self, words: dict[str, str]) -> str:
        text = filled(self.before, words).rstrip()
        return text[:1].upper() + text[1:]


class Decoded:
    """Decodes up to ``each`` words for the second slot of a prompt: after names of the graph, then after ``Asked.size`` names of lists."""

    name = "decoded"

    def __init__(self, model: Decoder, each: int = 8, free: bool = False) -> None:
        self._model, self._each, self._free = model, each, free

    def requests(self, asked: Asked) -> list[Request]:  # noqa: ARG002 - as the protocol says
        """As the port says."""
        return []

    def rounds(self, asked: Asked, before: Sequence[Proposed] = (), progress: Progress | None = None) -> Iterator[Proposed]:
        """As the port says; a round is a block of words that begin a prompt, ``progress`` counts words by prompts."""
        filling, fresh = _Filling(self._model, asked, self._each, self._free), Fresh(asked, before)
        used = {slot: dict.fromkeys(filling.answered(slot)) for slot in filling.firsts}
        blocks = [(slot, block) for slot in filling.firsts for block in _blocks(filling.known(slot), used[slot])]
        sizes = [len(block) * filling.passes(slot) for slot, block in blocks]
        told = Told(progress, sum(sizes), sum(sizes[: len(before)]))
        for slot, block in blocks[len(before) :]:
            yield Proposed(tuple(fresh.new(filling.tuples(slot, block, told))))
        if self._free:
            yield from self._beyond(asked, filling, fresh, used, before[len(blocks) :], progress)

    def _beyond(
        self,
        asked: Asked,
        filling: _Filling,
        fresh: Fresh,
        used: dict[str, dict[str, None]],
        before: Sequence[Proposed],
        progress: Progress | None,
    ) -> Iterator[Proposed]:
        """Rounds about names that the model lists, behind those ``before``; what was listed then is listed again, not decoded."""
        listed = barren = 0
        told, earlier = Told(progress, asked.size * max(map(filling.passes, filling.firsts))), iter(before)
        while listed < asked.size and barren < _BARREN:
            barren += 1
            for slot in filling.firsts:
                names = _listed(self._model, asked.card, slot, list(used[slot]), told)
                listed += len(names)
                for block in _blocks(names, used[slot]):
                    given = next(earlier, None)
                    found = given or Proposed(tuple(fresh.new(filling.tuples(slot, block, told))))
                    barren = 0 if found.tuples else barren
                    if given:
                        told.more(len(block) * filling.passes(slot))
                    else:
                        yield found


class _Filling:
    """Fills the prompts of one relation."""

    def __init__(self, model: Decoder, asked: Asked, each: int, free: bool) -> None:
        self._model, self._asked, self._each, self._free = model, asked, each, free
        self._slots = slots(asked.card)
        self._vocabularies: dict[tuple[str, str], Vocabulary | None] = {}
        self._against: dict[tuple[str, str], Against | None] = {}
        self._prompts: dict[str, list[list[_Gap]]] = {}
        for prompt in dict.fromkeys(asked.prompts or asked.card.prompts):
            gaps = _gaps(prompt)
            self._prompts.setdefault(gaps[0].slot, []).append(gaps)

    @property
    def firsts(self) -> tuple[str, ...]:
        """The slots that some prompt begins with, head first."""
        return tuple(slot for slot in self._slots if slot in self._prompts)

    def passes(self, slot: str) -> int:
        """How many prompts a word for the slot is read in."""
        return min(_PROMPTS, len(self._prompts[slot]))

    def known(self, slot: str) -> list[str]:
        """The words that are known for a slot: the seeds' first, then the graph's."""
        graph = {"head": self._asked.heads, "tail": self._asked.tails}.get(slot, ())
        place = self._slots.index(slot)
        return list(dict.fromkeys([*(seed[place] for seed in self._asked.card.seeds), *graph]))

    def answered(self, slot: str) -> list[str]:
        """The seeds' words for a slot of which nothing more is to be learnt, as a relation with one tail a head has it."""
        return [seed[self._slots.index(slot)] for seed in self._asked.card.seeds] if self._single(slot) else []

    def _single(self, slot: str) -> bool:
        """Whether the rest of a tuple follows from its word for this slot."""
        card = self._asked.card
        return len(self._slots) == 2 and ((slot == "head" and card.functional) or (slot == "tail" and card.inverse_functional))

    def tuples(self, first: str, words: Sequence[str], told: Told) -> list[Words]:
        """What the prompts that begin with the slot say of the words: for each, what the prompts find likeliest by turns."""
        said = []
        for gaps in self._prompts[first][: self.passes(first)]:
            said.append(self._said(gaps, words, told))
            told.more(len(words))
        found: list[Words] = []
        for ranked in zip(*said, strict=True):
            turns = dict.fromkeys(words for step in zip_longest(*ranked) for words in step if words)
            found.extend(list(turns)[: max(map(len, ranked))])
        return found

    def _said(self, gaps: Sequence[_Gap], words: Sequence[str], told: Told) -> list[list[Words]]:
        """For each word of the first slot the tuples of one prompt, likeliest first."""
        partial = [(number, {gaps[0].slot: word}) for number, word in enumerate(words)]
        second = min(self._each, _THIRD) if self._single(gaps[0].slot) else self._each
        for gap, count in zip(gaps[1:], (second, *[_THIRD] * len(gaps)), strict=False):
            partial = [
                (number, {**held, gap.slot: name})
                for (number, held), names in zip(partial, self._names(gap, [held for _, held in partial], count, told), strict=True)
                for name in names
            ]
        found: list[list[Words]] = [[] for _ in words]
        for number, held in partial:
            found[number].append(tuple(held[slot] for slot in self._slots))
        return found

    def _names(self, gap: _Gap, held: Sequence[dict[str, str]], count: int, told: Told) -> list[list[str]]:
        """For each partial tuple the likeliest words for a slot."""
        prefixes = [gap.beginning(words) for words in held]
        vocabulary = self._vocabulary(gap)
        found: list[list[str]] = [[] for _ in held]
        if vocabulary:
            against = self._neutral(gap, vocabulary)
            chosen = decode(self._model, prefixes, vocabulary, beam=_BEAM, best=count, against=against, between=told)
            found = [[name for name, _ in one] for one in chosen]
        if self._free and (not vocabulary or len(vocabulary) < _FEW):
            how = Free(beam=2 * count, stops=(*STOPS, gap.end) if gap.end else STOPS)
            said = beam(self._model, prefixes, best=2 * count, how=how, between=told)
            for names, free in zip(found, _telling(said), strict=True):
                names.extend([name for name in free if name not in names and not _RAMBLES.match(name)][:count])
        return found

    def _vocabulary(self, gap: _Gap) -> Vocabulary | None:
        """The graph's and the seeds' names for a slot; nothing where the graph has none."""
        key = (gap.slot, gap.end)
        if key not in self._vocabularies:
            graph = {"head": self._asked.heads, "tail": self._asked.tails}.get(gap.slot, ())
            made = Vocabulary(self._model, self.known(gap.slot), (gap.end,) if gap.end else ENDS) if graph else None
            self._vocabularies[key] = made
        return self._vocabularies[key]

    def _neutral(self, gap: _Gap, vocabulary: Vocabulary) -> Against | None:
        """What the model says in this place of the seeds; one seed alone would only be set against itself."""
        key = (gap.before, gap.slot)
        if key not in self._against:
            seeds = [dict(zip(self._slots, seed, strict=True)) for seed in self._asked.card.seeds]
            others = list(dict.fromkeys(gap.beginning(seed) for seed in seeds))[:_NEUTRAL]
            self._against[key] = Against(self._model, vocabulary, others) if len(others) > 1 else None
        return self._against[key]


def _blocks(words: Sequence[str], used: dict[str, None]) -> list[list[str]]:
    """The words that were not ``used``, so many at a time; used they are now."""
    seen = {normalise(word) for word in used}
    new = [word for word in words if normalise(word) not in seen]
    used.update(dict.fromkeys(new))
    return [new[start : start + _BLOCK] for start in range(0, len(new), _BLOCK)]


def _gaps(prompt: str) -> list[_Gap]:
    parts = SLOT.split(prompt.strip())
    gaps, before = [], ""
    for text, slot, after in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
        before += text
        word = after.split()[:1] if after[:1].isspace() else []
        gaps.append(_Gap(slot, before, f" {word[0]}" if word and word[0][0].isalnum() else ""))
        before += f"{{{slot}}}"
    return gaps


def _telling(found: Sequence[Sequence[tuple[str, float]]]) -> list[list[str]]:
    """The names of each beginning, first those that are likely and likelier than after the others: what fits everywhere tells nothing.

    By log p + (log p − log of the mean p over all beginnings), a name that was not found for one having there no probability.
    """
    everywhere: dict[str, float] = {}
    for one in found:
        for name, score in one:
            everywhere[name] = everywhere.get(name, 0.0) + math.exp(score) / len(found)
    return [[name for name, _ in sorted(one, key=lambda pair: math.log(everywhere[pair[0]]) - 2 * pair[1])] for one in found]


def _listed(model: Decoder, card: Relation, slot: str, known: Sequence[str], told: Told) -> list[str]:
    """New names that the model goes on with after lists of known ones, the likeliest of all lists first."""
    if not known:
        return []
    kinds = {"head": card.domain, "tail": card.range}.get(slot) or (slot if slot not in ("head", "tail") else card.name,)
    step = max(1, len(known) // (_LISTS * _SHOWN))
    begun = []
    for turn in range(_LISTS):
        shown = [known[(turn + step * place * _LISTS) % len(known)] for place in range(min(_SHOWN, len(known)))]
        begun.append(f"Examples of {kinds[0]}: {', '.join(dict.fromkeys(shown))},")
    scores: dict[str, float] = {}
    for found in beam(model, begun, best=2 * _BLOCK, how=Free(beam=_BLOCK, stops=STOPS), between=told):
        for name, score in found:
            scores[name] = max(score, scores.get(name, score))
    had = {normalise(name) for name in known}
    new = [name for name in scores if normalise(name) not in had and not _NO_NAMES.match(name) and not _RAMBLES.match(name)]
    return sorted(new, key=lambda name: (-scores[name], name))[:_BLOCK]
