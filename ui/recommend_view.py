"""What is recommended and what it was learned from, as HTML for a person to read.

Pure functions from values to text. Names come from files and documents that nobody has vetted: every one of them goes through ``escape``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from reasoning.recommend.health import Health
from reasoning.recommend.run import TOP

NOTHING = (
    '<div class="welcome"><h2>Nobody has taken anything yet</h2>'
    "<p>What goes with what is learned from who took what. Say so with this command, then load this page again:</p>"
    "<p><code>kg interactions add FILE</code> a table of users and items</p></div>"
)
UNLEARNED = (
    '<div class="welcome"><h2>Nothing has been learned yet</h2><p>It is known who took what. Press <b>Learn</b> on the left, and a worker '
    "(<code>kg worker</code>) learns what goes with what.</p></div>"
)
NOBODY = (
    '<div class="welcome"><h2>What might they like?</h2>'
    "<p>Choose a user on the left, or items that somebody has: what goes with them is shown here, and why.</p></div>"
)


def learned(told: Mapping[str, Any], when: str, now: int) -> str:
    """Which recommender there is, how good it is, and how many interactions it has not seen of the ``now`` that there are."""
    later = now - told["interactions"]
    unseen = f'<div class="small">{later:,} interactions were added since it was learned</div>' if later > 0 else ""
    return (
        f'<div class="knows">{escape(str(told["model"]))}, learned {escape(when)}</div>'
        f'<div class="small">from {told["interactions"]:,} interactions{_good(told)}</div>{unseen}'
    )


def _good(told: Mapping[str, Any]) -> str:
    if f"recall@{TOP}" not in told:
        return ""
    tested = f"of {told['users_tested']:,} that it was not shown, {told[f'recall@{TOP}']:.0%} were among its first {TOP}"
    return f"; {tested} (NDCG {told[f'ndcg@{TOP}']:.3f})"


def health(found: Health) -> str:
    """Counts, and what a person should know of them."""
    rows = {
        "users": f"{found.users:,}",
        "items": f"{found.items:,}, {found.untaken_items:,} of them taken by nobody",
        "in the graph": f"{found.entities:,} items",
        "interactions": f"{found.interactions:,}, {found.density:.2%} of all pairs",
        "items a user": f"{found.median:,.0f} (median)",
        "times": "none" if found.times is None else " to ".join(f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d}" for one in found.times),
        "ratings": "none" if found.ratings is None else "{:g} to {:g}".format(*found.ratings),
    }
    pairs = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    doubts = "".join(f'<div class="doubt">{escape(doubt[:1].upper() + doubt[1:])}</div>' for doubt in found.doubts)
    return f'<dl class="pairs">{pairs}</dl>{doubts}'


def heading(whom: str, taken: Iterable[str], more: int) -> str:
    """For whom, and some of what they took; ``more`` were taken besides."""
    listed = ", ".join(f"<bdi>{escape(name)}</bdi>" for name in taken)
    others = f" and {more:,} more" if more else ""
    return f'<h3 class="whom">For <bdi>{escape(whom)}</bdi></h3><div class="small">who took {listed}{others}</div>'
