"""The checks of ``kg doctor``: what is there, and what to do about what is not."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kgplatform.errors import BadRequest, KgError
from kgplatform.settings import Settings
from ui.cli.pages import PORT
from ui.serve import need_free, running

PYTHON = (3, 11)
DISK = 1_000_000_000
"""Bytes that a first graph and the default weights take."""
GLIBC = (2, 34)
EXTRAS = {
    "local": ("the local server", ("arcadedb_embedded",)),
    "models": ("models on this machine", ("torch", "transformers", "sentence_transformers", "gguf", "accelerate", "safetensors")),
    "chat": ("chat models", ("langchain", "langchain_openai", "xllamacpp", "jsonschema", "json_repair")),
    "harvest": ("reading documents", ("spacy",)),
    "reasoning": ("completing the graph", ("torch",)),
    "app": ("the pages", ("streamlit", "pyvis")),
}
"""Optional parts: what they are for, and the modules they bring."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of ``kg doctor``. What is not ``needed`` breaks nothing but its own feature."""

    name: str
    ok: bool
    note: str
    needed: bool = True


def run(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which a person would mend them."""
    local = not settings["NEO4J_URI"]
    yield _python()
    yield _disk(settings.home)
    if local and sys.platform == "linux":
        yield _glibc()
    for extra in EXTRAS:
        yield _extra(extra, needed=extra == "local" and local)
    yield from _weights(settings.home)
    yield _local_server(settings.home) if local else _neo4j(settings)
    yield _page(settings, PORT)


def _python() -> Check:
    note = platform.python_version()
    ok = sys.version_info >= PYTHON
    return Check("Python", ok, note if ok else f"{note}: install Python {PYTHON[0]}.{PYTHON[1]} or newer")


def _disk(home: Path) -> Check:
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Check("disk", False, f"{home} cannot be read ({error.strerror}): set KG_HOME to a folder of yours")
    note = f"{free / 1e9:,.1f} GB free for {home}"
    return Check("disk", free >= DISK, note if free >= DISK else f"{note}: free {DISK / 1e9:.0f} GB, or set KG_HOME to another disk")


def _glibc() -> Check:
    name, version = platform.libc_ver()
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    ok = name == "glibc" and parts >= GLIBC
    note = f"{name or 'no glibc'} {version}".strip()
    todo = f"{note}: the local server needs glibc {GLIBC[0]}.{GLIBC[1]}; set NEO4J_URI to use a Neo4j"
    return Check("C library", ok, note if ok else todo)


def _extra(extra: str, *, needed: bool) -> Check:
    meaning, modules = EXTRAS[extra]
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    note = f"installed, for {meaning}" if not missing else f"{', '.join(missing)} missing: pip install 'kgplatform[{extra}]' for {meaning}"
    return Check(f"extra {extra}", not missing, note, needed)


def _weights(home: Path) -> Iterator[Check]:
    from kgplatform.lm import weights
    from kgplatform.lm.modelcards import cards

    for card in cards().values():
        if card.default:
            here = weights.present(card, home)
            note = f"here, {card.role}" if here else f"not here, {card.role}: kg models fetch {card.name}"
            yield Check(f"model {card.name}", here, note, needed=False)


def _local_server(home: Path) -> Check:
    from kgplatform.store import server

    try:
        found = server.status(home)
        graphs = server.graphs(found) if found else []
    except KgError as error:
        return Check("local server", False, str(error))
    if not found:
        return Check("local server", True, "not running; it starts when a command needs it")
    return Check("local server", True, f"running at {found.bolt_uri}, graphs: {', '.join(graphs) or 'none'}")


def _neo4j(settings: Settings) -> Check:
    """Only asks the server what it is: nothing is prepared, nothing is written."""
    from kgplatform.store.connection import Connection, Login
    from kgplatform.store.neo4j import OLDEST

    login = Login(settings["NEO4J_URI"], settings["NEO4J_USERNAME"], settings["NEO4J_PASSWORD"], settings["NEO4J_DATABASE"])
    try:
        connection = Connection(lambda: login)
        try:
            connection.verify()  # says at once what a managed transaction would retry for half a minute
            rows = connection.rows("CALL dbms.components() YIELD name, versions RETURN name, versions[0] AS version")
        finally:
            connection.close()
    except KgError as error:
        return Check("Neo4j", False, str(error))
    version = next((str(row["version"]) for row in rows if row["name"] == "Neo4j Kernel"), "of unknown version")
    new_enough = tuple(map(int, re.findall(r"\d+", version)[:2])) >= OLDEST
    needs = "" if new_enough else f": version {'.'.join(map(str, OLDEST))} or newer is needed"
    return Check("Neo4j", new_enough, f"{version} at {login.address}/{login.database}{needs}")


def _page(settings: Settings, port: int) -> Check:
    if here := running(settings):
        return Check("page", True, f"open at {here}")
    try:
        need_free(port)
    except BadRequest:
        return Check("page", False, f"port {port} is in use: kg app --port {port + 1}", needed=False)
    return Check("page", True, f"port {port} is free")
