"""What is said of interactions and of recommendations, alike on a terminal and on a page: plain words, not yet escaped."""

from __future__ import annotations

from datetime import UTC, datetime

from reasoning.recommend.counterfactual import Change
from reasoning.recommend.health import Health


def health(found: Health) -> dict[str, str]:
    """How many there are of what."""
    days = () if found.times is None else (f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d}" for one in found.times)
    return {
        "users": f"{found.users:,}",
        "items": f"{found.items:,}, {found.untaken_items:,} of them taken by nobody",
        "items in the graph": f"{found.entities:,}",
        "interactions": f"{found.interactions:,}, {found.density:.2%} of all pairs",
        "items a user": f"{found.median:,.0f} (median)",
        "times": " to ".join(days) or "none",
        "ratings": "none" if found.ratings is None else "{:g} to {:g}".format(*found.ratings),
    }


def worth(change: Change, begins: str) -> str:
    """The rank of an item without the facts of a way, or without the items at which it ``begins``."""
    out = "these facts" if change.left_out == "facts" else begins
    if change.after == change.before:
        return f"without {out} it would still be number {change.before:,}"
    return f"without {out} it would be number {change.after:,}, not {change.before:,}"
