"""Questions over the demo's true facts by Cypher that a chat model writes: what it answers against what the right query answers.

    python -m benchmarks.cypher.run --encoder FOLDER --chat MODEL [--half tune|report|fresh] [--show]
    python -m benchmarks.cypher.run --encoder FOLDER --agent [--half tune|report|fresh] [--show]

``questions.tsv`` was written before anything answered it; the first 60 were tuned by in the end, the
``fresh`` 30 by nothing. Both queries are run on the
graph of the settings, which is filled where it is empty: give it a KG_HOME of its own. An answer is right when its rows are the
right ones as a set, a node counting as its name. ``--agent`` asks the walking agent instead, with no chat model.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.paths.world import demo, facts
from harvest import shipped
from kgplatform import opening, settings
from kgplatform.errors import KgError
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.ports import Rows
from kgplatform.types import Claim, Evidence, Source, SourceId, in_words
from reasoning.agent.ask import Guide, guide
from reasoning.cypher.ask import Writer

QUESTIONS = Path(__file__).with_name("questions.tsv")
Table = frozenset[tuple[str, ...]]


class Question(NamedTuple):
    """A row of the file."""

    text: str
    kind: str
    half: str
    cypher: str


def questions() -> list[Question]:
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        return [Question(*row) for row in list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]]


def fill(kg: KnowledgeGraph) -> None:
    """The demo's true facts, where there are none."""
    if not len(kg.facts(limit=1)):
        said = (Evidence("import", Source(SourceId("gold"), "import")),)
        kg.learn(shipped.relations().values(), shipped.kinds().values())
        kg.put([Claim(fact.head, fact.relation, fact.tail, said) for fact in facts(demo())])


def table(rows: Rows) -> Table:
    def cell(value: Any) -> str:
        return str(value["properties"].get("name")) if isinstance(value, dict) and "properties" in value else str(value).lower()

    return frozenset(tuple(cell(value).lower() for value in row) for row in rows.rows)


def walked(walker: Guide, question: str) -> Table:
    answer = walker.answer(question)
    return frozenset((in_words(end).lower(),) for end in answer.answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--chat", help="a chat model; nothing: that of the settings")
    parser.add_argument("--agent", action="store_true", help="the walking agent, with no chat model")
    parser.add_argument("--half", choices=("tune", "report", "fresh"), default="fresh")
    parser.add_argument("--only", default="", help="questions that this expression is found in")
    parser.add_argument("--show", action="store_true", help="what was answered, and by which query")
    given = parser.parse_args()
    held = settings.load()
    kg = opening.connect(settings=held)
    fill(kg)
    walker = guide(kg, SentenceEncoder(given.encoder, given.encoder.name, "cpu"))
    writer = None if given.agent else Writer(kg, walker, opening.chat(held, given.chat))
    tally: dict[str, list[bool]] = defaultdict(list)
    repairs = tokens = 0
    for question in (one for one in questions() if one.half == given.half and re.search(given.only, one.text)):
        wanted, began = table(kg.cypher(question.cypher)), time.perf_counter()
        told: dict[str, Any] = {}
        try:
            if writer:
                written = writer.ask(question.text)
                found = table(written.rows) if written.rows else frozenset()
                told = {"cypher": written.cypher, "repairs": [(one.cypher, one.why) for one in written.repairs]}
                repairs, tokens = repairs + len(written.repairs), tokens + written.usage.tokens
            else:
                found = walked(walker, question.text)
        except KgError as error:
            found, told = frozenset(), {"error": str(error), "said": getattr(error, "text", "")}
        for name in (question.kind, "all"):
            tally[name].append(found == wanted)
        if given.show:
            shown = {"right": found == wanted, "question": question.text, **told, "seconds": round(time.perf_counter() - began, 1)}
            if found != wanted:
                shown |= {"found": sorted(found)[:8], "wanted": sorted(wanted)[:8], "gold": question.cypher}
            print(json.dumps(shown, ensure_ascii=False), flush=True)
    for name, hits in tally.items():
        print(json.dumps({"kind": name, "questions": len(hits), "share": round(sum(hits) / len(hits), 3)}))
    print(json.dumps({"repairs": repairs, "tokens a question": round(tokens / max(1, len(tally["all"])))}))


if __name__ == "__main__":
    main()
