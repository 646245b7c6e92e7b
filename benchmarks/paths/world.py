"""Answer questions over the demo's true facts that need more than a walk, without a language model.

    python -m benchmarks.paths.world --encoder FOLDER [--half tune|report] [--show]

``questions_world.tsv`` was written before anything answered it; ``?`` is what the graph does not say. Half of each kind is
there to tune by, half to report. An answer is right when it is exactly the set asked for.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harvest import shipped
from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.names import entity_id, fact_key
from kgplatform.types import Entity, Fact, Literal, in_words
from reasoning.agent.ask import Guide
from ui.demo.world import FOLDER

QUESTIONS = Path(__file__).with_name("questions_world.tsv")
UNSAID = frozenset({"?"})
VALUES = ("date", "year", "integer")


class Question(NamedTuple):
    """A row of the file."""

    text: str
    kind: str
    answers: frozenset[str]
    half: str


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def questions() -> list[Question]:
    return [Question(text, kind, frozenset(answers.split("|")), half) for text, kind, answers, half in rows(QUESTIONS)]


def facts() -> Iterator[Fact]:
    """The demo's true facts; a thing is of the kinds that its facts' cards name, of one of several only when nothing else is known."""
    cards, listed = shipped.relations(), rows(FOLDER / "gold.tsv")
    told: dict[str, list[set[str]]] = defaultdict(list)
    for head, relation, tail, _ in listed:
        told[head].append(set(cards[relation].domain))
        told[tail].append(set(cards[relation].range))
    things = {name: _entity(name, told[name]) for head, _, tail, _ in listed for name in (head, tail)}
    for head, relation, tail, _ in listed:
        (datatype,) = set(cards[relation].range).intersection(VALUES) or {""}
        end: Entity | Literal = Literal(tail, datatype) if datatype else things[tail]
        key = fact_key(relation, things[head].id, end if isinstance(end, Literal) else end.id)
        yield Fact(key, things[head], relation, end, 0.9, 0.9, methods=("text",))


def _entity(name: str, told: list[set[str]]) -> Entity:
    """Of the kinds that all its cards allow, or the narrowest ones that any is sure of."""
    kinds = set().union(*(one for one in told if len(one) == 1)) or set.intersection(*told)
    kinds -= {"place"} if len(kinds) > 1 else set()
    if "organisation" in kinds and "University" in name:
        kinds = {"university"}
    held = tuple(sorted(kinds)) if len(kinds) == 1 else ("thing",)
    return Entity(entity_id(held[0], name), name, held)


def answered(guide: Guide, question: Question) -> frozenset[str]:
    answer = guide.answer(question.text)
    if not answer.supported:
        return UNSAID
    told = {in_words(end) for end in answer.answers}
    return frozenset({"true": "yes", "false": "no"}.get(one, one) for one in told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--show", action="store_true", help="what was answered wrongly")
    given = parser.parse_args()
    guide = Guide(facts(), shipped.relations(), shipped.kinds(), SentenceEncoder(given.encoder, given.encoder.name, "cpu"))
    tally: dict[str, list[bool]] = defaultdict(list)
    for question in (one for one in questions() if one.half == given.half):
        found = answered(guide, question)
        right, unsaid = found == question.answers, question.answers == UNSAID
        for name in (question.kind, "all", "unanswerable, said so" if unsaid else "answerable, right"):
            tally[name].append(right)
        if not unsaid:
            tally["false refusals"].append(found == UNSAID)
        if given.show and not right:
            print(json.dumps({"question": question.text, "right": sorted(question.answers), "told": sorted(found)}, ensure_ascii=False))
    for name, hits in tally.items():
        print(json.dumps({"kind": name, "questions": len(hits), "share": round(sum(hits) / len(hits), 3)}))


if __name__ == "__main__":
    main()
