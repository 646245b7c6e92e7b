"""Facts as GraphML: what programs that draw graphs write is understood, and what we write is read by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgplatform.errors import BadFile
from kgplatform.formats import loading, xmlstream
from kgplatform.graph import KnowledgeGraph
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, FactKey, Literal, Source, SourceId, in_words

TOLD = (Evidence("text", Source(SourceId("doc:1"), "document"), 2.0),)
ADA = Entity(EntityId("person:ada"), "Ada", ("person", "a; b"), ("Countess",), "wrote <programs>")
LONDON = Entity(EntityId("city:london"), "London", ("city",))
GEPHI = """<?xml version='1.0' encoding='UTF-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:viz="http://www.gexf.net/1.1draft/viz">
<key attr.name="label" attr.type="string" for="node" id="label"/>
<key attr.name="Edge Label" attr.type="string" for="edge" id="edgelabel"/>
<key attr.name="weight" attr.type="double" for="edge" id="weight"/>
<key attr.name="age" attr.type="int" for="node" id="age"><default>36</default></key>
<key attr.name="r" attr.type="int" for="node" id="r"/>
<key attr.name="g" attr.type="int" for="node" id="g"/>
<key attr.name="b" attr.type="int" for="node" id="b"/>
<key attr.name="x" attr.type="float" for="node" id="x"/>
<graph edgedefault="directed">
<node id="0"><data key="label">Ada</data><data key="r">1</data><data key="x">2.5</data><viz:color r="1"/></node>
<node id="1"><data key="label">Charles</data><data key="age">60</data></node>
<edge id="7" source="0" target="1"><data key="weight">3.5</data></edge>
<edge id="8" source="0" target="9"/>
</graph></graphml>
"""


def graph() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def full() -> KnowledgeGraph:
    kg = graph()
    validity = (("at", LONDON), ("valid_from", "1833"))
    kg.put([Claim(ADA, "lived in", LONDON, TOLD, validity), Claim(ADA, "born in", LONDON, TOLD)])
    kg.put([Claim(ADA, "born on", Literal("1815-12-10", "date"), TOLD), Claim(ADA, "was", Literal("\x00 5 < 6\r\n\ufffe", "string"), TOLD)])
    return kg


def told(kg: KnowledgeGraph) -> dict[FactKey, object]:
    return {one.key: (one.head, one.tail, one.qualifiers) for one in kg.facts(status="all")}


def test_it_holds_names_kinds_values_and_qualifiers(tmp_path: Path) -> None:
    kg, back = full(), graph()
    kg.dump(tmp_path / "all.graphml")
    assert back.load(tmp_path / "all.graphml", strict=True).receipt.new == 4
    assert told(back) == told(kg)
    assert [round(one.confidence, 3) for one in back.facts()] == [round(one.confidence, 3) for one in kg.facts()]


def test_networkx_reads_it_and_writes_it_back(tmp_path: Path) -> None:
    networkx = pytest.importorskip("networkx")
    kg, back = full(), graph()
    kg.dump(tmp_path / "all.graphml")
    drawn = networkx.read_graphml(tmp_path / "all.graphml")
    assert drawn.nodes["person:ada"]["label"] == "Ada"
    assert {data["label"] for _, _, data in drawn.edges(data=True)} == {"lived in", "born in", "born on", "was"}
    networkx.write_graphml_xml(drawn, tmp_path / "theirs.graphml")
    assert back.load(tmp_path / "theirs.graphml", strict=True).receipt.new == 4
    assert told(back) == told(kg)


def test_a_graph_of_networkx_is_linked_by_names(tmp_path: Path) -> None:
    networkx = pytest.importorskip("networkx")
    made = networkx.MultiDiGraph()
    made.add_node("Ada", kind="person", age=36, height=1.6, famous=True)
    made.add_edge("Ada", "Charles", relation="knows", since=1833)
    made.add_edge("Ada", "Charles")
    networkx.write_graphml_xml(made, tmp_path / "made.graphml")
    kg = graph()
    kg.put([Claim(ADA, "born in", LONDON, TOLD)])
    kg.load(tmp_path / "made.graphml", strict=True)
    found = {one.relation: (one.head.id, one.tail, one.qualifiers) for one in kg.facts(status="all")}
    assert found["knows"][0] == found["age"][0] == ADA.id
    assert found["knows"][2] == (("since", "1833"),)
    assert found["related to"][1] == found["knows"][1]
    values = (found["age"][1], found["height"][1], found["famous"][1])
    assert values == (Literal("36", "integer"), Literal("1.6", "decimal"), Literal("true", "boolean"))


def test_what_gephi_writes_is_read_without_how_it_is_drawn(tmp_path: Path) -> None:
    path, kg = tmp_path / "gephi.graphml", graph()
    path.write_text(GEPHI)
    loaded = kg.load(path)
    assert sorted((one.head.name, one.relation, in_words(one.tail), one.qualifiers) for one in kg.facts(status="all")) == [
        ("Ada", "age", "36", ()),
        ("Ada", "related to", "Charles", (("weight", "3.5"),)),
        ("Charles", "age", "60", ()),
    ]
    assert loaded.unread == (f"{path}, line 15: the edge joins '9', which is no node",)


@pytest.mark.parametrize(
    ("graph_", "words"),
    [
        ('<hyperedge><endpoint node="a"/></hyperedge>', "a hyperedge joins more than two"),
        ('<edge source="a"/>', "the edge joins '', which is no node"),
        ('<edge source="a" target="b"><data key="confidence">often</data></edge>', "'often' is not a confidence"),
        ('<edge source="a" target="b"><data key="qualifiers">[1]</data></edge>', "are not qualifiers"),
        ('<edge source="v" target="a"/>', "a value can only be a tail"),
        ('<edge source="k" target="a"/>', "are not aliases"),
        ('<edge source="a" target="a"><data key="qualifiers">{"at": {"id": "x"}}</data></edge>', "the qualifier 'at' is an entity"),
    ],
)
def test_a_bad_edge_is_named_by_its_line(tmp_path: Path, graph_: str, words: str) -> None:
    keys = "".join(
        f'<key id="{name}" attr.name="{name}"/>' for name in ("datatype", "kinds", "aliases", "confidence", "qualifiers", "label")
    )
    value = '<node id="v"><data key="datatype">string</data><data key="label">x</data></node>'
    kept = '<node id="k"><data key="kinds">thing</data><data key="aliases">{}</data></node>'
    path = tmp_path / "bad.graphml"
    path.write_text(
        f'<graphml>{keys}<graph><node id="a"/><node id="b"/>{value}{kept}\n<edge source="a" target="b"/>\n{graph_}</graph></graphml>'
    )
    loaded = graph().load(path)
    assert (loaded.receipt.new, loaded.left_out) == (1, 1)
    assert loaded.unread[0].startswith(f"{path}, line 3: ")
    assert words in loaded.unread[0]


def test_a_text_or_a_tag_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlstream, "LONGEST", 10_000)
    monkeypatch.setattr(xmlstream, "CHUNK", 1_000)
    path = tmp_path / "long.graphml"
    for begin, words in (("<graphml><data>", "a text is longer than 10,000"), ('<graphml a="', "a tag is longer than 10,000")):
        path.write_text(begin + "x" * 50_000)
        with pytest.raises(BadFile, match=words):
            loading.check(path)
