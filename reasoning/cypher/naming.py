"""The things that a query names: their ids are its parameters, so that no name ever stands in the query that is run."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from kgplatform.names import normalise
from kgplatform.types import Entity
from reasoning.agent import cues
from reasoning.agent.ask import Guide
from reasoning.cypher.text import code
from reasoning.paths.linking import link

LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMED = re.compile(r"""\bname(\s*[:=]\s*)('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""")
_ESCAPED = re.compile(r"\\(.)")


class Naming:
    """The names of a graph, and first those of one question."""

    def __init__(self, guide: Guide, question: str) -> None:
        self._guide = guide
        self.asked = question
        self.mentions = mentions = link(guide.names, question, guide.known, cues.JOINING).mentions
        self.meant = tuple(max(mention.entities, key=self._facts) for mention in mentions)
        """What the question names, in order."""
        self.question = question
        """The question with names spelt as they are."""
        for mention, entity in reversed(list(zip(mentions, self.meant, strict=True))):
            if not mention.exact:
                self.question = f"{self.question[: mention.start]}{entity.name}{self.question[mention.end :]}"
        self._called = {normalise(name): entity for entity in self.meant for name in (*entity.aliases, entity.name)}

    def parametrised(self, query: str) -> tuple[str, dict[str, Entity]]:
        """The query with ids, as parameters, where it compares names, and what they are; names of nothing are left."""
        found: dict[str, Entity] = {}
        plain = code(query)

        def put(match: re.Match[str]) -> str:
            entity = self.entity(unquoted(match[2])) if plain[match.start() : match.start() + 4] == "name" else None
            if entity is None or (entity.id not in {one.id for one in found.values()} and len(found) == len(LETTERS)):
                return match[0]
            letter = next((letter for letter, one in found.items() if one.id == entity.id), LETTERS[len(found) % len(LETTERS)])
            found[letter] = entity
            return f"id{match[1]}${letter}"

        return _NAMED.sub(put, query), found

    def unknown(self, query: str) -> str:
        """A name that a query compares with and nothing bears; empty when there is none."""
        plain = code(query)
        names = (unquoted(match[2]) for match in _NAMED.finditer(query) if plain[match.start() : match.start() + 4] == "name")
        return next((name for name in names if self.entity(name) is None), "")

    def near(self, name: str) -> Sequence[str]:
        """Names somewhat like it."""
        return self._guide.names.near(f"[{name}]", 3)

    def entity(self, name: str) -> Entity | None:
        """What bears a name: what the question means by it, else what has the most facts."""
        folded = normalise(name)
        if folded in self._called:
            return self._called[folded]
        return max(self._guide.names.folded.get(folded, ()), key=self._facts, default=None)

    def _facts(self, entity: Entity) -> int:
        network = self._guide.network
        number = network.numbers[entity.id]
        first, last = np.searchsorted(network.codes, [number * network.hops, (number + 1) * network.hops])
        return int(last - first)


def quoted(name: str) -> str:
    """A text in quotes."""
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def unquoted(written: str) -> str:
    """What a text in quotes says."""
    return _ESCAPED.sub(r"\1", written[1:-1])
