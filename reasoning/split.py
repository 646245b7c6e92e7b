"""Facts to learn from and facts to be judged by: held out of a view, or read as a benchmark brings them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kgplatform.errors import BadFile, BadRequest
from kgplatform.types import Entity, EntityId, Fact, FactKey
from kgplatform.view import GraphView, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """``valid`` and ``test`` ``(n, 3)`` are numbered as ``train`` is."""

    train: GraphView
    valid: Ints
    test: Ints

    @property
    def known(self) -> Ints:
        """All that is true: what filtered ranking takes out of the competition."""
        return np.concatenate([self.train.triples, self.valid, self.test])


def split(view: GraphView, valid: float = 0.1, test: float = 0.1, seed: int = 0) -> Split:
    """Shares of the facts at random; fewer where the rest would lose the last fact of an entity or a relation."""
    wanted = [round(len(view) * valid), round(len(view) * test)]
    held = removable(view, sum(wanted), seed)
    cut = len(held) * wanted[0] // max(1, sum(wanted))
    rest = np.ones(len(view), dtype=bool)
    rest[held] = False
    return Split(view.only(rest), view.triples[held[:cut]], view.triples[held[cut:]])


def removable(view: GraphView, wanted: int, seed: int) -> Ints:
    """At most ``wanted`` rows, in random order, whose absence leaves every entity and relation at least one fact."""
    uses = np.bincount(view.triples[:, [0, 2]].ravel(), minlength=len(view.entities))
    shown = np.bincount(view.triples[:, 1], minlength=len(view.relations))
    held: list[int] = []
    for row in np.random.default_rng(seed).permutation(len(view)):
        if len(held) >= wanted:
            break
        head, relation, tail = view.triples[row]
        uses[head] -= 1
        uses[tail] -= 1
        if uses[head] > 0 and uses[tail] > 0 and shown[relation] > 1:
            shown[relation] -= 1
            held.append(int(row))
        else:
            uses[head] += 1
            uses[tail] += 1
    return np.array(held, dtype=np.int64)


COLUMNS = ("head", "relation", "tail")


def read_split(folder: Path, columns: Sequence[str] | None = None) -> Split:
    """The split in ``train.txt``, ``valid.txt`` and ``test.txt``: head, relation, tail, separated by tabs.

    ``columns`` name their order, as ``("relation", "head", "tail")``, where it is not the usual one. Raises ``BadFile`` with the file and
    the line that is none, ``BadRequest`` for ``columns``.
    """
    columns = columns or COLUMNS
    if sorted(columns) != sorted(COLUMNS):
        raise BadRequest(f"{', '.join(columns)!r} are no columns of facts: name {', '.join(COLUMNS)} in the order of the files")
    parts = [_lines(folder / f"{name}.txt", columns) for name in ("train", "valid", "test")]
    view = GraphView.of(_fact(*row) for part in parts for row in part)
    entities = {str(id_): number for number, id_ in enumerate(view.entity_ids)}
    relations = {name: number for number, name in enumerate(view.relations)}
    train, valid, test = (
        np.array([(entities[h], relations[r], entities[t]) for h, r, t in dict.fromkeys(part)], dtype=np.int64).reshape(-1, 3)
        for part in parts
    )
    learned = set(map(tuple, train.tolist()))
    return Split(view.only(np.array([tuple(row) in learned for row in view.triples.tolist()], dtype=bool)), valid, test)


def _lines(path: Path, columns: Sequence[str]) -> list[tuple[str, str, str]]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path}: is not UTF-8 text") from None
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.split("\t")]
        if len(parts) != 3 or not all(parts):
            raise BadFile(
                f"{path}, line {number}: expected {columns[0]}, {columns[1]} and {columns[2]} separated by tabs, not {line[:80]!r}"
            )
        told = dict(zip(columns, parts, strict=True))
        rows.append((told["head"], told["relation"], told["tail"]))
    return rows


def _fact(head: str, relation: str, tail: str) -> Fact:
    return Fact(FactKey(f"{relation}|{head}|{tail}"), Entity(EntityId(head), head), relation, Entity(EntityId(tail), tail), 1.0, 1.0)
