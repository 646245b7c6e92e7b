"""``docs/cypher.md``: every statement in it, on both servers."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import pytest

from kgplatform.errors import BadQuery
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Relation, Source, SourceId
from tests.contract.conftest import SERVERS, opened

GUIDE = Path(__file__).parents[2] / "docs" / "cypher.md"
BLOCK = re.compile(r"```cypher ?(\w*)\n(.*?)```", re.DOTALL)
PARAMETER = re.compile(r"// \$(\w+) = (.*)")


def fill(kg: KnowledgeGraph) -> None:
    """The small world that the guide speaks of."""
    text, other = (Source(SourceId(f"doc:{name}"), "document", f"{name}.txt") for name in ("curie", "paris"))
    kg.add_document(text, "Marie Curie was born in Warsaw. She married Pierre Curie in Sceaux.")
    marie, pierre, eve = (
        Entity(EntityId(f"person:{name.lower().replace(' ', '_')}"), name, ("person",))
        for name in ("Marie Curie", "Pierre Curie", "Eve Curie")
    )
    warsaw, paris, sceaux = (Entity(EntityId(f"city:{name.lower()}"), name, ("city",)) for name in ("Warsaw", "Paris", "Sceaux"))
    poland, france = (Entity(EntityId(f"country:{name.lower()}"), name, ("country",)) for name in ("Poland", "France"))

    def said(source: Source, score: float, quote: str = "") -> tuple[Evidence, ...]:
        return (
            Evidence(
                "text", source, score, "lm@1", quote, 0 if quote else -1, len(quote) if quote else -1, run="r1", time=1_700_000_000_000
            ),
        )

    sure = said(text, 3.0)
    kg.learn([Relation("married to", symmetric=True)])
    kg.put(
        [
            Claim(marie, "born in", warsaw, said(text, 3.0, "Marie Curie was born in Warsaw.")),
            Claim(marie, "born in", warsaw, said(other, 1.0)),
            Claim(marie, "born in", paris, said(other, -0.5)),
            Claim(pierre, "born in", paris, sure),
            Claim(eve, "born in", paris, sure),
            Claim(warsaw, "located in", poland, sure),
            Claim(paris, "located in", france, sure),
            Claim(marie, "married to", pierre, sure, (("place", sceaux), ("valid_from", "1895"))),
            Claim(marie, "born on", Literal("1867-11-07", "date"), sure),
            Claim(pierre, "born on", Literal("1859", "date"), sure),
            Claim(marie, "height", Literal("160", "integer", "cm"), sure),
        ]
    )
    kg.mirror_interactions([("ada", "city:paris", 1_700_000_000, 5.0), ("ada", "city:warsaw"), ("ben", "city:paris")])


def test_every_statement_of_the_guide_gives_the_same_on_both_servers(request: pytest.FixtureRequest) -> None:
    blocks = BLOCK.findall(GUIDE.read_text("utf-8"))
    assert len(blocks) > 25
    answers: dict[str, list[object]] = {}
    for name in SERVERS:
        with KnowledgeGraph(opened(name, request)) as kg:
            fill(kg)
            answers[name] = [answer(kg, name, only, text) for only, text in blocks]
            check_python(kg)
    for (only, text), local, neo4j in zip(blocks, *answers.values(), strict=True):
        assert only or local == neo4j, text
        assert local and neo4j, text


def check_python(kg: KnowledgeGraph) -> None:
    """The guide's words of Python say what they say."""
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    said: list[str] = []
    done = doctest.DocTestRunner().run(doctest.DocTestParser().get_doctest(block, {"kg": kg}, GUIDE.name, None, 0), out=said.append)
    assert done.attempted > 4 and not done.failed, "".join(said)


def answer(kg: KnowledgeGraph, server: str, only: str, text: str) -> object:
    """The rows of a statement; what is for one server only is no query on the other."""
    parameters = {name: json.loads(value) for name, value in PARAMETER.findall(text)}
    if only and only != server:
        with pytest.raises(BadQuery):
            kg.cypher(text, **parameters)
        return "no query here"
    found = kg.cypher(text, **parameters)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]
