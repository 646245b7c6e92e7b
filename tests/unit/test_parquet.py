"""Facts as Parquet: tables of our own, and those that others write."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from kgplatform.errors import BadFile, MissingExtra
from kgplatform.formats.parquet import SCHEMA
from kgplatform.graph import KnowledgeGraph
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Source, SourceId, in_words

ADA = Entity(EntityId("person:ada"), "Ada", ("person",))


def graph() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def table(folder: Path, columns: dict[str, object]) -> Path:
    path = folder / "facts.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def test_names_that_pandas_wrote(tmp_path: Path) -> None:
    path = tmp_path / "facts.parquet"
    pd.DataFrame(
        {"head": ["Ada", "Ada"], "relation": ["knows", "likes"], "tail": ["Charles", "maths"], "confidence": [0.9, 0.25]}
    ).to_parquet(path)
    kg = graph()
    assert kg.load(path).receipt.new == 2
    assert {(in_words(fact.tail), round(fact.confidence, 2)) for fact in kg.facts(status="all")} == {("Charles", 0.9), ("maths", 0.25)}


def test_texts_may_be_encoded_in_any_way(tmp_path: Path) -> None:
    head, relation = pa.array(["Ada"], pa.large_string()), pa.array(["knows"]).dictionary_encode()
    kg = graph()
    kg.load(table(tmp_path, {"head": head, "relation": relation, "tail": pa.array(["Charles"], pa.string_view())}))
    assert [in_words(fact.tail) for fact in kg.facts()] == ["Charles"]


def test_a_table_of_ids_needs_no_evidence_and_not_all_columns(tmp_path: Path) -> None:
    kg = graph()
    columns = {
        "head": ["Q1", "Q1"],
        "relation": ["is", "weighs"],
        "tail": ["Q2", "1.50"],
        "head_name": ["One"] * 2,
        "tail_name": ["Two", None],
    }
    kg.load(table(tmp_path, {**columns, "datatype": [None, "decimal"]}))
    assert {fact.tail for fact in kg.facts()} == {Entity(EntityId("Q2"), "Two"), Literal("1.5", "decimal")}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"head": ["a"], "tail": ["b"]}, "no column 'relation'"),
        ({"head": ["a"], "relation": ["b"], "tail": ["c"], "colour": ["d"]}, "unknown column 'colour'"),
        ({"head": ["a"], "relation": ["b"], "tail": ["c"], "head_name": ["d"]}, "no column 'tail_name'"),
        ({"head": ["a"], "relation": ["b"], "tail": [["c"]]}, "the column 'tail' holds list<.*>, not string"),
        ({"head": ["a"], "relation": ["b"], "tail": ["c"], "confidence": ["sure"]}, "the column 'confidence' holds string, not double"),
        (
            {"head": ["a"], "relation": ["b"], "tail": ["c"], "head_name": ["d"], "tail_name": ["e"], "evidence": [["f"]]},
            "'evidence' holds list",
        ),
        ({"head": ["a"], "relation": ["b"], "tail": ["c"], "confidence": [1.5]}, "row 1: 1.5 is not a confidence"),
        ({"head": ["a"], "relation": [None], "tail": ["c"]}, "row 1: no relation"),
        ({"head": pa.array([], pa.string()), "relation": pa.array([], pa.string()), "tail": pa.array([], pa.string())}, "holds no facts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_table_is_a_sentence(tmp_path: Path, columns: dict[str, object], words: str) -> None:
    with pytest.raises(BadFile, match=words):
        graph().load(table(tmp_path, columns))


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "kgplatform.formats.parquet")
    with pytest.raises(MissingExtra, match=r"pip install 'kgplatform\[frames\]'"):
        graph().dump(tmp_path / "facts.parquet")
    assert not list(tmp_path.iterdir())


def test_a_dump_is_a_table_that_others_can_read(tmp_path: Path) -> None:
    kg = graph()
    told = Evidence("text", Source(SourceId("doc:1"), "document", "A text"), 2.0, quote="Ada knows.", detail=(("why", "so"),))
    kg.put([Claim(ADA, "born on", Literal("1815", "date"), (told,), (("valid_from", "1815"),))])
    kg.dump(tmp_path / "facts.parquet")
    assert parquet.read_schema(tmp_path / "facts.parquet").equals(SCHEMA)
    (row,) = pd.read_parquet(tmp_path / "facts.parquet").to_dict("records")
    assert (row["head_name"], row["tail"], row["datatype"], pd.isna(row["tail_name"])) == ("Ada", "1815", "date", True)
    assert dict(row["qualifiers"]) == {"valid_from": "1815"}
    (piece,) = row["evidence"]
    assert (piece["source"]["title"], piece["quote"], dict(piece["detail"])) == ("A text", "Ada knows.", {"why": "so"})
