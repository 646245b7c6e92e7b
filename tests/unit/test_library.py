"""The texts behind the facts, as ``KnowledgeGraph`` gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harvest.documents import run
from harvest.documents.read import Document
from kgplatform import connect, library
from kgplatform.errors import NotFound
from kgplatform.graph import Context, KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.types import Candidate, Claim, Evidence, Literal, Mention, Receipt, Source, SourceId

DOC = Source(SourceId("doc:1"), "document", "Radium", "radium.txt")
TEXT = "".join(f"This is sentence {n}. " for n in range(300))
QUOTE = "This is sentence 150. "


def quoting(quote: str = QUOTE, start: int | None = None) -> Evidence:
    start = TEXT.index(quote) if start is None else start
    return Evidence("text", DOC, quote=quote, start=start, end=start + len(quote))


@pytest.fixture
def kg() -> KnowledgeGraph:
    made = connect("memory")
    made.add_document(DOC, TEXT)
    return made


def test_a_quote_in_its_context(kg: KnowledgeGraph) -> None:
    place = TEXT.index(QUOTE)
    assert kg.context(quoting(), 30) == Context(TEXT[place - 30 : place], QUOTE, TEXT[place + len(QUOTE) :][:30])
    first, last = quoting("This is sentence 0. "), quoting("sentence 299. ")
    assert kg.context(first, 5) == Context("", "This is sentence 0. ", "This ")
    assert kg.context(last, 9) == Context(" This is ", "sentence 299. ", "")
    whole = kg.context(quoting(), 10**6)
    assert whole
    assert whole.before + whole.quote + whole.after == TEXT


@pytest.mark.parametrize(
    "evidence",
    [
        quoting(start=0),
        quoting(start=len(TEXT) - 5),
        replace(quoting(), start=-1, end=-1),
        replace(quoting(), source=Source(SourceId("doc:2"), "document")),
        Evidence("memory", DOC),
    ],
)
def test_what_is_no_quote_of_a_kept_text_has_no_context(kg: KnowledgeGraph, evidence: Evidence) -> None:
    assert kg.context(evidence) is None


def test_text_by_characters(kg: KnowledgeGraph) -> None:
    assert kg.text("doc:1") == TEXT
    for start, end in ((0, 10), (990, 1_010), (3_000, None), (-5, 10**9), (5, 5), (10**9, None), (7, 3)):
        assert kg.text("doc:1", start, end) == TEXT[max(0, start) : end], (start, end)
    with pytest.raises(NotFound, match="near it: doc:1"):
        kg.text("doc:11")


def test_all_documents_over_many_pages(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_PAGE", 2)
    for n in range(2, 7):
        kg.add_document(replace(DOC, id=SourceId(f"doc:{n}")), f"Text {n}")
    assert [one.source.id for one in kg.documents()] == [f"doc:{n}" for n in range(1, 7)]
    assert [one.source for one in kg.passages("text 4", 1)] == ["doc:4"]
    assert kg.forget("doc:4").passages == 1
    with pytest.raises(NotFound, match="no source 'doc:4'"):
        kg.forget("doc:4")


class OneFact:
    """Finds the same fact in every document."""

    def __init__(self, *_: object) -> None:
        pass

    def extract(self, document: Document, run_: str) -> run.Extract:
        evidence = Evidence("text", document.source, 3.0, quote=document.text, start=0, end=len(document.text), run=run_)
        return run.Extract(1, 1, (Candidate(Mention("Ann", "person"), "age", Literal("9", "integer"), evidence),))


def harvest(kg: KnowledgeGraph, documents: Sequence[Document], *, dry_run: bool = False) -> run.Report:
    models: dict[str, Any] = {"scorer": ScriptedScorer(), "encoder": HashingEncoder(), "reader": None}
    return run.harvest(kg, documents, **models, cards=[], kinds={}, dry_run=dry_run)


def test_a_harvest_keeps_the_texts_before_their_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Extractor", OneFact)
    graph = connect("memory")
    read = [Document(Source(SourceId(f"doc:{n}"), "document"), f"Ann is 9. {n}") for n in range(2)]
    assert harvest(graph, read, dry_run=True).documents == 2
    assert list(graph.documents()) == []

    kept, put = [], graph.store.put

    def counted(claims: Sequence[Claim]) -> Receipt:
        kept.append(len(list(graph.documents())))
        return put(claims)

    monkeypatch.setattr(graph.store, "put", counted)
    harvest(graph, read)
    assert kept == [1, 2]
    (fact,) = graph.facts(status="all")
    quoted = {reason.evidence.source.id: graph.context(reason.evidence) for reason in graph.explain(fact).reasons}
    assert quoted == {one.source.id: Context("", one.text, "") for one in read}
    assert harvest(graph, read).receipt.unchanged == 2
