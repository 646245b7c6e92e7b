"""Facts as tab-separated lines: what is read, and that a dump loads to the same facts."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgplatform.errors import BadFile
from kgplatform.formats import tsv
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Fact, Literal, Relation, Source, SourceId, in_words

SOURCE = Source(SourceId("doc:1"), "document")
MARIE = Entity(entity_id("person", "Marie Curie"), "Marie Curie", ("person",))


def graph() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def told(score: float = 3.0) -> tuple[Evidence, ...]:
    return (Evidence("text", SOURCE, score),)


def keys(kg: KnowledgeGraph) -> set[str]:
    return {fact.key for fact in kg.facts(status="all")}


def write(folder: Path, text: str, name: str = "facts.tsv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8", newline="")
    return path


def test_names_in_three_columns_or_four(tmp_path: Path) -> None:
    kg = graph()
    kg.load(write(tmp_path, "Ada\tknows\tCharles\nAda\tlikes\tmaths\t0.25\r\n"))
    assert {(f.relation, in_words(f.tail), f.confidence > 0.5) for f in kg.facts(status="all")} == {
        ("knows", "Charles", True),
        ("likes", "maths", False),
    }


@pytest.mark.parametrize("header", ["head\trelation\ttail\n", "\nhead\trelation\ttail\n", "\ufeffhead\trelation\ttail\n"])
def test_a_header_of_plain_columns_leaves_names_names(tmp_path: Path, header: str) -> None:
    kg = graph()
    kg.put([Claim(MARIE, "knows", MARIE, told())])
    kg.load(write(tmp_path, f"{header}Marie Curie\tborn in\tWarsaw\n"))
    (fact,) = kg.facts(relation="born in")
    assert (fact.head.id, fact.tail.name if isinstance(fact.tail, Entity) else "") == (MARIE.id, "Warsaw")
    assert len(kg.facts()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("head\trelation\ttail\tcolour\na\tb\tc\td\n", "line 1: unknown column 'colour'"),
        ("head\trelation\ttail\thead_name\thead_name\n", "line 1: the column 'head_name' stands there twice"),
        ("head\trelation\ttail\thead_name\na\tb\tc\td\n", "line 1: no column 'tail_name'"),
        ("head\trelation\ttail\thead_name\ttail_name\na\tb\tc\td\n", "line 2: expected 5 columns"),
        ("head\trelation\ttail\thead_name\ttail_name\tqualifiers\na\tb\tc\td\te\t[1]\n", "line 2: '\\[1\\]' are not qualifiers"),
        ("head\trelation\ttail\thead_name\ttail_name\tdatatype\na\tb\tc\td\te\tmoney\n", "line 2: 'money' is not a datatype"),
        ("\x00\tb\tc\n", "line 1: .* is not a name"),
        ("a\tb\tc\t-0.1\n", "line 1: '-0.1' is not a confidence"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    kg = graph()
    with pytest.raises(BadFile, match=words):
        kg.load(write(tmp_path, text))
    assert not keys(kg)


def test_bad_lines_among_good_ones_come_back_unless_strict(tmp_path: Path) -> None:
    path = write(tmp_path, "a\tb\tc\nx\ny\tb\tz\n")
    kg = graph()
    with pytest.raises(BadFile, match="line 2"):
        kg.load(path, strict=True)
    assert not keys(kg)
    added = kg.load(path)
    assert added.receipt.new == 2
    assert [reason.partition(": ")[0] for reason in added.unread] == [f"{path}, line 2"]


def test_a_damaged_archive_is_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb\tc\n")[:10] + b"\xff" * 40)
    with pytest.raises(BadFile, match="cannot be read"):
        graph().load(path)


def test_the_same_file_again_changes_nothing_and_the_dump_of_it_adds_nothing_new(tmp_path: Path) -> None:
    kg = graph()
    path = write(tmp_path, "Ada\tknows\tCharles\nAda\tborn in\tLondon\t0.7\n")
    assert kg.load(path).receipt.new == 2
    assert (again := kg.load(path).receipt).unchanged == 2, again
    dumped = tmp_path / "dump.tsv.gz"
    assert kg.dump(dumped, status="all") == 2
    back = kg.load(dumped)
    assert (back.receipt.new, back.receipt.refused, back.unlinked, back.unread) == (0, (), (), ())
    assert kg.load(dumped).receipt.unchanged == 2


def test_qualifiers_survive(tmp_path: Path) -> None:
    held = Relation("held", key_qualifiers=("from",), prompts=("{head} held {tail}",))
    office = Entity(entity_id("office", "chair"), "chair", ("office",))
    kg, other = graph(), graph()
    for one in (kg, other):
        one.learn(relations=[held])
    kg.put([Claim(MARIE, "held", office, told(), (("from", year),)) for year in ("1906", "1914")])
    kg.dump(tmp_path / "dump.tsv")
    other.load(tmp_path / "dump.tsv")
    assert keys(other) == keys(kg)
    assert len(keys(kg)) == 2


def test_a_dump_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = write(tmp_path, "precious", "dump.tsv")

    def failing() -> Iterator[Fact]:
        yield from graph().facts()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tsv.dump(failing(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["dump.tsv"]
    assert path.read_text() == "precious"
    with pytest.raises(BadFile, match="is a folder"):
        tsv.dump([], tmp_path)


UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.text(max_size=40).filter(lambda text: any(c.isalnum() for c in text)) | st.sampled_from(
    ["a\tb", "a\\tb", "\\", "a\\\nb", "=1+1", "x; y", "head", "a|b%7C", '"quoted"', "\u2028x", "İ", "ﬁ", "-", "<b>", "'; DROP"]
)
VALUES = st.sampled_from([Literal("1867-11", "date"), Literal("007", "integer"), Literal("1.50", "decimal", "kg")]) | st.builds(
    Literal, st.text(max_size=30).filter(str.strip), st.just("string"), NAMES | st.just(""), st.sampled_from(["", "en"])
)


@UNTIMED
@given(st.lists(st.tuples(NAMES, NAMES, NAMES | VALUES, NAMES), min_size=1, max_size=8))
def test_whatever_a_graph_holds_comes_back_from_a_dump(rows: list[tuple[str, str, str | Literal, str]]) -> None:
    kg, other = graph(), graph()
    for head, relation, tail, kind in rows:
        end = tail if isinstance(tail, Literal) else Entity(entity_id("thing", tail), tail)
        kg.put([Claim(Entity(entity_id(kind, head), head, (kind,)), relation, end, told())])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump.tsv"
        count = kg.dump(path, status="all")
        assert count == len(keys(kg))
        if not count:
            return
        loaded = other.load(path)
        assert (loaded.receipt.refused, loaded.unread, keys(other)) == ((), (), keys(kg))
        here = {f.key: (f.head.name, set(f.head.kinds), f.tail) for f in kg.facts(status="all")}
        there = {f.key: (f.head.name, set(f.head.kinds), f.tail) for f in other.facts(status="all")}
        assert there == here
        assert kg.load(path).receipt.new == 0


@UNTIMED
@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=8))
def test_hostile_names_in_a_plain_file(rows: list[tuple[str, str, str]]) -> None:
    kg = graph()
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)
        path = Path(folder) / "facts.tsv"
        path.write_bytes(lines.encode("utf-8", "replace"))
        try:
            first = kg.load(path)
        except BadFile:
            assert not keys(kg)
            return
        again = kg.load(path)
        assert (again.receipt.new, again.receipt.merged) == (0, 0)
        assert len(again.unlinked) == len(first.unlinked)
