"""What is recommended and what it was learned from, as HTML for a person to read.

Pure functions from values to text. Names come from files and documents that nobody has vetted: every one of them goes through ``escape``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode

from kgplatform.types import EntityId, Evidence, Fact, Step, in_words
from reasoning.recommend.health import Health
from reasoning.recommend.served import TOP
from reasoning.recommend.why import Why
from ui import evidence, recommend_words
from ui.graph_view import percent
from ui.shapes import where

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
    tried = ", ".join(f"{escape(name)} {ndcg:.3f}" for name, ndcg in told.get("tried", {}).items())
    others = f'<div class="small">the best by NDCG of {tried}</div>' if tried else ""
    unseen = f'<div class="small">{later:,} interactions were added since it was learned</div>' if later > 0 else ""
    return (
        f'<div class="knows">{escape(str(told["model"]))}, learned {escape(when)}</div>'
        f'<div class="small">from {told["interactions"]:,} interactions{_good(told)}</div>{others}{unseen}'
    )


def _good(told: Mapping[str, Any]) -> str:
    if f"recall@{TOP}" not in told:
        return ""
    tested = f"of {told['users_tested']:,} by which it was chosen, {told[f'recall@{TOP}']:.0%} were among its first {TOP}"
    return f"; {tested} (NDCG {told[f'ndcg@{TOP}']:.3f})"


def health(found: Health) -> str:
    """Counts, and what a person should know of them."""
    pairs = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in recommend_words.health(found).items())
    doubts = "".join(f'<div class="doubt">{escape(_capital(doubt))}</div>' for doubt in found.doubts)
    return f'<dl class="pairs">{pairs}</dl>{doubts}'


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def heading(whom: str, taken: Iterable[str], more: int) -> str:
    """For whom, and some of what they took; ``more`` were taken besides."""
    listed = ", ".join(f"<bdi>{escape(name)}</bdi>" for name in taken)
    others = f" and {more:,} more" if more else ""
    return f'<h3 class="whom">For <bdi>{escape(whom)}</bdi></h3><div class="small">who took {listed}{others}</div>'


FORGOTTEN = '<div class="small">What it learned of the graph is gone, since a source was forgotten: learn one anew to see reasons.</div>'
UNLINKED = '<div class="small">Nothing in the graph links it to what they have: those who took the same took it too.</div>'


def why_heading(name: str) -> str:
    return f'<h3 class="whom">Why <bdi>{escape(name)}</bdi></h3>'


def explore(entity: EntityId, fact: str = "") -> str:
    """The address of an entity in Explore, or of one of its facts."""
    return f"explore?{urlencode({'q': entity} | ({'fact': fact} if fact else {}))}"


def why(one: Why, rank: int, begins: Iterable[str], told: Mapping[str, Evidence]) -> str:
    """A way as sentences, each fact with its confidence, what best speaks for it (``told``, by its key) and a link to all that does."""
    facts = "".join(_fact(step.fact, told.get(step.fact.key)) for step in one.steps)
    also = "".join(_fact(step.fact, None) for step in one.beside)
    more = f'<div class="small">besides</div>{also}' if also else ""
    heeded = "" if one.attention is None else f", heeded {one.attention:.2f}"
    listed = " and ".join(f"<bdi>{escape(name)}</bdi>" for name in begins)
    small = f"believed {percent(one.confidence)}, specific {one.specificity:.2f}{heeded}"
    return (
        f'<div class="reason way"><div class="top"><span class="method">{rank}. {_through(one.steps)}</span>'
        f'<span class="weight">{one.score:.2f}</span></div>{facts}{more}'
        f'<div class="worth">{_capital(recommend_words.worth(one.change, listed))}</div><div class="small">{small}</div></div>'
    )


def _through(steps: Iterable[Step]) -> str:
    """The entities between the two ends."""
    _, *inner = (f"<bdi>{escape(in_words(step.start))}</bdi>" for step in steps)
    return f"Through {' and '.join(inner)}" if inner else "Straight"


def _fact(fact: Fact, best: Evidence | None) -> str:
    words = (
        f"<bdi><b>{escape(fact.head.name)}</b></bdi> <span class='relation'>{escape(fact.relation)}</span> "
        f"<bdi><b>{escape(in_words(fact.tail))}</b></bdi>"
    )
    link = f'<a href="{escape(explore(fact.head.id, fact.key))}" title="What speaks for it">{percent(fact.confidence)}</a>'
    quote = f"<blockquote>{evidence.highlighted(best.quote, best.head_words, best.tail_words)}</blockquote>" if best and best.quote else ""
    source = f'<div class="small">{escape(where(best))}</div>' if best else ""
    return f'<div class="fact"><div class="top"><span class="said">{words}</span>{link}</div>{quote}{source}</div>'
