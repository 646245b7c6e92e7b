"""Runs of expansions: what a folder and the ledger keep of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from kgplatform.names import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harvest.expand import Grown, Round, Told
    from kgplatform.analysis.dynamics import Dynamics
    from kgplatform.jobs import Job, Ledger, Step

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
    rounds: tuple[Round, ...]
    grown: Grown

    @property
    def run(self) -> str:
        return self.job.run

    @property
    def answered(self) -> int:
        return sum(one.answered for one in self.rounds)


def state(one: Expansion) -> str:
    """How a run stands, and why it ended."""
    from ui import jobs

    return str(one.job.result.get("ended") or jobs.state(one.job))


def shape(expansions: Path, run: str) -> Dynamics | None:
    """The shape of what a run grew after its last iteration, if it was recorded. Raises ``BadFile``."""
    from kgplatform.analysis import dynamics

    path = dynamics_file(expansions, run)
    recorded = dynamics.read(path) if path.exists() else []
    return recorded[-1][1] if recorded else None


def compared(runs: Sequence[Expansion], expansions: Path) -> list[tuple[str, ...]]:
    """Runs side by side, a row for each figure; the last two say what they share with the first. Raises ``BadFile``."""
    told = [_figures(one, expansions, runs[0]) for one in runs]
    return [("", *(one.run for one in runs)), *((what, *(one[what] for one in told)) for what in told[0])]


def _figures(one: Expansion, expansions: Path, beside: Expansion) -> dict[str, str]:
    asked, grown, questions = one.job.task.arguments, one.grown, sum(len(each.questions) for each in one.rounds)
    found = shape(expansions, one.run)
    told = [("communities", found.communities, ",d"), ("modularity", found.modularity, ".2f")] if found else []
    told += [("hops apart", found.path_length, ".1f"), ("clustering", found.clustering, ".2f")] if found else []
    measured = {name: "–" if value is None else format(value, how) for name, value, how in told}
    return {
        "question": asked["question"],
        "strategy": asked["strategy"],
        "at a time": str(asked["fan_out"]),
        "rounds": f"{len(one.rounds):,}",
        "questions": f"{questions:,}, {one.answered:,} with a usable answer",
        "things": f"{len(grown.names):,}",
        "links": f"{len(grown.links):,}",
        "new links a question": f"{len(grown.links) / questions:.1f}" if questions else "–",
        "merged": f"{sum(each.merged for each in one.rounds):,}",
        **{name: measured.get(name, "–") for name in ("communities", "modularity", "hops apart", "clustering")},
        "tokens": f"{one.job.usage.tokens:,}",
        "ended": state(one),
        f"things as {beside.run}": f"{len(grown.names.keys() & beside.grown.names.keys()):,}",
        f"links as {beside.run}": f"{len(grown.links.keys() & beside.grown.links.keys()):,}",
    }


def expansion(ledger: Ledger, job: Job) -> Expansion:
    """What a job has come to until now, also while it runs; its steps in the ledger say so."""
    from harvest.expand import ROUND

    return Expansion(job, *read(ledger.results(job.id, ROUND)))


def read(steps: Sequence[Step], before: Told | None = None) -> Told:
    """What these steps of a job came to, with what it had come to before."""
    from harvest.expand import ROUND, told

    return told((step.result for step in steps if step.key.startswith(ROUND)), before)
