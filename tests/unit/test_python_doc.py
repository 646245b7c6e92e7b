"""``docs/python.md`` says what is so, and of every word."""

from __future__ import annotations

import doctest
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kgplatform.facts import Facts
from kgplatform.graph import KnowledgeGraph

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def examples() -> doctest.DocTest:
    """The page's examples as one conversation, each on its line of the page."""
    text = PAGE.read_text("utf-8")
    outside = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    return doctest.DocTestParser().get_doctest(outside, {}, "python.md", str(PAGE), 0)


def test_the_examples_run_and_say_what_they_say() -> None:
    runner, said = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF), list[str]()
    with ThreadPoolExecutor(1) as apart:  # its example of async code makes a loop, which a browser's worker has already
        done = apart.submit(runner.run, examples(), out=said.append).result()
    assert done.attempted > 50 and not done.failed, "".join(said)


def test_every_word_of_a_graph_has_an_example() -> None:
    shown = "".join(example.source for example in examples().examples)
    words = [name for kind in (KnowledgeGraph, Facts) for name in dir(kind) if not name.startswith("_")]
    fields = set(Facts.__slots__)
    assert [word for word in words if word not in fields and f".{word}(" not in shown] == []
