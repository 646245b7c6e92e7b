"""How well questions are answered whose answers are known: hits@1, F1 over answer sets, refusals, time, and how many answers flip."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import IO

import numpy as np

from kgplatform.errors import BadFile
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.ports import Encoder
from kgplatform.names import fact_key, normalise
from kgplatform.ports import Progress
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Entity, EntityId, Fact, Literal
from reasoning.agent.answer import Answer
from reasoning.agent.ask import Guide
from reasoning.agent.faithful import check

BELIEVED = 0.95
"""Of facts that a file gives without a confidence."""
_TRUTH = {"true": "yes", "false": "no"}


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the names or values that answer it; none where the graph does not say."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares of the questions. ``hits@1`` is the first answer being right, ``f1`` the mean over the answer sets; one that has no answer is
    right when none is given. ``flip_rate`` is of the answers with a walk, ``nan`` where it was not looked at; times are milliseconds,
    ``calls`` of a chat model and their ``tokens`` are means of all questions."""

    questions: int
    hits: float
    f1: float
    exact: float
    refused_rightly: float
    refused_wrongly: float
    p50_ms: float
    p95_ms: float
    flip_rate: float
    calls: float
    tokens: float

    def shape(self) -> dict[str, float | int | None]:
        """As JSON: what was not looked at, or has no questions, is null."""
        told = {("hits@1" if name == "hits" else name): value for name, value in asdict(self).items()}
        return {name: None if value != value else value for name, value in told.items()}


def read_questions(path: Path) -> list[Question]:
    """Lines ``text with [mention]<TAB>answer|answer…``, gzip-compressed or not; no answer where the graph does not say.

    Raises ``BadFile`` with the line.
    """
    found = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        text, tab, answers = line.partition("\t")
        if not tab or not text.strip() or "\t" in answers:
            raise BadFile(f"{path}, line {number}: is no question, a tab, and its answers with | between them")
        found.append(Question(text.strip(), tuple(filter(None, map(str.strip, answers.split("|"))))))
    if not found:
        raise BadFile(f"{path}: holds no question")
    return found


def guide_of(path: Path, encoder: Encoder, progress: Progress | None = None) -> Guide:
    """The facts of a file of any import format, or of lines ``head|relation|tail``. Raises ``BadFile``."""
    if not path.exists():
        raise BadFile(f"{path}: there is no such file")
    first = next(_lines(path), "") if path.name.removesuffix(".gz").endswith(".txt") else ""
    if "\t" not in first and first.count("|") == 2:
        return Guide(_piped(path), {}, {}, encoder)
    with KnowledgeGraph(MemoryStore()) as kg:
        kg.load(path, progress=progress)
        cards, kinds = kg.relations(), kg.kinds()
        return Guide(list(kg.facts()), cards, kinds, encoder)


def _piped(path: Path) -> Iterator[Fact]:
    for number, line in enumerate(_lines(path), 1):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or not all(parts):
            raise BadFile(f"{path}, line {number}: is no  head|relation|tail")
        head, relation, tail = parts
        ends = Entity(EntityId(head), head), Entity(EntityId(tail), tail)
        yield Fact(fact_key(relation, head, tail), ends[0], relation, ends[1], BELIEVED, BELIEVED)


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            file: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            for line in file:
                yield line.decode("utf-8").rstrip("\r\n")
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read as UTF-8 text ({str(error)[:100]})") from None


def evaluate(
    answer: Callable[[str], Answer], questions: Sequence[Question], guide: Guide | None = None, progress: Progress | None = None
) -> Measured:
    """Answer all; with a ``guide`` each answer's walk is taken away and the question asked again."""
    hits, f1, exact, seconds, flips, spent = [], [], [], [], [], []
    refused: dict[bool, list[bool]] = {True: [], False: []}
    for number, one in enumerate(questions, 1):
        begun = perf_counter()
        found = answer(one.text)
        seconds.append(perf_counter() - begun)
        spent.append((found.calls, found.tokens))
        given, right = [*map(_said, found.answers)], {*map(normalise, one.answers)}
        refused[not right].append(not found.supported)
        hits.append(given[0] in right if given else not right and not found.supported)
        f1.append(_f1(set(given), right) if right or given else float(not found.supported))
        exact.append(set(given) == right and found.supported == bool(right))
        if guide and (again := check(guide, one.text, found)):
            flips.append(again.flips)
        if progress:
            progress(number, len(questions))
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    shares = _mean(hits), _mean(f1), _mean(exact), _mean(refused[True]), _mean(refused[False])
    calls, tokens = (float(one) for one in np.mean(spent, axis=0))
    return Measured(len(questions), *shares, float(p50), float(p95), _mean(flips), calls, tokens)


def _said(end: Entity | Literal) -> str:
    if isinstance(end, Entity):
        return normalise(end.name)
    return _TRUTH.get(end.value, end.value) if end.datatype == "boolean" else normalise(end.value)


def _f1(given: set[str], right: set[str]) -> float:
    return 2 * len(given & right) / (len(given) + len(right))


def _mean(values: Iterable[float | bool]) -> float:
    listed = list(values)
    return float(np.mean(listed)) if listed else float("nan")
