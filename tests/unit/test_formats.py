"""What holds of every format of facts: what comes back from a dump, what is said of a bad file, and that nothing is half done."""

from __future__ import annotations

import gzip
import os
import random
import re
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgplatform.errors import BadFile, BadRequest, KgError
from kgplatform.formats import dumping, loading, registry
from kgplatform.formats.rows import Stated
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import (
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Literal,
    Qualifiers,
    Relation,
    Source,
    SourceId,
    in_words,
)

ENDINGS = ("tsv", "csv", "jsonld", "parquet", "ttl", "nt", "graphml")
PACKED = ("tsv.gz", "csv.gz", "jsonld.gz", "ttl.gz", "graphml.gz")
WITH_EVIDENCE = ("jsonld", "jsonld.gz", "parquet")
WITH_CONFIDENCE = ("tsv", "csv", "tsv.gz", "csv.gz", "graphml", "graphml.gz")
TRIPLES = ("ttl", "nt", "ttl.gz")
SHOWS_A_CUT = (*PACKED, "jsonld", "parquet", "graphml")

HELD = Relation("held", key_qualifiers=("valid_from",), prompts=("{head} held {tail}",))
BORN = Relation("born in", range=("city",), prompts=("{head} was born in {tail}",))
SOURCE = Source(SourceId("doc:1"), "document", "A text", "file:///a.txt")
MARIE = Entity(entity_id("person", "Marie Curie"), "Marie Curie", ("person",), ("Maria Skłodowska",), "a physicist")
WARSAW = Entity(entity_id("city", "Warsaw"), "Warsaw", ("city", "place"))
CHAIR = Entity(entity_id("office", "chair"), "chair", ("office",))


def graph(*cards: Relation) -> KnowledgeGraph:
    made = KnowledgeGraph(MemoryStore())
    made.learn(relations=cards)
    return made


def facts(kg: KnowledgeGraph) -> dict[FactKey, Fact]:
    return {fact.key: fact for fact in kg.facts(status="all")}


def evidence(kg: KnowledgeGraph) -> dict[FactKey, tuple[Evidence, ...]]:
    return {key: kg.store.evidence(key) for key in facts(kg)}


def small() -> KnowledgeGraph:
    """Facts of two sources, with a value, validity, and a person's word."""
    kg = graph(HELD)
    place = ("She was born in Warsaw.", 3, 26, "Marie", "Warsaw")
    told = Evidence("text", SOURCE, 2.5, "reader@1", *place, "run-1", 1_700_000_000_000, (("a", "b"),))
    memory = Evidence("memory", Source(SourceId("model:m"), "model"), 1.25, "m@2")
    kg.put([Claim(MARIE, "born in", WARSAW, (told, memory)), Claim(MARIE, "born on", Literal("1867-11-07", "date"), (told,))])
    kg.put([Claim(MARIE, "held", CHAIR, (told,), (("valid_from", year), ("valid_to", "1934"))) for year in ("1906", "1914")])
    kg.reject("born in|person:marie_curie|city:warsaw", by="ada", why="a test")
    return kg


# -- round trip --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", WITH_EVIDENCE)
def test_evidence_comes_back_and_its_sources_can_be_forgotten(tmp_path: Path, ending: str) -> None:
    kg, back = small(), graph(HELD)
    assert kg.dump(tmp_path / f"one.{ending}", status="all") == 4
    assert back.load(tmp_path / f"one.{ending}").receipt.new == 4
    assert (facts(back), evidence(back)) == (facts(kg), evidence(kg))
    back.dump(tmp_path / f"two.{ending}", status="all")
    assert (tmp_path / f"two.{ending}").read_bytes() == (tmp_path / f"one.{ending}").read_bytes()
    assert back.forget("doc:1") == kg.forget("doc:1")
    assert (facts(back), evidence(back)) == (facts(kg), evidence(kg))


@pytest.mark.parametrize("ending", WITH_CONFIDENCE)
def test_a_table_or_a_drawing_rests_on_the_file_and_says_what_it_drops(tmp_path: Path, ending: str) -> None:
    kg, back, path = small(), graph(HELD), tmp_path / f"one.{ending}"
    kg.dump(path, status="all")
    back.load(path)
    assert facts(back).keys() == facts(kg).keys()
    (source,) = back.sources()
    assert source.startswith("import:")
    assert "evidence" in registry.place(path).format.drops
    assert back.forget(source).facts_removed == 4


@pytest.mark.parametrize("ending", TRIPLES)
def test_triples_hold_ends_and_names_and_say_what_they_drop(tmp_path: Path, ending: str) -> None:
    kg, back, path = small(), graph(), tmp_path / f"one.{ending}"
    kg.dump(path, status="all")
    back.load(path)
    assert {one.key for one in facts(back).values()} == {key.partition("|valid")[0] for key in facts(kg)}
    assert {one.head for one in facts(back).values()} == {MARIE}
    assert all(word in registry.place(path).format.drops for word in ("evidence", "confidences", "qualifiers"))
    assert back.forget(back.sources().popitem()[0]).facts_removed == 3


@pytest.mark.parametrize("ending", (*ENDINGS, *PACKED))
def test_the_same_file_again_changes_nothing(tmp_path: Path, ending: str) -> None:
    kg, path = small(), tmp_path / f"one.{ending}"
    kg.dump(path, status="all")
    back = graph(HELD)
    back.load(path)
    again = back.load(path).receipt
    assert (again.new, again.merged, again.unchanged) == (0, 0, 3 if ending in TRIPLES else 4)  # two differ by a qualifier only
    if ending in WITH_EVIDENCE:
        assert kg.load(path).receipt.unchanged == 4


def test_the_same_table_compressed_is_no_second_source(tmp_path: Path) -> None:
    kg = graph()
    (tmp_path / "facts.tsv").write_text("Ada\tknows\tCharles\n")
    (tmp_path / "copy.tsv.gz").write_bytes(gzip.compress(b"Ada\tknows\tCharles\n"))
    kg.load(tmp_path / "facts.tsv")
    assert kg.load(tmp_path / "copy.tsv.gz").receipt.unchanged == 1
    assert len(kg.sources()) == 1


UNTIMED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
HOSTILE = ["a\tb", "a\\tb", "\\", "a\\\nb", "=1+1", "x; y", "head", "a|b%7C", '"quoted"', "\u2028x", "İ", "ﬁ", "-", "<b>", "'; DROP", "[1]"]
NAMES = st.text(max_size=30).filter(lambda text: any(c.isalnum() for c in text)) | st.sampled_from(HOSTILE)
WORDS = st.text(max_size=30) | st.sampled_from([*HOSTILE, "", "\ud800", "\x00", "a\r\n,b\n"])
ENTITIES = st.builds(
    lambda name, kind, aliases, description: Entity(entity_id(kind, name), name, (kind,), tuple(aliases), description),
    NAMES,
    NAMES,
    st.lists(NAMES, max_size=2),
    WORDS,
)
VALUES = st.sampled_from([Literal("1867-11", "date"), Literal("007", "integer"), Literal("1.50", "decimal", "kg")]) | st.builds(
    Literal, WORDS.filter(str.strip), st.just("string"), WORDS, st.sampled_from(["", "en"])
)
SOURCES = st.builds(
    Source, NAMES.filter(str.strip).map(SourceId), st.sampled_from(["document", "model", "import", "person", "graph"]), WORDS, WORDS
)
DETAIL = st.dictionaries(WORDS, WORDS, max_size=2).map(lambda found: tuple(sorted(found.items())))
SCORES = st.floats(width=64) | st.floats(-9, 9)
EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(["import", "text", "memory", "review", "graph"]),
    SOURCES,
    SCORES,
    *[WORDS] * 2,
    *[st.integers(-1, 1 << 40)] * 2,
    *[WORDS] * 3,
    st.integers(0, 1 << 41),
    DETAIL,
)
VALIDITY: st.SearchStrategy[Qualifiers] = st.sampled_from(
    [(), (("valid_from", "1990"),), (("valid_from", "1990-05"), ("valid_to", "2001")), (("why", 'a "b"\n'),), (("why", "@x"),)]
) | st.dictionaries(st.sampled_from(["valid_from", "at", "@id", 'w "h"']), ENTITIES | NAMES, max_size=3).map(
    lambda told: tuple(sorted(told.items(), key=lambda pair: pair[0]))
)
CLAIMS = st.builds(
    lambda head, relation, tail, told, validity: Claim(head, relation, tail, tuple(told), validity),
    ENTITIES,
    st.sampled_from(["born in", "held", "=x", 'a "b", c']),
    ENTITIES | VALUES,
    st.lists(EVIDENCE, min_size=1, max_size=3),
    VALIDITY,
)


@UNTIMED
@given(st.lists(CLAIMS, min_size=1, max_size=6), st.sampled_from((*ENDINGS, *PACKED)))
def test_whatever_a_graph_holds_comes_back(claims: list[Claim], ending: str) -> None:
    kg, back = graph(HELD), graph(HELD)
    kg.put(claims)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"dump.{ending}"
        if not kg.dump(path, status="all"):
            return
        assert back.load(path).left_out == 0
        again = kg.load(path)
    here, there = facts(kg), facts(back)
    assert again.receipt.new == 0 or ending in TRIPLES
    if ending in TRIPLES:
        _same_triples(here, there)
        return
    assert there.keys() == here.keys()
    if ending in WITH_EVIDENCE:
        assert repr((there, evidence(back))) == repr((here, evidence(kg)))  # a score that is no number does not equal itself
        return
    for key, fact in facts(_as_dumped(claims)).items():
        assert (there[key].head.name, set(there[key].head.kinds)) == (fact.head.name, set(fact.head.kinds))
        assert [(name, _in_a_table(value)) for name, value in there[key].qualifiers] == [
            (name, _in_a_table(value)) for name, value in fact.qualifiers
        ]
        assert there[key].confidence == pytest.approx(min(max(fact.confidence, 0.00247), 0.98201), abs=5e-4)
        if isinstance(fact.tail, Literal):
            assert there[key].tail == fact.tail


def _same_triples(here: dict[FactKey, Fact], there: dict[FactKey, Fact]) -> None:
    """Relations, ends, and all that is said of entities."""
    ends = [
        {end.id: _described(end) for one in facts.values() for end in (one.head, one.tail) if isinstance(end, Entity)}
        for facts in (here, there)
    ]
    assert ends[0] == ends[1]
    told = [{(one.head.id, one.relation, getattr(one.tail, "id", one.tail)) for one in facts.values()} for facts in (here, there)]
    assert told[0] == told[1]


def _described(entity: Entity) -> object:
    return entity.name, set(entity.kinds), set(entity.aliases), entity.description


def _in_a_table(qualifier: str | Entity) -> object:
    return qualifier if isinstance(qualifier, str) else (qualifier.id, qualifier.name, set(qualifier.kinds))


def _as_dumped(claims: list[Claim]) -> KnowledgeGraph:
    kg = graph(HELD)
    kg.put(claims)
    return kg


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_text_of_a_megabyte_survives(tmp_path: Path, ending: str) -> None:
    kg, back = graph(), graph()
    kg.put([Claim(MARIE, "wrote", Literal('long "text"\n' * 80_000, "string", language="fr"), (Evidence("text", SOURCE),))])
    kg.dump(tmp_path / f"all.{ending}", status="all")
    back.load(tmp_path / f"all.{ending}")
    assert [fact.tail for fact in facts(back).values()] == [fact.tail for fact in facts(kg).values()]


# -- bad rows ----------------------------------------------------------------------------------------

LINES = {
    "tsv": (2, b"a\tb\tc\nonly\ttwo\nx\tb\tz\n"),
    "csv": (3, b'head,relation,tail\r\na,b,"c\n"\nonly,two\nx,b,z\n'.replace(b'"c\n"', b'"c"')),
    "jsonld": (
        2,
        b'[{"head": "a", "relation": "b", "tail": "c"},\n{"head": "only", "relation": "two"},\n{"head":"x","relation":"b","tail":"z"}]',
    ),
    "ttl": (2, b'<a> <b> <c> .\n<only> <two> "soon"^^<http://www.w3.org/2001/XMLSchema#date> .\n<x> <b> <z> .\n'),
    "graphml": (
        3,
        b'<graphml><graph><node id="a"/><node id="c"/>\n<edge source="a" target="c"/>\n<edge source="a" target="two"/>\n'
        b'<edge source="c" target="a"/></graph></graphml>',
    ),
}
LINES["nt"] = (2, re.sub(rb"<(\w+)>", rb"<x:\1>", LINES["ttl"][1]))


def _written(folder: Path, ending: str) -> tuple[Path, str]:
    """A file with a good row, a bad one and a good one, and where the bad one is."""
    path = folder / f"facts.{ending}"
    if ending == "parquet":
        from pyarrow import parquet

        parquet.write_table(pa.table({"head": ["a", "only", "x"], "relation": ["b", "two", "b"], "tail": ["c", None, "z"]}), path)
        return path, f"{path}, row 2"
    line, content = LINES[ending]
    path.write_bytes(content)
    return path, f"{path}, line {line}"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_bad_row_among_good_ones_is_named_and_strict_refuses_all(tmp_path: Path, ending: str) -> None:
    path, place = _written(tmp_path, ending)
    kg = graph()
    with pytest.raises(BadFile, match=place):
        kg.load(path, strict=True)
    assert not facts(kg)
    loaded = kg.load(path)
    assert (loaded.receipt.new, loaded.left_out) == (2, 1)
    assert [reason.partition(": ")[0] for reason in loaded.unread] == [place]


def test_what_the_graph_refuses_is_named_by_its_line_and_strict_refuses_all(tmp_path: Path) -> None:
    kg = graph(BORN)
    kg.put([Claim(Entity(EntityId(f"thing:{n}"), "Ada"), "is", WARSAW, (Evidence("text", SOURCE),)) for n in (1, 2)])
    before = facts(kg)
    header = "head\trelation\ttail\thead_name\ttail_name\tdatatype\n"
    (tmp_path / "typed.tsv").write_text(header + "m\tborn in\tw\tMarie\tWarsaw\t\nm\tborn in\t1867\tMarie\t\tyear\n")
    (tmp_path / "named.tsv").write_text("Grace\tknows\tAlan\nAda\tknows\tGrace\n")
    long = "x" * 1_100
    (tmp_path / "long.tsv").write_text(f"Grace\tknows\tAlan\nGrace\t{long}\tAlan\n")
    for name, reason in (("typed", "must be an entity"), ("named", "may be thing:1, thing:2"), ("long", "cannot be a relation")):
        line = 3 if name == "typed" else 2
        with pytest.raises(BadFile, match=f"{name}.tsv, line {line}: .*{reason}"):
            kg.load(tmp_path / f"{name}.tsv", strict=True)
        assert facts(kg) == before
    for name, sort in (("typed", "refused"), ("named", "unlinked"), ("long", "refused")):
        loaded = kg.load(tmp_path / f"{name}.tsv")
        assert loaded.left_out == 1
        assert len(getattr(loaded, sort)) == 1
        assert f"{name}.tsv, line {3 if name == 'typed' else 2}: " in getattr(loaded, sort)[0]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("subject,predicate,object", "Ada,born in,London"),
        ("Source,Relation,Target,confidence", "Ada,born in,London,1"),
        ("source,target,relation", "Ada,London,born in"),
        ("h,r,t", "Ada,born in,London"),
        ("confidence,FROM,relationship,TO", "1,Ada,born in,London"),
        ("relation,head,tail", "born in,Ada,London"),
        ("head,relation,tail", "Ada,born in,London"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_header_in_other_words_or_another_order_is_no_fact(tmp_path: Path, ending: str, header: str, rows: str) -> None:
    path, kg = tmp_path / f"given.{ending}", graph()
    path.write_text(f"{header}\n{rows}\n".replace(",", "\t" if ending == "tsv" else ","))
    loaded = kg.load(path)
    (fact,) = kg.facts(status="all")
    assert (fact.head.name, fact.relation, in_words(fact.tail)) == ("Ada", "born in", "London")
    assert loaded.header == (() if header == "head,relation,tail" else tuple(header.split(",")))


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_name_that_is_too_long_is_named_by_its_line(tmp_path: Path, ending: str) -> None:
    path, kg = tmp_path / f"given.{ending}", graph()
    path.write_text(f"Ada,born in,London\nAda,born in,{'x' * 100_000}\n".replace(",", "\t" if ending == "tsv" else ","))
    loaded = kg.load(path)
    assert loaded.receipt.new == 1
    assert "line 2: " in loaded.unread[0]
    assert "100,000 characters, at most 1,000" in loaded.unread[0]
    assert len(loaded.unread[0]) < 400


def test_a_first_row_that_does_not_name_all_columns_is_a_fact(tmp_path: Path) -> None:
    path, kg = tmp_path / "given.csv", graph()
    path.write_text("subject,related to,object\nsource,likes,target\n")
    loaded = kg.load(path)
    assert (loaded.receipt.new, loaded.header) == (2, ())
    path.write_text("source,target,relation\nAda,London,born in\nAda,London,born in,0.5\n")
    assert "line 3: expected 3 columns as in the header, found 4" in kg.load(path).unread[0]
    path.write_text("source,target,relation,weight\nAda,London,born in,3\n")
    with pytest.raises(BadFile, match="line 1: unknown column 'weight'"):
        kg.load(path)


def test_a_million_bad_rows_are_counted_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "KEPT", 10)
    path = tmp_path / "facts.tsv"
    path.write_text("a\tb\tc\n" + "bad\n" * 500 + "x\ty\tz\n")
    loaded = graph().load(path)
    assert (loaded.receipt.new, loaded.left_out, len(loaded.unread)) == (2, 500, 10)
    assert loaded.unread[0].startswith(f"{path}, line 2: ")


# -- bad files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("latin.csv", "Zürich,liegt in,Schweiz\n".encode("latin-1"), "latin.csv, line 1: is not UTF-8"),
        ("utf16.tsv", "a\tb\tc\n".encode("utf-16"), "is not UTF-8"),
        ("late.tsv", b"a\tb\tc\n" * 200_000 + b"\xff\tb\tc\n" + b"a\tb\tc\n" * 9, "late.tsv, line 200001: is not UTF-8"),
        ("latin.jsonld", '[{"head": "Zürich"}]'.encode("latin-1"), "line 1: is not UTF-8"),
        ("columns.csv", b"head,relation,tail,colour\na,b,c,d\n", "line 1: unknown column 'colour'"),
        ("all.csv", b"a,b\nc,d\n", "line 1: expected 3 columns .* found 2"),
        ("open.csv", b'a,b,c\nd,"e,f\ng,h,i\n', "line 2: a quote opens here and is never closed"),
        ("cut.csv.gz", gzip.compress(b"a,b,c\n" * 99)[:-20], "cannot be read"),
        ("no.csv.gz", b"a,b,c\n", "cannot be read"),
        ("empty.csv", b"", "holds no facts: expected lines of  head,relation,tail"),
        ("empty.jsonld", b"", "is no JSON-LD of ours"),
        ("none.jsonld", b'{"@graph": []}', "holds no facts"),
        ("text.jsonld", b"head,relation,tail", "is no JSON-LD of ours"),
        ("empty.parquet", b"", "is no Parquet file"),
        ("text.parquet", b"head,relation,tail\n" * 100, "is no Parquet file"),
        ("text.ttl", b"head,relation,tail", "line 1: is no Turtle"),
        ("prefix.ttl", b"<a> <b> <c> .\nex:a ex:b ex:c .\n", "line 2: is no Turtle .The prefix ex: has not been declared"),
        ("latin.ttl", '<a> <b> <c> .\n<a> <b> "Zürich" .'.encode("latin-1"), "line 2: is not UTF-8"),
        ("cut.ttl", b'<a> <b> <c> .\n<a> <b> "c', "line 2: breaks off"),
        ("cut.ttl.gz", gzip.compress(b"<a> <b> <c> .\n" * 9_999)[:-20], "cannot be read"),
        ("none.ttl", b'<a> a <b> ; <http://www.w3.org/2000/01/rdf-schema#label> "c" .', "holds no facts: expected triples that"),
        ("relative.nt", b"<a> <b> <c> .\n", "line 1: is no Turtle"),
        ("long.ttl", b'<a> <b> """' + b"x" * (1 << 25), "line 1: a text is longer than 16,777,216 bytes"),
        ("empty.graphml", b"", "breaks off"),
        ("page.graphml", b"<html></html>", "is no GraphML: its first element is 'html'"),
        ("text.graphml", b"head,relation,tail", "line 1: is no XML"),
        ("none.graphml", b"<graphml><graph></graph></graphml>", "holds no facts: expected a graph with edges"),
        ("deep.graphml", b"<graphml>" + b"<graph>" * 200_000, "more than 100 deep"),
        ("key.graphml", b'<graphml><graph>\n<node id="a"><data key="d"/></node></graph></graphml>', "line 2: has data of the key 'd'"),
        ("code.graphml", b'<?xml version="1.0" encoding="rot13"?><graphml/>', "is in an encoding|is no XML"),
        (
            "laughs.graphml",
            b'<!DOCTYPE g [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n<graphml>&b;</graphml>',
            "line 1: defines the entity 'a'",
        ),
        (
            "files.graphml",
            b'<!DOCTYPE g [\n<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<graphml>&a;</graphml>',
            "line 2: defines the entity 'a'",
        ),
        ("line.tsv", b"x" * (loading.BATCH << 12), "line 1: the line is longer than"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_a_bad_file_is_a_sentence_and_nothing_is_written(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path, kg = tmp_path / name, graph()
    path.write_bytes(content)
    with pytest.raises(BadFile, match=words) as raised:
        kg.load(path)
    assert not facts(kg)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("ending", SHOWS_A_CUT)
def test_a_file_that_was_cut_anywhere_is_refused(tmp_path: Path, ending: str) -> None:
    whole, cut, kg = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}", graph(HELD)
    small().dump(whole, status="all")
    content = whole.read_bytes()
    content = content.rstrip(b"\n") if ending in ("jsonld", "graphml") else content
    for length in random.Random(0).sample(range(len(content)), min(120, len(content))):
        cut.write_bytes(content[:length])
        with pytest.raises(BadFile):
            kg.load(cut)
    assert not facts(kg)


@pytest.mark.parametrize("ending", (*ENDINGS, "jsonld.gz"))
def test_a_damaged_file_is_a_sentence_or_what_is_left_of_it(tmp_path: Path, ending: str) -> None:
    whole, path = tmp_path / f"whole.{ending}", tmp_path / f"damaged.{ending}"
    small().dump(whole, status="all")
    chance = random.Random(1)
    for _ in range(150):
        content = bytearray(whole.read_bytes())
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            assert graph(HELD).load(path).receipt.new > 0
        except KgError as error:
            assert "\n" not in str(error)


def test_what_is_no_file_of_facts_by_its_name(tmp_path: Path) -> None:
    kg = graph()
    (tmp_path / "facts").write_text("a,b,c\n")
    with pytest.raises(BadFile, match=r"facts: its ending is of no format of facts .* name the format"):
        kg.load(tmp_path / "facts")
    with pytest.raises(BadRequest, match="'xml' is not a format of facts: use one of tsv, csv, jsonld, parquet, turtle, ntriples, graphml"):
        kg.load(tmp_path / "facts", format="xml")
    assert kg.load(tmp_path / "facts", format="csv").receipt.new == 1
    with pytest.raises(BadFile, match=r"compressed within"):
        kg.dump(tmp_path / "facts.parquet.gz")
    with pytest.raises(BadFile, match="there is no such file"):
        kg.load(tmp_path / "gone.tsv")
    with pytest.raises(BadFile, match="is a folder"):
        kg.load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes on Windows")
def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tsv")
    with pytest.raises(BadFile, match="save it to one first"):
        graph().load(tmp_path / "pipe.tsv")


def test_a_file_that_changes_after_it_was_checked_is_not_put(tmp_path: Path) -> None:
    path, kg = tmp_path / "facts.tsv", graph()
    path.write_text("a\tb\tc\n")
    checked = loading.check(path)
    path.write_text("a\tb\tc\nd\te\tf\n")
    with pytest.raises(BadFile, match="changed since it was checked"):
        loading.put(kg, checked)
    assert not facts(kg)


# -- writing -----------------------------------------------------------------------------------------


class Failing(MemoryStore):
    """A store that breaks off after its first fact."""

    def facts(self, query: FactQuery) -> Iterator[Fact]:
        yield next(super().facts(query))
        raise KeyboardInterrupt


@pytest.mark.parametrize("ending", (*ENDINGS, *PACKED))
def test_a_dump_that_fails_leaves_what_was_there(tmp_path: Path, ending: str) -> None:
    path, kg = tmp_path / f"dump.{ending}", KnowledgeGraph(Failing())
    path.write_text("precious")
    kg.put([Claim(MARIE, "born in", WARSAW, (Evidence("text", SOURCE),))])
    with pytest.raises(KeyboardInterrupt):
        kg.dump(path, status="all")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "precious"
    with pytest.raises(BadFile, match="is a folder"):
        kg.dump(tmp_path)
    with pytest.raises(BadFile, match="there is no folder"):
        graph().dump(tmp_path / "no" / "such" / f"folder.{ending}")


# -- many rows ---------------------------------------------------------------------------------------

MANY = 50_000
MEMORY = 24 << 20
"""Bytes of Python objects that reading or writing may hold; the rows themselves would need more than twice as much."""


def many(with_evidence: bool) -> Iterator[Stated]:
    sources = [Source(SourceId(f"doc:{n}"), "document") for n in range(9)]
    ends = [Entity(entity_id("person", f"Person {n}"), f"Person {n}", ("person",)) for n in range(2_000)]
    for n in range(MANY):
        told = (
            (Evidence("text", sources[n % 9], 2.0, quote=f"The sentence that says number {n}", start=n, end=n + 9),)
            if with_evidence
            else ()
        )
        yield Claim(ends[n % 2_000], f"relation {n % 7}", ends[n * 7 % 1_999], told), 0.875


@pytest.mark.slow
@pytest.mark.parametrize("ending", (*ENDINGS, "csv.gz"))
def test_memory_does_not_grow_with_the_file(tmp_path: Path, ending: str) -> None:
    place = registry.place(tmp_path / f"many.{ending}")
    loading.check(_warm(tmp_path, ending))
    arrow = pa.default_memory_pool()
    tracemalloc.start()
    try:
        with gzip.open(place.path, "wb", 1) if place.packed else place.path.open("wb") as file:
            place.format.translator.write(many(place.format.evidence), file)  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < MEMORY
        tracemalloc.reset_peak()
        assert loading.check(place.path).good == MANY
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    assert arrow.max_memory() < 4 * MEMORY


def _warm(folder: Path, ending: str) -> Path:
    """A small file, whose reading imports what is needed."""
    small().dump(folder / f"warm.{ending}")
    return folder / f"warm.{ending}"


@pytest.mark.parametrize("ending", (*ENDINGS, *PACKED))
def test_progress_goes_up_to_the_end(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BATCH", 2)
    monkeypatch.setattr(dumping, "EVERY", 2)
    path, kg = tmp_path / f"all.{ending}", small()
    written: list[tuple[int, int]] = []
    kg.dump(path, status="all", progress=lambda done, total: written.append((done, total)))
    assert written == [(0, 4), (2, 4), (4, 4)]
    put: list[tuple[int, int]] = []
    graph(HELD).load(path, progress=lambda done, total: put.append((done, total)))
    assert put == [(0, 4), (2, 4), (4, 4)]
    checked: list[tuple[int, int]] = []
    loading.check(path, progress=lambda done, total: checked.append((done, total)))
    assert all(0 <= done <= total == path.stat().st_size for done, total in checked)
    assert checked
