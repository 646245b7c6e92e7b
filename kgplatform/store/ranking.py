"""How well an entity's names fit the words of a search: exact first, then beginnings, then misspellings.

The full-text indexes of the servers only propose candidates; this order is the same on every store.
"""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz

from kgplatform.names import normalise
from kgplatform.types import Entity, Hit

_LEAST = 0.5
_SIMILAR = 72.0


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text).split()


def _alike(wanted: str, held: str) -> float:
    """1 for a beginning of the word, less for a misspelling, 0 for another word."""
    if held.startswith(wanted):
        return 1.0
    similar = fuzz.ratio(wanted, held)
    return similar / 100 if similar >= _SIMILAR else 0.0


def _covered(wanted: list[str], held: list[str]) -> float:
    """The share of wanted words that begin, or nearly are, a word of the name."""
    return sum(max((_alike(w, h) for h in held), default=0.0) for w in wanted) / len(wanted) if wanted else 0.0


def fit(text: str, name: str) -> float:
    """Between 0 (nothing in common) and 1 (the same); both normalised."""
    if text == name:
        return 1.0
    if name.startswith(text):
        return 0.9 + 0.05 * len(text) / len(name)
    held, wanted = _words(name), _words(text)
    covered = _covered(wanted, held)
    if covered < _LEAST:
        return 0.0
    return 0.6 * covered + 0.25 * fuzz.ratio(text, name) / 100


def ranked(wanted: str, entities: Iterable[Entity], limit: int) -> list[Hit]:
    """The entities that fit, best first; a name counts a little more than an alias. ``wanted`` is normalised."""
    hits = []
    for entity in entities:
        by_alias = max((0.98 * fit(wanted, normalise(alias)) for alias in entity.aliases), default=0.0)
        if (score := max(fit(wanted, normalise(entity.name)), by_alias)) > 0:
            hits.append(Hit(entity, score))
    return sorted(hits, key=lambda hit: (-hit.score, len(hit.entity.name), hit.entity.id))[:limit]
