"""What files bring to be kept beside a graph: who took what, or items alone, with what items are called and which entities they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kgplatform.errors import BadFile
from reasoning.recommend import tables
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.reading import interactions_in, split_already, split_file, table, texts_of
from reasoning.recommend.tables import COLUMNS, near, untyped

ENTITY, TITLES = ("entity", "entity_id", "entityid"), ("title", "name")
TEXTS = ("text", "description", "summary", "genre", "genres", "class")
"""What a column of entities may be called, how that of items' names ends, and what columns tell more about items."""


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """Interactions that are not split, and of items what a file calls them, what it tells of them, and what it says their entities are.

    ``rows`` is how many a table has: more than pairs where some come again.
    """

    interactions: Interactions
    names: Mapping[str, str]
    texts: Mapping[str, str]
    links: Mapping[str, str]
    rows: int


def brought(path: Path, link: Path | None = None) -> Brought:
    """Read to be kept; a table without users brings items alone. ``link`` names a file of item and entity.

    Raises ``BadFile`` with the file and the line.
    """
    links = _links(tables.columns(link), link) if link else {}
    if path.is_dir():
        return _folder(path, links)
    told = tables.columns(path)
    if tables.meant(told, COLUMNS["user"]) is None and (items := tables.meant(told, COLUMNS["item"])):
        interactions = Interactions.of([], [], known=sorted(set(items)))
    else:
        interactions = table(path)
    rows = len(next(iter(told.values()), []))
    return Brought(interactions, _titles(told), _texts(told), links or _links(told), rows)


def _folder(path: Path, links: Mapping[str, str]) -> Brought:
    """RecBole's files, or those of the public DiffKG code."""
    if train := split_file(path, "train"):
        parts = split_already(path, train, 0).parts
        pairs = np.unique(np.concatenate([part.pairs for part in (parts.train, parts.valid, parts.test)]), axis=0)
        return Brought(Interactions(parts.train.users, parts.train.items, pairs), {}, {}, links, len(pairs))
    interactions, named = interactions_in(path)
    of_items, beside = (near(path, f"{named}.{suffix}") for suffix in ("item", "link"))
    about = untyped(of_items) if of_items else {}
    texts = texts_of(list(interactions.items), about) or []
    told = dict(zip(interactions.items, texts, strict=False))
    return Brought(interactions, _titles(about), told, links or (_links(untyped(beside), beside) if beside else {}), len(interactions))


def _titles(columns: Mapping[str, list[str]]) -> dict[str, str]:
    """What items are called, by the first column that says so."""
    found = next((values for name, values in columns.items() if name.strip().lower().endswith(TITLES)), None)
    item = tables.meant(columns, COLUMNS["item"])
    return {} if found is None or item is None else {one: name for one, name in zip(item, found, strict=True) if name}


def _texts(columns: Mapping[str, list[str]]) -> dict[str, str]:
    """What a table tells of items besides their names."""
    item = tables.meant(columns, COLUMNS["item"])
    told = [values for name, values in columns.items() if name.strip().lower() in TEXTS]
    if item is None or not told:
        return {}
    return {one: ", ".join(filter(None, row)) for one, row in zip(item, zip(*told, strict=True), strict=True)}


def _links(columns: Mapping[str, list[str]], path: Path | None = None) -> dict[str, str]:
    """Which entity each item is: RecBole's ``.link``, or columns item and entity. Raises ``BadFile`` where a ``path`` must have them."""
    told = {name.partition(":")[0]: values for name, values in columns.items()}
    item, entity = (tables.meant(told, words) for words in (COLUMNS["item"], ENTITY))
    if item is not None and entity is not None:
        return {one: meant for one, meant in zip(item, entity, strict=True) if one and meant}
    if path is not None:
        raise BadFile(f"{path}: has no columns item and entity, only {', '.join(columns) or 'none'}: name them so in its first line")
    return {}
