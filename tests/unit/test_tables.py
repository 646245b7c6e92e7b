"""Facts in columns of text: TSV and CSV as people and data sets write them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgplatform.errors import BadFile
from kgplatform.formats import text
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Literal, Source, SourceId, in_words

SOURCE = Source(SourceId("doc:1"), "document")
MARIE = Entity(entity_id("person", "Marie Curie"), "Marie Curie", ("person",))


def graph() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def told(score: float = 3.0) -> tuple[Evidence, ...]:
    return (Evidence("text", SOURCE, score),)


def keys(kg: KnowledgeGraph) -> set[str]:
    return {fact.key for fact in kg.facts(status="all")}


def said(kg: KnowledgeGraph) -> set[tuple[str, str, str]]:
    return {(fact.head.name, fact.relation, in_words(fact.tail)) for fact in kg.facts(status="all")}


def write(folder: Path, text: str, name: str = "facts.tsv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8", newline="")
    return path


@pytest.mark.parametrize(("name", "comma"), [("facts.tsv", "\t"), ("train.txt", "\t"), ("facts.csv", ","), ("FACTS.CSV", ",")])
def test_names_in_three_columns_or_four(tmp_path: Path, name: str, comma: str) -> None:
    kg = graph()
    kg.load(write(tmp_path, "Ada\tknows\tCharles\n \nAda\tlikes\tmaths\t0.25\r\n".replace("\t", comma), name))
    assert {(f.relation, in_words(f.tail), f.confidence > 0.5) for f in kg.facts(status="all")} == {
        ("knows", "Charles", True),
        ("likes", "maths", False),
    }


@pytest.mark.parametrize("header", ["head\trelation\ttail\n", "\nhead\trelation\ttail\n", "\ufeffhead\trelation\ttail\n"])
@pytest.mark.parametrize(("name", "comma"), [("facts.tsv", "\t"), ("facts.csv", ",")])
def test_a_header_of_plain_columns_leaves_names_names(tmp_path: Path, header: str, name: str, comma: str) -> None:
    kg = graph()
    kg.put([Claim(MARIE, "knows", MARIE, told())])
    kg.load(write(tmp_path, f"{header}Marie Curie\tborn in\tWarsaw\n".replace("\t", comma), name))
    (fact,) = kg.facts(relation="born in")
    assert (fact.head.id, in_words(fact.tail)) == (MARIE.id, "Warsaw")
    assert len(kg.facts()) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("head\trelation\ttail\tcolour\na\tb\tc\td\n", "line 1: unknown column 'colour'"),
        ("head\trelation\ttail\thead_name\thead_name\n", "line 1: the column 'head_name' stands there twice"),
        ("head\trelation\ttail\thead_name\na\tb\tc\td\n", "line 1: no column 'tail_name'"),
        ("head\trelation\ttail\thead_name\ttail_name\na\tb\tc\td\n", "line 2: expected 5 columns"),
        ("head\trelation\ttail\thead_name\ttail_name\tqualifiers\na\tb\tc\td\te\t[1]\n", "line 2: '\\[1\\]' are not qualifiers"),
        ("head\trelation\ttail\thead_name\ttail_name\tdatatype\na\tb\tc\td\te\tmoney\n", "line 2: 'money' is not a datatype"),
        ("head\trelation\ttail\thead_name\ttail_name\thead_kinds\na\tb\tc\td\te\t[1]\n", "line 2: '\\[1\\]' are not kinds"),
        ("\x00\tb\tc\n", "line 1: .* is not a name"),
        ("a\tb\tc\t-0.1\n", "line 1: '-0.1' is not a confidence"),
        ("a\tb\tc\tsure\n", "line 1: 'sure' is not a confidence"),
        ("a\tb\tc\tnan\n", "line 1: 'nan' is not a confidence"),
    ],
)
@pytest.mark.parametrize("ending", ["tsv", "csv"])
def test_a_bad_line_is_named(tmp_path: Path, content: str, words: str, ending: str) -> None:
    kg = graph()
    with pytest.raises(BadFile, match=words):
        kg.load(write(tmp_path, content if ending == "tsv" else content.replace("\t", ","), f"facts.{ending}"))
    assert not keys(kg)


def test_quotes_of_csv(tmp_path: Path) -> None:
    kg = graph()
    kg.load(write(tmp_path, '"Curie, Marie",born in,"the ""old"" town"\r\n"two\nlines",is,one name\r\n', "facts.csv"))
    assert said(kg) == {("Curie, Marie", "born in", 'the "old" town'), ("two lines", "is", "one name")}


def test_a_wrong_quote_costs_its_own_lines_and_says_which(tmp_path: Path) -> None:
    kg = graph()
    loaded = kg.load(write(tmp_path, 'a,b,c\n"x"y,b,c\nd,e,f\ng,"h\ni"j,k\nl,m,n\n', "facts.csv"))
    assert said(kg) == {("a", "b", "c"), ("d", "e", "f"), ("l", "m", "n")}
    assert [reason.partition("facts.csv, ")[2].partition(" (")[0] for reason in loaded.unread] == [
        "line 2: its quotes are not those of CSV",
        "line 4: its quotes are not those of CSV, up to line 5",
    ]


def test_columns_of_a_dump_may_stand_in_another_order_and_be_fewer(tmp_path: Path) -> None:
    kg = graph()
    kg.load(write(tmp_path, "head,relation,tail,tail_name,head_name,unit,datatype\nQ1,weighs,1.50,,A thing,kg,decimal\n", "facts.csv"))
    (fact,) = kg.facts()
    assert (fact.head, fact.tail) == (Entity(fact.head.id, "A thing", ("thing",)), Literal("1.5", "decimal", "kg"))
    assert fact.head.id == "Q1"


def test_backslashes_of_a_data_set_are_left_alone(tmp_path: Path) -> None:
    kg = graph()
    kg.load(write(tmp_path, "a\\tb\tis\tc\\\\d\n"))
    assert said(kg) == {("a\\tb", "is", "c\\\\d")}


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_lines_are_the_same_however_the_file_is_cut_in_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(text, "CHUNK", chunk)
    path = write(tmp_path, "Ädä\tknows\tÇharles\r\n\nx\ty\tü")
    with path.open("rb") as file:
        assert list(text.lines(file)) == [(1, "Ädä\tknows\tÇharles\r"), (2, ""), (3, "x\ty\tü")]


UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.text(max_size=40).filter(lambda text: any(c.isalnum() for c in text)) | st.sampled_from(
    ["a\tb", "a\\tb", "\\", "a\\\nb", "=1+1", "x; y", "head", "a|b%7C", '"quoted"', "\u2028x", "İ", "ﬁ", "-", "<b>", "'; DROP"]
)


@UNTIMED
@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=8), st.sampled_from(["\t", ","]))
def test_hostile_names_in_a_plain_file(rows: list[tuple[str, str, str]], comma: str) -> None:
    kg = graph()
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join(comma.join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)
        path = Path(folder) / ("facts.tsv" if comma == "\t" else "facts.csv")
        path.write_bytes(lines.encode("utf-8", "replace"))
        try:
            first = kg.load(path)
        except BadFile:
            assert not keys(kg)
            return
        again = kg.load(path)
        assert (again.receipt.new, again.receipt.merged) == (0, 0)
        assert len(again.unlinked) == len(first.unlinked)
