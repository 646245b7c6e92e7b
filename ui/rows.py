"""A list of rows to choose from, each a button: search results, facts, conflicts.

Streamlit's own buttons read their labels as Markdown; these show every word as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from kgplatform.conflicts import Conflict
from kgplatform.types import Entity, EntityId, Fact, in_words
from ui.graph_view import colour, line, percent, standing


@dataclass(frozen=True, slots=True)
class Row:
    """One choice: a small ``lead`` over the ``main`` words, ``below`` under them, a ``note`` at the end; ``share`` (0 to 1) as a bar.

    A ``rank`` stands in place of the dot; ``link`` is an address beside it that the entity is opened at.
    """

    id: str
    main: str
    lead: str = ""
    note: str = ""
    tag: str = ""
    colour: str = ""
    share: float | None = None
    below: str = ""
    rank: str = ""
    link: str = ""


def of_entity(entity: Entity) -> Row:
    also = ", ".join(entity.aliases[:3])
    return Row(entity.id, entity.name, note=", ".join(entity.kinds), lead=also, colour=colour(entity.kinds[0]))


def of_fact(fact: Fact, seen_from: EntityId | None = None) -> Row:
    """A fact as the entity at one of its ends sees it; from outside with both ends."""
    if seen_from is None:
        main, lead = f"{fact.head.name} → {in_words(fact.tail)}", fact.relation
    elif fact.head.id == seen_from:
        main, lead = in_words(fact.tail), fact.relation
    else:
        main, lead = fact.head.name, f"← {fact.relation}"
    place = standing(fact)
    tag = "" if place == "current" else place
    return Row(fact.key, main, lead, percent(fact.confidence), tag, line(fact).colour, fact.confidence)


def of_conflict(conflict: Conflict) -> Row:
    """A fact that contradicts the one that is shown, with the reason."""
    return replace(of_fact(conflict.fact), below=conflict.why)


@cache
def _component() -> Any:
    import streamlit as st

    css, js = ((files("ui") / f"rows.{suffix}").read_text("utf-8") for suffix in ("css", "js"))
    return st.components.v2.component("kgplatform.rows", html='<div class="rows" role="list"></div>', css=css, js=js)


def show(rows: Iterable[Row], *, key: str, on_pick: Callable[[], None], chosen: str = "") -> None:
    """Draw, and call ``on_pick`` when a row is chosen; ``picked(st.session_state[key])`` then tells which."""
    _component()(key=key, data={"rows": [asdict(row) for row in rows], "chosen": chosen}, on_pick_change=on_pick)


def picked(state: Mapping[str, Any]) -> str:
    pick = state.get("pick")
    return pick if isinstance(pick, str) else ""
