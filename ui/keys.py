"""A row of buttons that are keys as well, and a field for a reason: how a person judges without leaving the keyboard.

Streamlit's own shortcuts cannot have the letter R. A press tells which fact was on the screen, so that a
quick second one never judges a fact that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Key:
    """A button. ``keys`` press it, the first stands on it; ``tone`` is its colour; one that ``reasons`` takes the reason along."""

    do: str
    label: str
    keys: tuple[str, ...]
    tone: str = ""
    disabled: bool = False
    reasons: bool = False


class Press(NamedTuple):
    """What a person did, with which fact on the screen, and the reason they gave."""

    do: str = ""
    shown: str = ""
    why: str = ""


@cache
def _component() -> Any:
    import streamlit as st

    html, css, js = ((files("ui") / f"keys.{suffix}").read_text("utf-8") for suffix in ("html", "css", "js"))
    return st.components.v2.component("kgplatform.keys", html=html, css=css, js=js)


def show(buttons: Sequence[Key], *, shown: str, turn: int, key: str, on_press: Callable[[], None]) -> None:
    """Draw, and call ``on_press`` for each press; ``pressed(st.session_state[key])`` then tells which.

    ``shown`` is what a press is about; ``turn`` another number whenever new presses are welcome.
    """
    data = {"buttons": [asdict(one) for one in buttons], "shown": shown, "turn": turn}
    _component()(key=key, data=data, on_press_change=on_press)


def pressed(state: Mapping[str, Any]) -> Press:
    """The press as it came from the browser; an empty one for anything malformed."""
    press = state.get("press")
    if not isinstance(press, Mapping):
        return Press()
    parts = [press.get(name, "") for name in Press._fields]
    return Press(*parts) if all(isinstance(part, str) for part in parts) else Press()
