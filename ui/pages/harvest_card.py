"""The form for a harvest: a card that is chosen or written, how much is asked for, and the job that is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from harvest import shipped
from kgplatform import names
from kgplatform.cardfiles import as_yaml
from kgplatform.cards import datatype, read_relation, relation_from
from kgplatform.errors import BadCard, BadFile
from kgplatform.types import Relation
from kgplatform.wholefile import whole
from ui.connection import graph, wire
from ui.pages import frame, opened_job
from ui.tasks import harvest_relation

KIND = "harvest relation"
_EMPTY: dict[str, Any] = {
    "name": "",
    "definition": "",
    "domain": "",
    "range": "",
    "prompts": "",
    "seeds": "",
    "functional": False,
    "key_qualifiers": "",
}
"""The fields of a card that the form has, with what stands there at first."""
_OTHERS: dict[str, Any] = {"chosen": None, "size": 200, "chat": None, "free": False}


def form() -> None:
    """Draw it, and why the last one could not be submitted."""
    drafts = st.session_state.setdefault("card_drafts", {})
    for field, first in (_EMPTY | _OTHERS).items():
        if f"card_{field}" not in st.session_state:
            st.session_state[f"card_{field}"] = drafts.get(field, bool(_chat()) if field == "chat" else first)
    st.html("<h4>What to ask for</h4>")
    st.selectbox("Card", list(choices()), key="card_chosen", placeholder="A new one", on_change=_fill)
    with st.form("card", border=False):
        _card_fields()
        _size_fields()
        st.form_submit_button("Harvest", type="primary", on_click=_submit)
    frame.problem("harvest")


def _card_fields() -> None:
    st.text_input("Name of the relation", key="card_name", placeholder="capital of")
    st.text_input("Definition", key="card_definition")
    head, tail = st.columns(2)
    head.text_input("Kinds of heads", key="card_domain", placeholder="city", help="With commas; none means anything")
    tail.text_input("Kinds of tails", key="card_range", placeholder="country", help="With commas; none means anything")
    st.text_area("Prompts, one a line", key="card_prompts", placeholder="{head} is the capital of {tail}", height=110)
    st.text_area(
        "Seeds, one a line", key="card_seeds", placeholder="Cairo | Egypt", height=140, help="What is true for certain, as  head | tail"
    )
    with st.expander("More of the card"):
        st.checkbox("At most one tail for each head", key="card_functional")
        st.text_input(
            "Further slots",
            key="card_key_qualifiers",
            help="Names of slots beside head and tail, with commas, for relations of three and more",
        )


def _size_fields() -> None:
    chat = _chat()
    st.number_input("Candidates to ask for, beside those of the graph", 1, 100_000, key="card_size")
    st.checkbox(
        "A chat model proposes too", key="card_chat", disabled=not chat, help=None if chat else "There is none: KG_CHAT_MODEL names one"
    )
    st.checkbox("The scorer, too, may name things that the graph does not have", key="card_free")


def _chat() -> str:
    """The chat model that is configured, if any is."""
    return wire().settings["KG_CHAT_MODEL"]


def choices() -> dict[str, Relation]:
    """Cards by the words to choose them by: of the graph, of those that ship and that were written here; none that leads to values."""
    found: dict[Relation, str] = {}
    for where, some in (("of the graph", graph().relations()), ("shipped", _shipped()), ("written here", _kept())):
        for card in some.values():
            if not datatype(card):
                found.setdefault(card, where)
    many = Counter(card.name for card in found)
    named = {card.name if many[card.name] == 1 else f"{card.name} ({where})": card for card, where in found.items()}
    return dict(sorted(named.items()))


@cache
def _shipped() -> dict[str, Relation]:
    return shipped.relations()


def _folder() -> Path:
    return wire().settings.home / "cards"


def _kept() -> dict[str, Relation]:
    """Of cards that were written here the latest of each name; what is no card any more is passed over."""
    found = {}
    for path in sorted(_folder().glob("*.yaml"), key=lambda path: path.stat().st_mtime):
        with suppress(BadCard):
            card = read_relation(path)
            found[card.name] = card
    return found


def _fill() -> None:
    """Show the chosen card in the form."""
    card = choices().get(st.session_state["card_chosen"] or "")
    told = dict(_EMPTY)
    if card:
        told = {field: _shown(field, getattr(card, field)) for field in _EMPTY}
    for field, value in told.items():
        st.session_state[f"card_{field}"] = value


def _shown(field: str, value: Any) -> Any:
    """A field of a card as the form has it."""
    match field:
        case "prompts":
            return "\n".join(value)
        case "seeds":
            return "\n".join(" | ".join(seed) for seed in value)
        case "domain" | "range" | "key_qualifiers":
            return ", ".join(value)
        case _:
            return value


def written() -> Relation:
    """The card as the form has it. What the form has no field for is the chosen card's, as long as the name is. Raises ``BadCard``."""
    state = st.session_state
    raw: dict[str, Any] = {
        "name": state["card_name"],
        "definition": state["card_definition"].strip(),
        **{field: list(_parts(state[f"card_{field}"], ",")) for field in ("domain", "range", "key_qualifiers")},
        "functional": state["card_functional"],
        "prompts": list(_parts(state["card_prompts"], "\n")),
        "seeds": [[word.strip() for word in line.split("|")] for line in _parts(state["card_seeds"], "\n")],
    }
    chosen = choices().get(state["card_chosen"] or "")
    if chosen and chosen.name == raw["name"].strip():
        raw |= {field: getattr(chosen, field) for field in ("inverse", "inverse_functional", "symmetric", "transitive")}
        raw["qualifier_kinds"] = dict(chosen.qualifier_kinds)
    card = relation_from(raw)
    if typed := datatype(card):
        raise BadCard(f"{card.name!r} leads to values of type {typed}: a model's memory is asked for entities only")
    return card


def _parts(text: str, between: str) -> Iterator[str]:
    return (part.strip() for part in text.split(between) if part.strip())


def keep(card: Relation, folder: Path) -> Path:
    """The file of that card in the folder, under a name that no other card has: a job reads the card that it was made for.

    Raises ``BadFile`` when it cannot be written.
    """
    text = as_yaml(card)
    path = folder / f"{names.slug(card.name)[:60]}-{names.digest(text, size=4)}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(f"{folder}: cannot be made ({error.strerror})") from None
    with whole(path) as file:
        file.write(text.encode())
    return path


def _submit() -> None:
    st.session_state["card_drafts"] = {field: st.session_state[f"card_{field}"] for field in _EMPTY | _OTHERS}
    frame.attempt("harvest", _make)


def _make() -> None:
    state, here = st.session_state, wire()
    asks_chat = state["card_chat"] and _chat()
    arguments = harvest_relation.arguments(
        [keep(written(), _folder())],
        proposer="" if asks_chat else harvest_relation.NOBODY,
        size=state["card_size"],
        free=state["card_free"],
        hold=True,
    )
    harvest_relation.check_models(here.settings, arguments)
    opened_job.open(here.runner().submit(here.task(KIND, arguments)).id)
