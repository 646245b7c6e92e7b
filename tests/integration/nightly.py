"""A harvest without weights, for the tests of jobs, and ``kg`` with it as a process that can be killed at any moment.

``python -m tests.integration.nightly COMMAND…`` is ``kg COMMAND…`` on the graph that ``WHERE`` tells, by a clock that is ``AHEAD``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from spacy.lang.en import English
from spacy.language import Language
from spacy.tokens import Doc

import harvest.documents.run
import harvest.expand.run
import kgplatform.jobs.runner
import kgplatform.opening
import kgplatform.store.local
import kgplatform.store.neo4j
import ui.wire
from harvest.bertnet.asking import Asking
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger
from kgplatform.lm.cache import CachedEncoder, CachedScorer
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Request
from kgplatform.names import digest
from kgplatform.settings import Settings
from tests.integration.crowd import Where, open_again
from ui.cli.main import main

PEOPLE = [f"{first} {last}" for first in ("Ada", "Carl", "Emil", "Lise", "Otto", "Rosa") for last in ("Arno", "Bell", "Cole")]
CITIES = ["Bonn", "Ulm", "Graz", "Lund", "Riga", "Turin"]
CAPITALS = [(f"Capital{letter}", f"Land{letter}") for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
"""What the scorer knows by heart."""


def text(number: int) -> str:
    """What document of that number says, always the same: of few people, so that documents meet."""
    chosen = random.Random(number)
    one, other = chosen.sample(PEOPLE, 2)
    day = f"{chosen.randrange(1, 28)} March {1800 + chosen.randrange(90)}"
    born = f"{one} was born in {chosen.choice(CITIES)}. {other} was born on {day}."
    return f"{born} {one} was married to {other}. {other} was a student of {one}.\n"


def write(folder: Path, *numbers: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"{number:02}.txt").write_text(text(number))
    return folder


@Language.component("chain")  # type: ignore[untyped-decorator]
def chain(doc: Doc) -> Doc:
    """A parse in which every word of a sentence hangs on the one before."""
    heads = [token.i - (not token.is_sent_start) for token in doc]
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return Doc(doc.vocab, words=words, spaces=spaces, heads=heads, deps=["ROOT" if token.is_sent_start else "dep" for token in doc])


def reader(settings: Settings) -> Path:
    """A pipeline of rules that knows these people and cities."""
    folder = settings.home / "rules"
    if not (folder / "whole").exists():
        pipeline = English()
        pipeline.add_pipe("sentencizer")
        pipeline.add_pipe("chain")
        named = [("PERSON", person) for person in PEOPLE] + [("GPE", city) for city in CITIES]
        pipeline.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": name} for label, name in named])
        pipeline.to_disk(folder)
        (folder / "whole").touch()
    return folder


@cache
def _scorer() -> ScriptedScorer:
    kinds = [f"{person} is a person." for person in PEOPLE] * 4 + [f"{city} is a city." for city in CITIES] * 4
    capitals = [f"{head} is the capital of {tail}" for head, tail in CAPITALS] * 4
    return ScriptedScorer(sentences=kinds + capitals + [f"{said}." for number in range(30) for said in text(number).split(". ")])


def scorer(settings: Settings) -> CachedScorer:
    return CachedScorer(_scorer(), settings.home / "scores.sqlite")


def causal(settings: Settings, _: str | None = None) -> tuple[CachedScorer, ScriptedScorer]:
    return scorer(settings), _scorer()


def encoder(settings: Settings) -> CachedEncoder:
    return CachedEncoder(HashingEncoder(), settings.home / "vectors.sqlite")


def drawn(request: Request) -> str:
    """To each question a small graph of things that only its words make, some of which are spelt in two ways."""
    told = digest(request.messages[-1].text)
    one, other = (f"{CITIES[int(told[at : at + 4], 16) % 6]} {PEOPLE[int(told[at : at + 4], 16) % 18].lower()} bridge" for at in (0, 4))
    edges = [
        ("Silk", "has part", one),
        (one.title().replace(" ", ""), "leads to", f"matter {told[8:]}"),
        (other, "holds", f"{other}s load"),
    ]
    shaped = [dict(zip(("source", "relation", "target"), edge, strict=True)) for edge in edges]
    return json.dumps({"brainstorm": "", "nodes": [], "edges": shaped, "patterns": [], "synthesis": f"{one} it is."})


def chat(*_: object) -> ScriptedChat:
    return ScriptedChat(drawn)


def models(patch: Any) -> None:
    """Let settings lead to these models; ``patch(name, value)``."""
    for made in (scorer, causal, encoder, reader):
        patch(f"kgplatform.opening.{made.__name__}", made)
    for check in ("check_scorer", "check_encoder"):
        patch(f"kgplatform.opening.{check}", lambda *_: None)


def _patch(name: str, value: object) -> None:
    setattr(kgplatform.opening, name.rpartition(".")[2], value)


def _all_models() -> None:
    """In a process of its own: the chat model too."""
    models(_patch)
    _patch("kgplatform.opening.chat", chat)
    _patch("kgplatform.opening.check_chat", lambda *_: None)


def kg(where: Where, home: Path, command: list[str], kill: int = 0) -> None:
    """``kg COMMAND`` on that graph, told to a file in the data folder.

    It ends itself as by ``kill -9`` at that call of a function, counted from the first document, relation or question:
    loading takes many.
    """
    for name in [name for name in os.environ if name.startswith("KG_")]:
        del os.environ[name]
    os.environ["KG_HOME"] = str(home)
    calls, begin, ask, expand = 0, harvest.documents.run.Extractor.extract, Asking.go, harvest.expand.run._Expansion.go

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"
        if calls == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def extract(*given: Any) -> Any:
        sys.setprofile(count)
        return begin(*given)

    def go(*given: Any) -> Any:
        sys.setprofile(count)
        return ask(*given)

    def expanding(*given: Any) -> Any:
        sys.setprofile(count)
        return expand(*given)

    harvest.expand.run._Expansion.go = expanding  # type: ignore[method-assign,assignment]
    harvest.documents.run.Extractor.extract = extract  # type: ignore[method-assign,assignment]
    Asking.go = go  # type: ignore[method-assign,assignment]
    _all_models()
    _patch("connect", lambda **_: KnowledgeGraph(open_again(where)))
    with (home / "told").open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        code = main(command)
        sys.setprofile(None)
    (home / "calls").write_text(str(calls))
    sys.exit(code)


if __name__ == "__main__":
    ahead = Path(os.environ["AHEAD"])

    def clock() -> datetime:
        """The machine's, put ahead by so many hours as a file says."""
        return datetime.now(UTC) + timedelta(hours=float(ahead.read_text()))

    ui.wire.Wire.ledger = property(lambda wire: Ledger(wire.settings.home / "jobs.sqlite", clock))  # type: ignore[assignment]
    _all_models()
    _patch("connect", lambda **_: KnowledgeGraph(open_again(json.loads(os.environ["WHERE"]))))
    sys.exit(main())
