"""What a question asks for, as far as its own words say: "which city", "who", "where"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kgplatform import names
from kgplatform.types import Entity
from reasoning.agent import cues
from reasoning.agent.ask import Guide
from reasoning.paths.words import singular, stem, words

_ASKED = re.compile(r"(?:\A\W*|\b(?:in|at|for|to|from|by|of)\s+)(?:which|what)\s+(\w+)|\A\W*(?:\w+\s+)?(who|whom|where)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``labels`` of which an answer has one, none when that is not known; ``word`` is what says so.

    ``thing``: it is no date or number. ``truth``: it is yes or no.
    """

    word: str = ""
    labels: frozenset[str] = frozenset()
    thing: bool = False
    truth: bool = False


def wanted(guide: Guide, question: str) -> Wanted:
    """What the answer must be; a kind is known by its name alone, and all that belong to it fit."""
    found = _ASKED.search(question)
    if next((word.text.casefold() for word in words(question)), "") in cues.AUXILIARIES:
        return Wanted(truth=True)
    if found is None or guide.walker is None:
        return Wanted()
    word = (found[1] or found[2]).casefold()
    noun = stem("person" if word in ("who", "whom") else singular(word))
    kind = next((kind for kind in guide.walker.of_kind if stem(kind) == noun), "")
    nodes = (guide.network.nodes[number] for number in guide.walker.of_kind.get(kind, ()))
    labels = frozenset(names.label(one) for node in nodes if isinstance(node, Entity) for one in node.kinds)
    return Wanted(word, labels, bool(labels) or word == "where")
