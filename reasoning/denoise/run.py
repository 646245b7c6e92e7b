"""The facts of a graph that look wrong, with what speaks against each, and lowering belief in them.

Belief is lowered as everything else is: by evidence, of a source that names the state of the graph, so that ``kg forget`` takes it back. It
counts as a graph model's, and graph models do not learn from that; so denoising twice does not condemn twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.ports import Progress
from kgplatform.types import Claim, Evidence, Fact, FactKey, Forgotten, Receipt, Source, SourceId, Status
from kgplatform.view import GraphView
from reasoning.denoise.signals import COUNTS, NAMES, RELATION, Reals
from reasoning.denoise.suspicion import Suspicion, suspicion

OF_DENOISING = "graph:denoise@"
"""How the id of its source begins; the snapshot follows."""
REASONS = 3
LEAST_AUC = 0.65
NOTHING = (
    "Nothing is suspected: facts that were corrupted on purpose are told from those of the graph with an AUC of {:.2f} (.5 is guessing), "
    "so the facts say too little of each other. More facts that connect the same entities would help."
)
LEAST_REASON = 0.2
"""Nats that a reason is worth at least."""


class Graph(Protocol):
    """What denoising needs of ``kgplatform.graph.KnowledgeGraph``."""

    def facts(self, *, status: Status = "current") -> Iterable[Fact]: ...

    def facts_at(self, keys: Collection[FactKey]) -> Mapping[FactKey, Fact]: ...

    def put(self, claims: Sequence[Claim]) -> Receipt: ...

    def forget(self, source: str) -> Forgotten: ...


@dataclass(frozen=True, slots=True)
class Suspect:
    """A fact that looks wrong: how likely it is to be, the weight against it in nats, and the signals that speak most for that."""

    fact: Fact
    probability: float
    weight: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """``suspects``, the most suspect first. ``wrong`` is the share of the facts that look wrong; without ``receipt`` nothing was put.

    ``auc`` says how well corrupted facts are told from those of the graph, ``note`` why there are no suspects.
    """

    suspects: tuple[Suspect, ...]
    snapshot: str
    facts: int
    wrong: float
    receipt: Receipt | None = None
    auc: float = 1.0
    note: str = ""

    @property
    def source(self) -> SourceId:
        """Whose word it is: ``forget`` takes it back."""
        return SourceId(f"{OF_DENOISING}{self.snapshot}")


def denoise(
    kg: Graph,
    *,
    top: int = 20,
    least: float = 0.5,
    apply: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """The ``top`` facts that are wrong with a probability of ``least`` or more; with ``apply`` belief in them is lowered.

    What was put against facts of an earlier state of the graph is then withdrawn. Raises ``BadRequest`` for a graph of too few facts.
    """
    if top < 1:
        raise BadRequest(f"top must be at least 1, not {top}")
    if not 0 <= least <= 1:
        raise BadRequest(f"a probability lies between 0 and 1, not {least}")
    view = GraphView.of(kg.facts(status="current"))
    found = suspicion(view.triples, len(view.entities), len(view.relations), seed=seed, progress=progress)
    if found.auc < LEAST_AUC:
        return Report((), view.revision, len(view), 0.0, None, found.auc, NOTHING.format(found.auc))
    rows = np.array([row for row in found.first(top) if found.probability[row] >= least], np.int64)
    held = kg.facts_at([view.keys[row] for row in rows])
    against = weights(found, rows)
    suspects = tuple(
        Suspect(held[view.keys[row]], float(found.probability[row]), float(against[place]), _words(found, row, told, view))
        for place, (row, told) in enumerate(zip(rows.tolist(), found.reasons(rows), strict=True))
        if view.keys[row] in held
    )
    report = Report(suspects, view.revision, len(view), found.wrong, None, found.auc)
    if not apply:
        return report
    for old in _earlier(kg, view.revision):
        kg.forget(old)
    return replace(report, receipt=kg.put(to_claims(report)))


def weights(found: Suspicion, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Reals:
    """What speaks against these facts, in nats: by how much likelier each is wrong than any fact of the graph."""
    p, share = np.clip(found.probability[rows], 1e-6, 1 - 1e-6), min(max(found.wrong, 1e-6), 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)) - np.log(share / (1 - share)), np.float64)


def to_claims(report: Report) -> list[Claim]:
    """What speaks against the suspects, as evidence."""
    source = Source(report.source, "graph", "denoising")
    return [
        Claim(
            suspect.fact.head,
            suspect.fact.relation,
            suspect.fact.tail,
            (
                Evidence(
                    "graph",
                    source,
                    score=-round(suspect.weight, 3),
                    model=source.id.removeprefix("graph:"),
                    detail=(
                        ("probability of being wrong", f"{suspect.probability:.3f}"),
                        ("snapshot", report.snapshot),
                        ("why", "; ".join(suspect.reasons)),
                    ),
                ),
            ),
            suspect.fact.qualifiers,
        )
        for suspect in report.suspects
    ]


def _words(found: Suspicion, row: int, told: Reals, view: GraphView) -> tuple[str, ...]:
    """The signals that speak most against a fact, with their value and what is usual."""
    alike = found.signals[found.signals[:, RELATION] == found.signals[row, RELATION]]
    usual = np.median(alike, axis=0)
    chosen = [place for place in np.argsort(-told, kind="stable")[:REASONS].tolist() if told[place] >= LEAST_REASON and place != RELATION]
    relation = view.relations[int(view.triples[row, 1])]
    return tuple(f"{NAMES[at]}: {_number(at, found.signals[row, at])}, for {relation} usually {_number(at, usual[at])}" for at in chosen)


def _number(column: int, value: float) -> str:
    """A signal for people: counts as counts."""
    return f"{round(float(np.expm1(value))):,}" if column in COUNTS else f"{value:.2g}"


def _earlier(kg: Graph, snapshot: str) -> list[SourceId]:
    """What was put of other snapshots."""
    sources = {source for fact in kg.facts(status="all") for source in fact.sources}
    return sorted(source for source in sources if source.startswith(OF_DENOISING) and source != f"{OF_DENOISING}{snapshot}")
