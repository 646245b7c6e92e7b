"""The clickable picture of some facts: a pyvis network, drawn by a component of our own.

pyvis alone makes a page that no click comes back from. So its network is handed as plain data to
``graph_view.js``, which draws it with the vis-network library that the pyvis wheel carries. Names and
quotes travel only as data: nothing of them ever stands in the component's HTML or JavaScript.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from kgplatform import belief
from kgplatform.errors import MissingExtra
from kgplatform.names import digest
from kgplatform.types import Entity, EntityId, Fact, FactKey, Literal, Origin, in_words

_LABEL = 34
HEIGHT = 640
_KIND_COLOURS = {
    "person": "#4c6ef5",
    "place": "#2b8a6e",
    "city": "#12a5a0",
    "country": "#2f9e44",
    "organisation": "#e8590c",
    "university": "#f08c00",
    "element": "#9c36b5",
    "award": "#d6a100",
    "work": "#d6336c",
    "thing": "#6b7785",
}
_OTHER_COLOURS = ("#1c7ed6", "#ae3ec9", "#0b7285", "#a61e4d", "#5c940d", "#846358", "#5f3dc4", "#c2255c")
_SELECTED = "#1f2933"


class Line(NamedTuple):
    """How an edge is drawn; ``dashes`` as vis-network takes them."""

    colour: str
    dashes: bool | list[int] = False


ORIGIN_LINES: dict[Origin, Line] = {
    "told": Line("#2b8a3e"),
    "imported": Line("#748091"),
    "harvested": Line("#3b6fb6"),
    "predicted": Line("#9c36b5", [7, 5]),
}
REJECTED_LINE = Line("#c92a2a", [2, 4])


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: facts, the entities already opened, and what is selected."""

    facts: Sequence[Fact]
    centre: EntityId
    opened: Sequence[EntityId]
    node: EntityId | None = None
    fact: FactKey | None = None


def colour(kind: str) -> str:
    """The same colour for the same kind, on every page and day."""
    return _KIND_COLOURS.get(kind) or _OTHER_COLOURS[int(digest(kind), 16) % len(_OTHER_COLOURS)]


def line(fact: Fact) -> Line:
    """A rejected fact shows that first; else what speaks for it, the most trustworthy origin first."""
    return REJECTED_LINE if fact.verdict == "rejected" else ORIGIN_LINES[main_origin(fact)]


def main_origin(fact: Fact) -> Origin:
    """The most trustworthy of a fact's origins."""
    return next((origin for origin in ORIGIN_LINES if origin in fact.origin), "predicted")


def node_id(fact: Fact) -> str:
    """The node at a fact's tail: an entity's, or the value's own, which belongs to its one fact."""
    return f"e:{fact.tail.id}" if isinstance(fact.tail, Entity) else f"v:{fact.key}"


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"


def _add_entity(net: Any, entity: Entity, picture: Picture) -> None:
    central, shade = entity.id == picture.centre, colour(entity.kinds[0] if entity.kinds else "thing")
    net.add_node(
        f"e:{entity.id}",
        label=_short(entity.name),
        title=f"{entity.name}\n{', '.join(entity.kinds)}",
        color={"background": shade, "border": "#ffffff", "highlight": {"background": shade, "border": _SELECTED}},
        size=24 if central else 17 if entity.id in picture.opened else 13,
        font={"size": 17 if central else 14, "color": "#1f2933", "strokeWidth": 4, "strokeColor": "#ffffff"},
    )


def _add_literal(net: Any, fact: Fact, value: Literal) -> None:
    net.add_node(
        node_id(fact),
        label=_short(in_words(fact.tail)),
        shape="box",
        title=f"{in_words(fact.tail)}\n{value.datatype}",
        color={"background": "#f4f6f8", "border": "#adb5bd", "highlight": {"background": "#ffffff", "border": _SELECTED}},
        font={"size": 13, "color": "#49525c"},
    )


def _add_fact(net: Any, fact: Fact, twin: int) -> None:
    style = line(fact)
    net.add_edge(
        f"e:{fact.head.id}",
        node_id(fact),
        id=fact.key,
        label=_short(fact.relation),
        title=f"{fact.head.name} — {fact.relation} → {in_words(fact.tail)}\n{percent(fact.confidence)}",
        dashes=style.dashes,
        width=round(0.8 + 2.7 * fact.confidence, 2),
        color={"color": style.colour, "highlight": _SELECTED, "hover": style.colour, "opacity": 0.85},
        # Twins, facts between the same two, are bent apart; else one would hide the other.
        smooth={"enabled": twin > 0, "type": "curvedCW", "roundness": 0.18 * twin},
    )


def network(picture: Picture) -> Any:
    """The pyvis ``Network`` of a picture."""
    try:
        from pyvis.network import Network
    except ImportError:
        raise MissingExtra("pyvis", extra="app", need="drawing a graph") from None
    net, twins = Network(directed=True), Counter[frozenset[str]]()
    entities = {end.id: end for fact in picture.facts for end in (fact.head, fact.tail) if isinstance(end, Entity)}
    for entity in entities.values():
        _add_entity(net, entity, picture)
    for fact in picture.facts:
        if isinstance(fact.tail, Literal):
            _add_literal(net, fact, fact.tail)
        ends = frozenset((f"e:{fact.head.id}", node_id(fact)))
        _add_fact(net, fact, twins[ends])
        twins[ends] += 1
    return net


def percent(confidence: float) -> str:
    """A probability as people read it; nothing is called certain that is not."""
    shown = confidence * 100
    if shown >= 99.95:
        return "> 99.9 %"
    if shown < 0.05:
        return "< 0.1 %"
    return f"{shown:.1f} %" if shown >= 99 or shown < 1 else f"{shown:.0f} %"


def standing(fact: Fact) -> str:
    """Where a fact stands, in a word."""
    return fact.verdict if fact.verdict != "none" else belief.status(fact.verdict, fact.trust, fact.methods)


@cache
def _text(name: str) -> str:
    return (files("ui") / name).read_text("utf-8")


@cache
def _vis_network() -> str:
    try:
        return (files("pyvis") / "lib" / "vis-9.1.2" / "vis-network.min.js").read_text("utf-8")
    except (ImportError, OSError):
        raise MissingExtra("pyvis", extra="app", need="drawing a graph") from None


@cache
def _component() -> Any:
    """Registered at the first drawing, when a Streamlit server is there to register with."""
    import streamlit as st

    return st.components.v2.component(
        "kgplatform.graph_view",
        html=_text("graph_view.html"),
        css=_text("graph_view.css"),
        js=f"{_vis_network()}\n{_text('graph_view.js')}",
    )


def draw(picture: Picture, *, key: str, on_pick: Callable[[], None], height: int = HEIGHT) -> None:
    """Draw so many pixels high, and call ``on_pick`` when a person clicks; ``picked(st.session_state[key])`` then tells on what."""
    net = network(picture)
    selected = {"node": picture.node, "fact": picture.fact}
    data = {"nodes": net.nodes, "edges": net.edges, "centre": picture.centre, "selected": selected, "height": height}
    _component()(key=key, data=data, on_pick_change=on_pick)


def picked(state: Mapping[str, Any]) -> tuple[str, str]:
    """What was clicked on: ``("node" | "fact" | "expand", id)``; ``("", "")`` for nothing."""
    pick = state.get("pick")
    if not isinstance(pick, Mapping) or not isinstance(pick.get("id"), str):
        return "", ""
    return str(pick.get("what", "")), pick["id"]


def legend(facts: Sequence[Fact]) -> str:
    """The colours and lines that are in the picture, as HTML."""
    ends = (end for fact in facts for end in (fact.head, fact.tail) if isinstance(end, Entity))
    kinds = sorted({end.kinds[0] for end in ends if end.kinds})
    lines = {("rejected" if fact.verdict == "rejected" else main_origin(fact)): line(fact) for fact in facts}
    dots = "".join(f'<span><i style="background:{colour(kind)}"></i>{escape(kind)}</span>' for kind in kinds)
    strokes = "".join(
        f'<span><i class="line" style="border-top: 3px {"dashed" if style.dashes else "solid"} {style.colour}"></i>{name}</span>'
        for name, style in sorted(lines.items())
    )
    return f'<div class="legend">{dots}{strokes}</div>'
