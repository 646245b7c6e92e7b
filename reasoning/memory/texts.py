"""What there is to read about a graph: the names of its entities and relations, and descriptions where they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kgplatform.errors import BadFile
from kgplatform.formats.rows import Broken
from kgplatform.formats.text import lines
from kgplatform.packed import opened
from kgplatform.types import Entity, EntityId
from kgplatform.view import GraphView


@dataclass(frozen=True, slots=True)
class Texts:
    """``names`` and ``descriptions`` of entities, ``relations`` in words, numbered as in the view; no description is ``""``."""

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    relations: tuple[str, ...]

    @classmethod
    def of(cls, view: GraphView, known: Mapping[EntityId, Entity] | None = None) -> Texts:
        """What the view itself says, and the descriptions of entities that are ``known``. An underscore is read as a space."""
        names = tuple(spoken(entity.name) for entity in view.entities)
        known = known or {}
        told = tuple(one.description if (one := known.get(EntityId(id_))) else "" for id_ in view.entity_ids)
        return cls(names, told, tuple(map(spoken, view.relations)))

    @property
    def described(self) -> int:
        """How many entities have a description."""
        return sum(map(bool, self.descriptions))


def spoken(name: str) -> str:
    """A name as words: ``spoken("directed_by") == "directed by"``. Where nothing would be left, the name as it is."""
    return " ".join(name.replace("_", " ").split()) or name


def read_texts(folder: Path, view: GraphView) -> Texts:
    """The texts beside a split, each file optional and maybe gzip-compressed; the view's own words for what they leave out.

    ``entity2text.txt``: entity, name and maybe a description, separated by tabs; ``entity2textlong.txt``: entity, description;
    ``relation2text.txt``: relation, words. The first column is what the triples say, or its number in ``entity2id.txt`` or
    ``relation2id.txt``. Lines about others are passed over. Raises ``BadFile`` for a line of one column, and for a file that
    names nothing of the graph.
    """
    own = Texts.of(view)
    entities = [str(id_) for id_ in view.entity_ids]
    short, long = (_told(folder, f"entity2text{length}.txt", "entity2id.txt", entities) for length in ("", "long"))
    words = _told(folder, "relation2text.txt", "relation2id.txt", view.relations)
    names = [short.get(id_, [""])[0] or name for id_, name in zip(entities, own.names, strict=True)]
    return Texts(
        tuple(names),
        tuple(" ".join(long.get(id_, short.get(id_, [])[1:])) for id_ in entities),
        tuple(words.get(relation, [""])[0] or name for relation, name in zip(view.relations, own.relations, strict=True)),
    )


def _told(folder: Path, name: str, numbers: str, wanted: Sequence[str]) -> Mapping[str, list[str]]:
    """What the file says of each wanted thing: the columns behind the first."""
    path = _there(folder / name)
    if path is None:
        return {}
    known = set(wanted)
    told = {cells[0]: cells[1:] for cells in _rows(path)}
    if known.isdisjoint(told) and (coded := _there(folder / numbers)) is not None:
        # The first line of such a file is the count of the others.
        told = {cells[0]: told[cells[1]] for cells in _rows(coded, header=True) if cells[1] in told}
    found = {key: cells for key, cells in told.items() if key in known}
    if not found:
        raise BadFile(f"{path}: names nothing that is in the triples: its first column must be what stands there, or a number of {numbers}")
    return found


def _there(path: Path) -> Path | None:
    """The file, or the one with ``.gz`` behind its name, or none."""
    return next((one for one in (path, path.with_name(f"{path.name}.gz")) if one.exists()), None)


def _rows(path: Path, header: bool = False) -> list[list[str]]:
    try:
        with opened(path) as file:
            return [_cells(path, number, line) for number, line in lines(file) if line.strip() and not (header and number == 1)]
    except Broken as error:
        raise BadFile(f"{path}: {error}") from None


def _cells(path: Path, number: int, line: str) -> list[str]:
    cells = [" ".join(cell.split()) for cell in line.split("\t")]
    if len(cells) < 2 or not cells[0]:
        raise BadFile(f"{path}, line {number}: expected a name and its text separated by a tab, not {line[:80]!r}")
    return cells
