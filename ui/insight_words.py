"""The shape of a graph in plain words, alike on a terminal and on a page; not yet escaped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kgplatform.analysis import dynamics
from kgplatform.analysis.dynamics import Dynamics
from kgplatform.analysis.insight import Community, Gap, Standing
from ui.expansions import DYNAMICS, run_of

_ALIKE = 0.1
"""A ratio of likelihoods that comes by chance more often than so is none."""


def shape(found: Dynamics) -> dict[str, str]:
    """Each measure that has a meaning here, and what it says."""
    sampled = f" (seen from {found.sources:,} entities)" if found.sources < found.nodes else ""
    told = {
        "entities": f"{found.nodes:,}, of them {found.largest:,} in the largest of {found.components:,} parts",
        "links": f"{found.edges:,}" + ("" if found.mean_degree is None else f", {found.mean_degree:.1f} an entity"),
        "communities": "" if found.modularity is None else f"{found.communities:,} (modularity {found.modularity:.2f})",
        "clustering": "" if found.clustering is None else f"{found.clustering:.3f}",
        "hops apart": "" if found.path_length is None else f"{found.path_length:.1f} on average, {found.diameter} at most{sampled}",
        "degrees": _law(found),
        "between communities": f"{found.between:,} entities",
        "held together by": f"{found.cuts:,} entities and {found.bridges:,} links alone",
        "assortativity": "" if found.assortativity is None else f"{found.assortativity:+.2f} ({_assorted(found.assortativity)})",
        "small world": "" if found.small_world is None else f"σ {found.small_world:.1f}",
    }
    return {name: words for name, words in told.items() if words}


def _law(found: Dynamics) -> str:
    if found.exponent is None or found.against_lognormal is None or found.against_lognormal_p is None:
        return ""
    if found.against_lognormal_p > _ALIKE:
        better = "a log-normal law fits as well"
    else:
        better = "better than a log-normal law" if found.against_lognormal > 0 else "a log-normal law fits better"
    return f"exponent {found.exponent:.2f} from {found.exponent_from} links on; {better}"


def _assorted(value: float) -> str:
    return "hubs link to hubs" if value > _ALIKE else "hubs link to entities of few links" if value < -_ALIKE else "no order"


def community(one: Community) -> str:
    return ", ".join(entity.name for entity in one.central)


def size(one: Community) -> str:
    return f"{one.size:,} entities, {one.inside:.0%} of their links within"


def standing(one: Standing) -> str:
    links = "1 link" if one.links == 1 else f"{one.links:,} links"
    return f"{links} to {one.communities:,} communit{'y' if one.communities == 1 else 'ies'}, on {one.betweenness:.1%} of shortest paths"


WHY = {
    "communities": "two communities that hardly anything links",
    "neighbours": "much in common, and no link",
    "relation": "others of the kind have one",
}


def why(gap: Gap) -> str:
    return WHY[gap.why]


@dataclass(frozen=True, slots=True)
class Grown:
    """How an expansion made the graph grow."""

    run: str
    iterations: list[tuple[int, Dynamics]]


def grown(folder: Path) -> list[Grown]:
    """The runs of a folder of expansions whose shapes were recorded, the latest first. Raises ``BadFile``."""
    found = sorted(folder.glob(f"*/{DYNAMICS}"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [Grown(run_of(path.parent), dynamics.read(path)) for path in found]
