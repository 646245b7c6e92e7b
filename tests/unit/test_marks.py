"""Learning which walks words ask for, from questions whose right answers were told."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from kgplatform.errors import BadFile, BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.names import entity_id, fact_key
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Fact, Relation, Source, SourceId
from reasoning.agent.ask import Guide
from reasoning.agent.marks import Marks, of
from reasoning.paths.learning import FEWEST, Mark, learn
from ui.asking.guides import Guides

CARDS = {name: Relation(name) for name in ("born_in", "works_in", "likes")}
PEOPLE = [f"{first} {last}" for first in ("Ann", "Bob", "Cleo", "Dan", "Eve") for last in ("Stone", "Wood", "Rivers", "Fields", "Marsh")]
TOWNS = ["Oslo", "Rome", "Lima", "Bern", "Baku", "Kyiv", "Riga"]
ASKED = ("what is {} a native of", "{} is a native of what", "of what is {} the native", "name what {} is native to", "{} native")


def entity(name: str) -> Entity:
    return Entity(entity_id("thing", name), name, ("thing",))


def fact(head: str, relation: str, tail: str) -> Fact:
    key = fact_key(relation, entity_id("thing", head), entity_id("thing", tail))
    return Fact(key, entity(head), relation, entity(tail), 0.9, 0.9)


FACTS = [
    fact(name, relation, TOWNS[(number * step + step) % len(TOWNS)])
    for number, name in enumerate(PEOPLE)
    for relation, step in (("born_in", 1), ("works_in", 2), ("likes", 4))
]
BORN = {fact.head.name: fact.tail.name for fact in FACTS if fact.relation == "born_in" and isinstance(fact.tail, Entity)}


def guide(marks: list[Mark]) -> Guide:
    return Guide(FACTS, CARDS, {}, HashingEncoder()).taught(marks)


@pytest.fixture(scope="module")
def marks() -> list[Mark]:
    asked = guide([])
    return [asked.mark(ASKED[number % len(ASKED)].format(name), [BORN[name]]) for number, name in enumerate(PEOPLE[:-1])]


def test_words_that_no_relation_bears_are_learned(marks: list[Mark]) -> None:
    name = PEOPLE[-1]
    question = f"the native town of {name}"
    assert [end.name for end in guide([]).answer(question).entities] != [BORN[name]]
    assert [end.name for end in guide(marks).answer(question).entities] == [BORN[name]]


def test_what_is_marked_meanwhile_is_learned_without_the_graph_being_read_anew(marks: list[Mark]) -> None:
    told_by = Evidence("import", Source(SourceId("import:towns"), "import"), 0.97)
    kg, told, read = KnowledgeGraph(MemoryStore()), list[Mark](), list[str]()
    kg.learn(CARDS.values())
    kg.put([Claim(one.head, one.relation, one.tail, (told_by,)) for one in FACTS])

    def encoder() -> HashingEncoder:
        read.append("the graph")
        return HashingEncoder()

    guides = Guides(kg, encoder, lambda: list(told))
    name = PEOPLE[-1]
    assert [end.name for end in guides.guide().answer(f"the native town of {name}").entities] != [BORN[name]]
    told += marks
    assert [end.name for end in guides.guide().answer(f"the native town of {name}").entities] == [BORN[name]]
    assert read == ["the graph"]


def test_nothing_is_learned_from_few_or_from_what_contradicts_itself(marks: list[Mark]) -> None:
    assert learn(marks) is not None
    assert learn(marks[: FEWEST - 1]) is None
    chance = random.Random(0)
    assert learn([Mark(mark.said, mark.routes, mark.scores, (chance.randrange(len(mark.routes)),)) for mark in marks]) is None


def test_the_answer_given_can_be_marked_and_what_no_walk_reaches_cannot() -> None:
    asked = guide([])
    mark = asked.mark("what was Ann Stone born in")
    assert [mark.routes[one] for one in mark.right] == [("born_in",)]
    assert mark.said == ("born", "in", "was", "what")
    for question, right, told in (
        ("what was Ann Stone born in", ["Oslo", "Rome"], "leads from Ann Stone to just Oslo, Rome"),
        ("how many towns does Ann Stone like", [], "one walk"),
        ("what was Zoe born in", [], "only what the graph answers"),
    ):
        with pytest.raises(BadRequest, match=told):
            asked.mark(question, right)


def test_marks_are_kept(marks: list[Mark], tmp_path: Path) -> None:
    kept = Marks(tmp_path / "marks" / "one.jsonl")
    assert kept.read() == []
    assert [kept.add(mark) for mark in marks[:2]] == [1, 2]
    assert kept.read() == marks[:2]
    with pytest.raises(NotFound, match="nothing was said to be right"):
        kept.drop("what was Ann Stone born in")
    told = replace(marks[0], of=of("What was Ann Stone born in?"))
    assert (kept.add(told), kept.add(told), kept.drop("what was  Ann Stone born in")) == (3, 3, 2)
    assert kept.read() == marks[:2]
    for damaged in ('{"said": []}', "{", '{"said": [], "routes": [["a"]], "scores": [1], "right": [1]}'):
        kept.file.write_text(damaged, "utf-8")
        with pytest.raises(BadFile, match="delete it"):
            kept.read()
