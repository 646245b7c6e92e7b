"""Model cards: what a local model is for, where its bytes are to be had, and their hashes.

The cards that ship stand in ``cards.yaml``. Nothing here downloads.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kgplatform.errors import NotFound


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file, by its path in the model's folder; accepted from anywhere if its bytes are these."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on the Hugging Face hub at one commit."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """Wheels that carry the files as data.

    ``member`` is the path inside, with ``{path}`` for the file's. With several parts, ``{n}`` counts the wheels
    from 1, in its name too, and the members together, in that order, are the card's one file.
    """

    package: str
    version: str
    member: str
    parts: int = 1

    @property
    def requirements(self) -> tuple[str, ...]:
        """What to ask a package index for, in order: ``("name==version", ...)``."""
        return tuple(f"{self.package.format(n=number)}=={self.version}" for number in range(1, self.parts + 1))


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that runs on this machine. ``default`` ones are fetched when nobody names any.

    With ``convert`` the one GGUF file is also turned into a folder that transformers loads fast.
    """

    name: str
    role: str
    title: str
    licence: str
    note: str
    files: tuple[WeightFile, ...]
    hub: Hub | None = None
    wheel: Wheel | None = None
    default: bool = False
    convert: bool = False

    @property
    def revision(self) -> str:
        """The name and the bytes as one word, ``smollm2-135m@b179c952``: what evidence and caches call the model."""
        return f"{self.name}@{self.files[0].sha256[:8]}"

    @property
    def chats(self) -> bool:
        """Whether its file can be served as a chat model."""
        return self.files[0].path.endswith(".gguf")

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


def _card(name: str, raw: Mapping[str, Any]) -> ModelCard:
    parts = dict(raw)
    parts["files"] = tuple(WeightFile(**file) for file in parts["files"])
    parts["hub"] = Hub(**parts["hub"]) if "hub" in parts else None
    parts["wheel"] = Wheel(**parts["wheel"]) if "wheel" in parts else None
    return ModelCard(name=name, **parts)


@functools.cache
def cards() -> Mapping[str, ModelCard]:
    """The cards that ship with the platform, by name."""
    import yaml

    raw = yaml.safe_load(Path(__file__).with_name("cards.yaml").read_text("utf-8"))
    return MappingProxyType({name: _card(name, body) for name, body in raw.items()})


def card(name: str) -> ModelCard:
    """The card of that name. Raises ``NotFound`` with the names there are."""
    if name not in cards():
        raise NotFound(f"no local model is called {name!r}: there are {', '.join(cards())}")
    return cards()[name]


def names_file(model: str) -> bool:
    """Whether what a person calls a model is the path of a file of theirs rather than a card's name."""
    return model.lower().endswith(".gguf") or "/" in model or "\\" in model
