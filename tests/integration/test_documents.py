"""Documents to facts with the real models: what a person gets from their texts, good and bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harvest import documents, shipped
from harvest.documents import Report, advice
from harvest.documents.mentions import Reader
from kgplatform import connect
from kgplatform.errors import BadCard, BadFile, KgError
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.opening import encoder, reader, scorer
from kgplatform.ports import Progress
from kgplatform.settings import load
from kgplatform.types import Fact, FactQuery, Relation
from tests import servers

pytestmark = pytest.mark.models

CURIE = """Marie Curie

Marie Curie was born in Warsaw on 7 November 1867. She said that she was born in Warsaw.
She was married to Pierre Curie.
"""
KEPLER = "Johannes Kepler was born in Weil der Stadt on 27 December 1571. Kepler was a student of Michael Maestlin.\n"
HOSTILE = [
    "<script>alert(1)</script> was born in <b>Warsaw</b>. Marie Curie was born in Warsaw.",
    "MATCH (n) DETACH DELETE n. Robert'); DROP TABLE facts;-- was born in Warsaw. Marie Curie was born in Warsaw.",
    "{tail} Curie was born in {head} Town. Marie {head} was born in {tail}. Marie Curie was born in Warsaw.",
    "\u202eMarie Curie\u202c was born in Warsaw. מארי קירי נולדה בוורשה ב-1867. Marie Curie was born in Warsaw.",
    "😀 Marie Curie 👩\u200d🔬 was born in 🎉 Warsaw 🎉. Marie Curie was born in Warsaw.",
    f"{'Curie' * 2_000} was born in Warsaw. Marie Curie was born in Warsaw.",
    "Marie Curie\x00was born".replace("\x00", "\x01 ") + " in Warsaw. Marie Curie was born in Warsaw.",
    "Radium has an atomic weight of 226.03 and the atomic number 88.5. It was discovered on 3 March 3021. Marie Curie was born in Warsaw.",
]


@dataclass(frozen=True)
class Models:
    scorer: TokenScorer
    encoder: Encoder
    reader: Reader


@pytest.fixture(scope="module")
def made() -> list[Models]:
    return []


@pytest.fixture
def models(made: list[Models], tmp_path_factory: pytest.TempPathFactory) -> Models:
    if not made:
        home = tmp_path_factory.mktemp("models")
        (home / "models").symlink_to((load().home / "models").resolve(), target_is_directory=True)
        chosen = load({"KG_HOME": str(home), "KG_DEVICE": "cpu"})
        try:
            made.append(Models(scorer(chosen), encoder(chosen), Reader(reader(chosen))))
        except KgError as error:
            servers.missing(str(error))
    return made[0]


@pytest.fixture
def kg() -> KnowledgeGraph:
    return connect("memory")


def harvest(
    kg: KnowledgeGraph,
    models: Models,
    *paths: Path,
    dry_run: bool = False,
    progress: Progress | None = None,
    cards: list[Relation] | None = None,
) -> Report:
    given = {"scorer": models.scorer, "encoder": models.encoder, "reader": models.reader}
    read, _ = documents.read_all(paths)
    return documents.harvest(kg, read, **given, cards=cards, dry_run=dry_run, progress=progress, run="r1")  # type: ignore[arg-type]


def text(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def told(kg: KnowledgeGraph) -> set[str]:
    return {fact.key for fact in kg.facts()}


def everything(kg: KnowledgeGraph) -> list[Fact]:
    return list(kg.store.facts(FactQuery(status="all")))


def test_facts_stand_with_the_words_that_state_them(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    path = text(tmp_path, "curie.txt", CURIE)
    report = harvest(kg, models, path)
    assert (report.documents, report.receipt.refused, report.unlinked) == (1, (), ())
    assert {
        "born in|person:marie_curie|city:warsaw",
        "born on|person:marie_curie|=date:::1867-11-07",
        "married to|person:marie_curie|person:pierre_curie",
    } <= told(kg)
    for fact in everything(kg):
        for piece in kg.store.evidence(fact.key):
            assert (piece.method, piece.model, piece.run) == ("text", models.scorer.name, "r1")
            assert (piece.source.title, piece.source.uri) == ("Marie Curie", "curie.txt")
            assert CURIE[piece.start : piece.end] == piece.quote
            assert piece.head_words in piece.quote
            assert piece.tail_words in piece.quote
            assert dict(piece.detail).keys() >= {"words", "shape", "statement"}
            assert -4 < piece.score < 12
    pieces = kg.store.evidence(kg.fact("Marie Curie | born in | Warsaw").key)
    assert {piece.head_words.lower() for piece in pieces} == {"marie curie", "she"}
    assert kg.relations() == shipped.relations()
    assert kg.kinds() == shipped.kinds()


def test_a_sentence_is_one_piece_of_evidence_and_the_best_reading_counts(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    report = harvest(kg, models, text(tmp_path, "curie.txt", CURIE))
    told = [(one.evidence.start, one.head.name, one.relation, one.tail) for one in report.candidates]
    assert len(set(told)) == len(told)
    assert told[0][1] == "Marie Curie"


def test_again_and_under_another_name_adds_nothing(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    first = harvest(kg, models, text(tmp_path, "curie.txt", CURIE)).receipt
    before = everything(kg)
    again = harvest(kg, models, text(tmp_path, "copy.md", CURIE), text(tmp_path, "curie.txt", CURIE)).receipt
    assert (first.merged, again.new, again.merged) == (0, 0, 0)
    assert again.unchanged >= first.new > 0
    assert everything(kg) == before


def test_a_dry_run_says_what_it_would_put_and_writes_nothing(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    report = harvest(kg, models, text(tmp_path, "curie.txt", CURIE), dry_run=True)
    assert ("Marie Curie", "born in") in {(one.head.name, one.relation) for one in report.candidates}
    assert report.receipt.new == 0
    assert everything(kg) == []
    assert (kg.relations(), kg.kinds()) == ({}, {})


@pytest.mark.parametrize("content", [b"", b"\x00\x01", "Zürich".encode("latin-1")])
def test_one_bad_file_among_good_ones_is_refused_with_nothing_written(
    kg: KnowledgeGraph, models: Models, tmp_path: Path, content: bytes
) -> None:
    good = text(tmp_path, "a.txt", CURIE)
    (tmp_path / "z.txt").write_bytes(content)
    with pytest.raises(BadFile, match=r"z\.txt"):
        harvest(kg, models, good, tmp_path / "z.txt")
    assert everything(kg) == []
    assert kg.relations() == {}


def test_a_card_without_prompts_is_refused_with_nothing_written(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    with pytest.raises(BadCard, match="'likes' has no prompts"):
        harvest(kg, models, text(tmp_path, "a.txt", CURIE), cards=[Relation("likes")])
    assert (everything(kg), kg.relations()) == ([], {})


def test_a_text_without_facts_is_told_what_was_tried(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    report = harvest(kg, models, text(tmp_path, "lake.txt", "It rained all summer. The lake was cold.\n"))
    assert (report.candidates, report.receipt.new) == ((), 0)
    first, cards, what = advice(report)
    assert first == "no fact was found in 1 document(s) with 2 sentence(s)"
    assert cards == f"{len(report.cards)} relation cards were tried: {', '.join(shipped.relations())}"
    assert "--card FILE" in what
    assert list(advice(harvest(kg, models, text(tmp_path, "curie.txt", CURIE)))) == []


def test_only_the_cards_named_are_looked_for(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    harvest(kg, models, text(tmp_path, "curie.txt", CURIE), cards=[shipped.relations()["born on"]])
    assert {fact.relation for fact in everything(kg)} == {"born on"}


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_go_in_safely(kg: KnowledgeGraph, models: Models, tmp_path: Path, content: str) -> None:
    report = harvest(kg, models, text(tmp_path, "hostile.txt", content))
    assert report.receipt.refused == ()
    assert report.unlinked == ()
    assert "born in|person:marie_curie|city:warsaw" in told(kg)
    for fact in everything(kg):
        assert all(content[piece.start : piece.end] == piece.quote for piece in kg.store.evidence(fact.key))
        assert kg.fact(fact.key) == fact


def test_what_was_finished_before_an_interruption_stays_and_a_rerun_completes(kg: KnowledgeGraph, models: Models, tmp_path: Path) -> None:
    paths = [text(tmp_path, "a.txt", CURIE), text(tmp_path, "b.txt", KEPLER)]

    def interrupt(done: int, total: int) -> None:
        assert total == len(paths)
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest(kg, models, *paths, progress=interrupt)
    kept = everything(kg)
    assert {fact.head.name for fact in kept} >= {"Marie Curie"}
    assert "Johannes Kepler" not in {fact.head.name for fact in kept}
    seen: list[tuple[int, int]] = []
    receipt = harvest(kg, models, *paths, progress=lambda done, total: seen.append((done, total))).receipt
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert (receipt.merged, receipt.unchanged) == (0, len(kept))
    whole = connect("memory")
    harvest(whole, models, *paths)
    assert everything(kg) == everything(whole)
