"""Facts as JSON-LD: documents however they are laid out, and hostile ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplatform.errors import BadFile
from kgplatform.formats import jsonstream
from kgplatform.formats.jsonld import CONTEXT
from kgplatform.formats.jsonstream import JsonStream
from kgplatform.formats.rows import Broken
from kgplatform.graph import KnowledgeGraph
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Source, SourceId, in_words

EVIDENCE = {"method": "text", "source": {"@id": "source/doc%3A1", "kind": "document"}, "score": 2}
NODE = {
    "@type": "Fact",
    "head": {"@id": "person%3Aada%2Fb", "name": "Ada", "kinds": "person"},
    "relation": "born on",
    "tail": {"value": "1815-12-10", "datatype": "date"},
    "qualifiers": {"valid_from": "1815"},
    "evidence": EVIDENCE,
}
NAMED = {"head": "Ada", "relation": "knows", "tail": "Charles", "confidence": 0.25}


def graph() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def write(folder: Path, content: object, **layout: object) -> Path:
    path = folder / "facts.jsonld"
    path.write_text(content if isinstance(content, str) else json.dumps(content, **layout))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("layout", [{}, {"indent": 4}, {"separators": (",", ":")}], ids=["spaced", "indented", "dense"])
@pytest.mark.parametrize("around", ["list", "graph", "context last"])
def test_a_document_may_be_laid_out_in_any_way(tmp_path: Path, layout: dict[str, object], around: str) -> None:
    documents = {"list": [NODE], "graph": {"@context": CONTEXT, "@id": "x", "@graph": [NODE]}}
    documents["context last"] = {"@graph": [NODE], "@context": CONTEXT}
    kg = graph()
    assert kg.load(write(tmp_path, documents[around], **layout)).left_out == 0
    (fact,) = kg.facts()
    assert (fact.head, fact.tail) == (Entity(EntityId("person:ada/b"), "Ada", ("person",)), Literal("1815-12-10", "date"))
    assert (fact.qualifiers, fact.sources) == ((("valid_from", "1815"),), ("doc:1",))


def test_facts_by_names_and_facts_without_evidence_rest_on_the_file(tmp_path: Path) -> None:
    kg = graph()
    bare = {key: value for key, value in NODE.items() if key != "evidence"} | {"confidence": 0.75}
    assert kg.load(write(tmp_path, [NAMED, bare])).receipt.new == 2
    assert {(in_words(fact.tail), round(fact.confidence, 2)) for fact in kg.facts(status="all")} == {
        ("Charles", 0.25),
        ("1815-12-10", 0.75),
    }
    assert all(source.startswith("import:") for source in kg.sources())


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (7, "a fact is an object, not 7"),
        ({**NODE, "colour": 1}, "a fact has the unknown field 'colour'"),
        ({**NODE, "head": None}, "the head is an object, not None"),
        ({**NODE, "head": {"name": "Ada"}}, "no @id"),
        ({**NODE, "relation": 3}, "relation is text, not 3"),
        ({**NODE, "tail": {"value": "soon", "datatype": "date"}}, "'soon' is not a value of type date"),
        ({**NODE, "qualifiers": {"since": 1990}}, "qualifiers are an object of words"),
        ({**NODE, "confidence": 1.5}, "1.5 is not a confidence"),
        ({**NODE, "confidence": True}, "confidence is a number, not True"),
        ({**NODE, "evidence": {**EVIDENCE, "method": "magic"}}, "'magic' is not a method of evidence"),
        ({**NODE, "evidence": {**EVIDENCE, "start": 1.5}}, "start is a whole number, not 1.5"),
        ({**NODE, "evidence": {**EVIDENCE, "time": 1 << 70}}, "time is a whole number"),
        ({**NODE, "evidence": {**EVIDENCE, "score": 10**400}}, "score is too large a number"),
        ({**NODE, "evidence": {**EVIDENCE, "source": {"@id": "", "kind": "document"}}}, "a source of evidence has no id"),
        ({**NODE, "evidence": {**EVIDENCE, "source": {"@id": "x", "kind": "rumour"}}}, "'rumour' is not a kind of source"),
        ({**NAMED, "qualifiers": {"a": "b"}}, "evidence and qualifiers are for facts by ids"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_node_is_named_by_its_line(tmp_path: Path, node: object, words: str) -> None:
    kg = graph()
    path = write(tmp_path, f"[{json.dumps(NAMED)},\n\n{json.dumps(node)}]")
    loaded = kg.load(path)
    assert (loaded.receipt.new, loaded.left_out) == (1, 1)
    assert loaded.unread[0].startswith(f"{path}, line 3: ")
    assert words in loaded.unread[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"@context": "https://schema.org/", "@graph": []}', "line 1: its @context is not ours"),
        ('{"name": "a graph", "facts": [1, 2]}', "is no JSON-LD of ours"),
        ('{"@graph": {"head": "a"}}', "is no JSON-LD of ours"),
        (json.dumps(NODE), "is no JSON-LD of ours"),
        (f"{json.dumps(NAMED)}\n{json.dumps(NAMED)}\n", "is no JSON-LD of ours"),
        (f"[{json.dumps(NAMED)}]\n[]", "line 2: is no JSON: expected the end, found '\\[\\]'"),
        ('[\n{"head": "a",\n "relation" "b"}]', "line 3: is no JSON"),
        ('[{"head": "a"}\n{"head": "b"}]', "line 2: is no JSON: expected ','"),
        ('[{"head": "a", "rel', "breaks off"),
        ('[{"head": "a"},', "breaks off"),
        ("[" * 200_000, "is too deep"),
        ("[" + "1" * 100_000 + "]", "is too deep or has too long a number"),
        ('["\ufeff', "breaks off"),
    ],
    ids=lambda value: value[:20],
)
def test_a_wrong_document_is_a_sentence(tmp_path: Path, content: str, words: str) -> None:
    kg = graph()
    with pytest.raises(BadFile, match=words):
        kg.load(write(tmp_path, content))
    assert not list(kg.facts(status="all"))


def test_a_value_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "LONGEST", 10_000)
    monkeypatch.setattr(jsonstream, "CHUNK", 1_000)
    with pytest.raises(BadFile, match="a value is longer than 10,000 characters"):
        graph().load(write(tmp_path, '[{"head": "' + "x" * 100_000))


def test_it_says_to_others_what_its_names_mean(tmp_path: Path) -> None:
    kg = graph()
    ada = Entity(EntityId("person:ada"), "Ada")
    kg.put([Claim(ada, "knows", ada, (Evidence("text", Source(SourceId("doc:1"), "document"), float("nan")),))])
    kg.dump(tmp_path / "facts.jsonld", status="all")
    lines = (tmp_path / "facts.jsonld").read_text().splitlines()
    assert len(lines) == 3
    document = json.loads("".join(lines), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert document["@context"]["@vocab"] == "https://kgplatform.org/ns#"
    assert document["@context"]["@base"] == "https://kgplatform.org/id/"
    (node,) = document["@graph"]
    assert (node["@type"], node["head"]["@id"], node["evidence"][0]["source"]["@id"]) == ("Fact", "person%3Aada", "source/doc%3A1")


def test_a_node_bears_the_confidence_of_its_fact_whatever_claims_it_rests_on(tmp_path: Path) -> None:
    kg = graph()
    ada, bob = (Entity(EntityId(f"person:{name}"), name) for name in ("ada", "bob"))
    for n, validity in enumerate([(), (("valid_from", "1990"),), (("valid_from", "1991"),)]):
        kg.put([Claim(ada, "knows", bob, (Evidence("text", Source(SourceId(f"doc:{n // 2}"), "document"), n - 0.4, start=n),), validity)])
    (fact,) = kg.facts(status="all")
    assert kg.dump(tmp_path / "facts.jsonld", status="all") == 1
    nodes = json.loads((tmp_path / "facts.jsonld").read_text())["@graph"]
    assert [node["confidence"] for node in nodes] == [fact.confidence] * 3
    assert sorted(node.get("qualifiers", {}).get("valid_from", "") for node in nodes) == ["", "1990", "1991"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(JSON, max_size=6), st.sampled_from([None, 0, 3]), st.booleans(), st.integers(1, 40))
def test_the_stream_reads_what_the_library_reads(values: list[object], indent: int | None, plain: bool, chunk: int) -> None:
    raw = json.dumps({"first": values[:1], "@graph": values}, indent=indent, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    if not plain and b"\xed" in raw:
        return  # a lone surrogate is no UTF-8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonstream, "CHUNK", chunk)
        document = JsonStream(io.BytesIO(raw))
        read = {name: [value for _, value in document.elements()] for name in document.members()}
        document.end()
        assert read == {"first": values[:1], "@graph": values}
        for cut in range(0, len(raw), max(1, len(raw) // 20)):
            document = JsonStream(io.BytesIO(raw[:cut]))
            with pytest.raises(Broken):
                for _ in document.members():
                    list(document.elements())
