"""Answer questions that need more than a walk, over the demo's true facts or an invented world of software, without a language model.

    python -m benchmarks.paths.world --encoder FOLDER [--world demo|software] [--half tune|report] [--show]

The questions of each world were written before anything answered them; ``?`` is what the graph does not say. Half of each kind is
there to tune by, half to report. An answer is right when it is exactly the set asked for.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from harvest import shipped
from kgplatform.cardfiles import read_cards
from kgplatform.cards import read_kinds
from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.names import entity_id, fact_key
from kgplatform.types import Entity, Fact, Kind, Literal, Relation, in_words
from reasoning.agent.ask import Guide
from ui.demo.world import FOLDER

HERE = Path(__file__).parent
UNSAID = frozenset({"?"})
VALUES = ("date", "year", "integer")


class World(NamedTuple):
    """A graph with its cards, and the questions over it."""

    facts: Path
    questions: Path
    cards: Mapping[str, Relation]
    kinds: Mapping[str, Kind]


class Question(NamedTuple):
    """A row of the file."""

    text: str
    kind: str
    answers: frozenset[str]
    half: str


def demo() -> World:
    return World(FOLDER / "gold.tsv", HERE / "questions_world.tsv", shipped.relations(), shipped.kinds())


def software() -> World:
    folder = HERE / "software"
    cards = {card.name: card for card in read_cards(folder / "relations.yaml")}
    return World(folder / "facts.tsv", folder / "questions.tsv", cards, read_kinds(folder / "kinds.yaml"))


WORLDS = {"demo": demo, "software": software}


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def questions(world: World) -> list[Question]:
    return [Question(text, kind, frozenset(answers.split("|")), half) for text, kind, answers, half in rows(world.questions)]


def facts(world: World) -> Iterator[Fact]:
    """A world's true facts; a thing is of the kinds that its facts' cards name, of one of several only when nothing else is known."""
    cards, listed = world.cards, [(head, relation, tail) for head, relation, tail, *_ in rows(world.facts)]
    told: dict[str, list[set[str]]] = defaultdict(list)
    for head, relation, tail in listed:
        told[head].append(set(cards[relation].domain))
        told[tail].append(set(cards[relation].range))
    things = {name: _entity(name, told[name]) for head, _, tail in listed for name in (head, tail)}
    for head, relation, tail in listed:
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
    parser.add_argument("--world", choices=tuple(WORLDS), default="demo")
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--show", action="store_true", help="what was answered wrongly")
    given = parser.parse_args()
    world = WORLDS[given.world]()
    guide = Guide(facts(world), world.cards, world.kinds, SentenceEncoder(given.encoder, given.encoder.name, "cpu"))
    tally: dict[str, list[bool]] = defaultdict(list)
    for question in (one for one in questions(world) if one.half == given.half):
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
