"""What Python lets people give that no graph can take: it is said in a sentence, and nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking.linker import Linker
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.opening import connect
from kgplatform.types import Candidate, Claim, Entity, EntityId, Evidence, Literal, Mention, Source, SourceId

MARIE = Entity(EntityId("person:marie_curie"), "Marie Curie", ("person",))
EVE, WARSAW = Entity(EntityId("person:eve"), "Eve", ("person",)), Entity(EntityId("city:warsaw"), "Warsaw", ("city",))
TOLD = Evidence("text", Source(SourceId("doc:1"), "document"), 3.0)
BORN = Claim(MARIE, "born in", WARSAW, (TOLD,))


@pytest.fixture
def kg() -> KnowledgeGraph:
    made = connect("memory")
    made.put([BORN, Claim(EVE, "born in", WARSAW, (TOLD,))])
    return made


def test_a_field_that_holds_what_it_is_not_for_is_said_and_nothing_is_written(kg: KnowledgeGraph) -> None:
    nothing: Any = None
    three: Any = 3
    fine, found = replace(BORN, relation="visited"), Candidate(Mention("Ada", "person"), "visited", Mention("Ulm", "city"), TOLD)
    put: dict[str, list[Claim]] = {
        "the head of a claim must be an entity, not None": [replace(fine, head=nothing)],
        "the tail of a claim must be an entity or a literal, not None": [replace(fine, tail=nothing)],
        "the relation of a claim must be text, not 3": [replace(fine, relation=three)],
        "the evidence of a claim must be a tuple, each a piece of evidence, not None": [replace(fine, evidence=nothing)],
        "the score of a piece of evidence must be a number, not None": [replace(fine, evidence=(replace(TOLD, score=nothing),))],
        "the source of a piece of evidence must be a source, not None": [replace(fine, evidence=(replace(TOLD, source=nothing),))],
        "the name of an entity must be text, not None": [replace(fine, tail=replace(WARSAW, name=nothing))],
        "the kinds of an entity must be a tuple, each text, not 'city'": [replace(fine, tail=replace(WARSAW, kinds=cast("Any", "city")))],
        "the value of a literal must be text, not 3": [replace(fine, tail=Literal(three))],
        "the qualifiers of a claim must be a tuple, each a pair of text and text or an entity": [replace(fine, qualifiers=three)],
    }
    add: dict[str, list[Candidate]] = {
        "the head of a candidate must be a mention, not None": [replace(found, head=nothing)],
        "the tail of a candidate must be a mention or a literal, not None": [replace(found, tail=nothing)],
        "the evidence of a candidate must be a piece of evidence, not None": [replace(found, evidence=nothing)],
        "the name of a mention must be text, not None": [replace(found, head=Mention(nothing))],
        "the kind of a mention must be text, not None": [replace(found, head=Mention("Ada", nothing))],
    }
    before = len(kg.facts(status="all"))
    for said, claims in put.items():
        with pytest.raises(BadRequest, match=f"^{re.escape(said)}"):
            kg.put([fine, *claims])
    for said, candidates in add.items():
        for linker in (None, Linker(kg.store, HashingEncoder())):
            with pytest.raises(BadRequest, match=f"^{re.escape(said)}"):
                kg.add([found, *candidates], linker)
    assert len(kg.facts(status="all")) == before


@pytest.mark.parametrize("by", [None, 3, ["ada"]])
def test_who_says_so_is_text(kg: KnowledgeGraph, by: Any) -> None:
    fact = "Marie Curie | born in | Warsaw"
    doors: list[Callable[[], object]] = [
        lambda: kg.merge("Marie Curie", "Eve", by),
        lambda: kg.merge_all([], by),
        lambda: kg.part("Marie Curie", "Eve", by),
        lambda: kg.accept(fact, by),
        lambda: kg.retract(fact, by),
    ]
    for door in doors:
        with pytest.raises(BadRequest, match="who says so must be text, not "):
            door()


def test_what_is_told_of_progress_is_a_function(kg: KnowledgeGraph, tmp_path: Path) -> None:
    wrong: Any = 3
    doors: list[Callable[[], object]] = [
        lambda: kg.duplicates(progress=wrong),
        lambda: kg.embed(HashingEncoder(), progress=wrong),
        lambda: kg.mirror_interactions([], wrong),
        lambda: kg.dump(tmp_path / "facts.tsv", progress=wrong),
        lambda: kg.load(tmp_path / "facts.tsv", progress=wrong),
    ]
    for door in doors:
        with pytest.raises(BadRequest, match="progress must be a function, not 3"):
            door()
