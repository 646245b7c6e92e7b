"""The same graph in other words: five worlds whose facts, numbering and split are one, and whose texts are not.

In every world ids are bare numbers, so that no id tells a name, and the order of ids is the numbering of the given
split: a model that reads numbers alone cannot tell the worlds apart, also when a world is written and read again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kgplatform.names import fact_key
from kgplatform.texts import Texts as Keys
from kgplatform.types import Entity, EntityId
from kgplatform.view import Entities, GraphView, Ints
from reasoning.memory.rewriting import Rewriting, tokens
from reasoning.memory.texts import Texts
from reasoning.split import Split

WORLDS = ("original", "virtual", "anonymised", "inconsistent", "fully_anonymised")
LETTERS = 10
"""Of a random name."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A split and its texts, which have one numbering; entities of the split carry the texts' names and descriptions."""

    name: str
    split: Split
    texts: Texts


def worlds(split: Split, texts: Texts, seed: int = 0) -> list[World]:
    """The worlds in the order of ``WORLDS``."""
    told = {
        "original": texts,
        "virtual": virtual(texts, seed),
        "anonymised": anonymised(texts, seed),
        "inconsistent": inconsistent(texts, seed),
        "fully_anonymised": fully_anonymised(texts, seed),
    }
    return [World(name, coded(split, told[name]), told[name]) for name in WORLDS]


def virtual(texts: Texts, seed: int = 0) -> Texts:
    """Names swapped among entities and among relations; descriptions tell the same of the new names.

    Different names are swapped, so entities that share one go on to share one. None keeps its name where there are two.
    """
    rng = np.random.default_rng([seed, 0])
    return renamed(texts, _swapped(texts.names, rng), _swapped(texts.relations, rng))


def anonymised(texts: Texts, seed: int = 0) -> Texts:
    """Random letters for every name, also where one stands in a description."""
    rng = np.random.default_rng([seed, 1])
    names, relations = (tuple(dict.fromkeys(all_)) for all_ in (texts.names, texts.relations))
    new = _strange(len(names) + len(relations), _words(texts), rng)
    return renamed(texts, dict(zip(names, new, strict=False)), dict(zip(relations, new[len(names) :], strict=True)))


def inconsistent(texts: Texts, seed: int = 0) -> Texts:
    """Descriptions swapped among the entities that have one, and left as they are; names stay."""
    rng = np.random.default_rng([seed, 2])
    having = np.flatnonzero([bool(text) for text in texts.descriptions])
    told = list(texts.descriptions)
    for place, other in zip(having.tolist(), having[_cycle(len(having), rng)].tolist(), strict=True):
        told[place] = texts.descriptions[other]
    return dataclasses.replace(texts, descriptions=tuple(told))


def fully_anonymised(texts: Texts, seed: int = 0) -> Texts:
    """As ``anonymised``, and each description is random letters too: nothing is left to read."""
    hidden = anonymised(texts, seed)
    new = iter(_strange(texts.described, _words(texts) | _words(hidden), np.random.default_rng([seed, 3])))
    return dataclasses.replace(hidden, descriptions=tuple(next(new) if text else "" for text in texts.descriptions))


def renamed(texts: Texts, names: Mapping[str, str], relations: Mapping[str, str]) -> Texts:
    """The texts with other names; a description that holds words of both an entity and a relation means the entity."""
    rewriting = Rewriting({**relations, **names})
    return Texts(
        tuple(names[name] for name in texts.names),
        rewriting.all(texts.descriptions),
        tuple(relations[relation] for relation in texts.relations),
    )


def coded(split: Split, texts: Texts) -> Split:
    """The split with numbers for ids and relations, in their order, and these texts for names."""
    view = split.train
    ids = _numbered("e", len(view.entities))
    relations = tuple(_numbered("r", len(view.relations)))
    said = zip(ids, view.entities, texts.names, strict=True)
    train = GraphView(
        Entities.of([Entity(EntityId(id_), name, old.kinds) for id_, old, name in said]),
        relations,
        view.triples,
        view.confidence,
        Keys.of([fact_key(relations[r], ids[h], ids[t]) for h, r, t in view.triples.tolist()]),
    )
    return dataclasses.replace(split, train=train)


def _numbered(letter: str, count: int) -> list[str]:
    width = len(str(count))
    return [f"{letter}{number:0{width}}" for number in range(count)]


def _swapped(names: Iterable[str], rng: np.random.Generator) -> dict[str, str]:
    different = sorted(set(names))
    return {name: different[other] for name, other in zip(different, _cycle(len(different), rng).tolist(), strict=True)}


def _cycle(count: int, rng: np.random.Generator) -> Ints:
    """A random permutation ``(count,)`` that is one cycle: nothing stays where there are two."""
    order = rng.permutation(count)
    found = np.empty(count, dtype=np.int64)
    found[order] = np.roll(order, 1)
    return found


def _words(texts: Texts) -> set[str]:
    return {word for part in (texts.names, texts.descriptions, texts.relations) for text in part for word in tokens(text)}


def _strange(count: int, taken: set[str], rng: np.random.Generator) -> Sequence[str]:
    """So many different words of random letters, none of them taken."""
    found: dict[str, None] = {}
    while len(found) < count:
        letters = rng.integers(ord("a"), ord("z") + 1, size=(count, LETTERS), dtype=np.uint32)
        found |= dict.fromkeys(word for word in letters.view(f"<U{LETTERS}").ravel().tolist() if word not in taken)
    return list(found)[:count]
