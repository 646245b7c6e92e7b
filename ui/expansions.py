"""Runs of expansions: what a folder and the ledger keep of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from kgplatform.names import digest

if TYPE_CHECKING:
    from harvest.expand import Grown, Round
    from kgplatform.jobs import Job, Ledger

KIND = "harvest expand"
DYNAMICS = "dynamics.jsonl"
_LONGEST = 120


def dynamics_file(expansions: Path, run: str) -> Path:
    """The shapes of what a run grew, iteration by iteration: ``kgplatform.analysis.dynamics.read``."""
    return folder(expansions, run) / DYNAMICS


def folder(expansions: Path, run: str) -> Path:
    """Of what a run leaves. Its name is the run's, made safe."""
    safe = quote(run, safe=" ,+()").replace(".", "%2E")
    return expansions / (safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST].rpartition('%')[0] or safe[:_LONGEST]} {digest(run)}")


def run_of(folder: Path) -> str:
    """The run whose folder it is."""
    return unquote(folder.name)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A run with its job, its rounds so far, and what they grew."""

    job: Job
    rounds: list[Round]
    grown: Grown

    @property
    def run(self) -> str:
        return self.job.run

    @property
    def answered(self) -> int:
        return sum(one.answered for one in self.rounds)


def expansion(ledger: Ledger, job: Job) -> Expansion:
    """What a job has come to until now, also while it runs; its steps in the ledger say so."""
    from harvest.expand import ROUND, told

    records = [step.result for step in ledger.results(job.id, ROUND) if step.key.startswith(ROUND)]
    return Expansion(job, *told(records))


def expansions(ledger: Ledger, graph: str, limit: int = 50) -> list[Expansion]:
    """The runs on a graph, the latest first."""
    return [expansion(ledger, job) for job in ledger.jobs(graph=graph, kind=KIND, limit=limit)]
