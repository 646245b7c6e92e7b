"""What was held back is sent: what is likely, what a person accepted or rejected; again it adds nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harvest.bertnet import Limits, Models, harvest, held
from harvest.bertnet.candidates import Judged
from harvest.bertnet.held import Held
from harvest.bertnet.sending import Telling, Verdicts, send, standing
from kgplatform.belief import PRIOR
from kgplatform.errors import BadCard
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Job, Ledger, Runner, Step, Task, Work, looking
from kgplatform.jobs.looking import Look
from kgplatform.jobs.steps import Steps
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Kind, Relation, Source, SourceId
from tests.unit.test_bertnet import CAPITAL, IGNORANT, KNOWING, PAIRS, capitals, graph

MANY = dataclasses.replace(CAPITAL, functional=False)
TELLING = Telling(MANY, {"head": {"Riga": "city"}}, "knowing@1", "r1")


def judged(head: str, tail: str, probability: float) -> Judged:
    return Judged((head, tail), probability, 1.0, 0.5, "listed", (("{head} is the capital of {tail}", 0.4),))


FOUND = (judged("Riga", "Latvia", 0.9), judged("Oslo", "Norway", 0.6), judged("Rome", "Peru", 0.2), judged("Rome", "Kenya", 0.1))


@pytest.fixture
def kg() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def verdicts(kg: KnowledgeGraph) -> dict[tuple[str, str], str]:
    return {(f.head.name, f.tail.name): f.verdict for f in kg.facts(relation="capital of", status="all") if isinstance(f.tail, Entity)}


def run(
    ledger: Ledger, kg: KnowledgeGraph, scorer: ScriptedScorer = KNOWING, cards: Iterable[Relation] = (CAPITAL,), *, held: bool = True
) -> Job:
    """A harvest as a job; one that is held puts nothing."""

    def do(work: Steps, _: Any) -> dict[str, Any]:
        harvest(kg, list(cards), Models(scorer, HashingEncoder()), limits=Limits(held=held), steps=work)
        return {}

    return Runner(ledger, {"harvest relation": do}).now(Task("harvest relation", {"cards": []}, "kg"))


def found(ledger: Ledger, job: Job) -> Held:
    (one,) = held.read(ledger.results(job.id)).values()
    return one


def test_what_is_likely_is_put_with_the_model_as_its_evidence(kg: KnowledgeGraph) -> None:
    done = send(kg, FOUND, TELLING)
    assert (done.receipt.new, done.unlinked) == (2, ())
    assert verdicts(kg) == {("Riga", "Latvia"): "none", ("Oslo", "Norway"): "none"}
    (piece,) = kg.explain("Riga | capital of | Latvia").reasons
    assert (piece.evidence.source.id, piece.evidence.model, piece.evidence.run) == ("model:knowing", "knowing@1", "r1")
    assert kg.relations()["capital of"] == MANY


def test_sent_again_it_adds_nothing(kg: KnowledgeGraph) -> None:
    said = Verdicts((("Rome", "Peru"),), (("Riga", "Latvia"),), "ann")
    send(kg, FOUND, TELLING, verdicts=said)
    before = verdicts(kg)
    again = send(kg, FOUND, TELLING, verdicts=said).receipt
    assert (again.new, again.merged) == (0, 0)
    assert verdicts(kg) == before


def test_what_a_person_accepts_or_rejects_is_put_however_likely(kg: KnowledgeGraph) -> None:
    send(kg, FOUND, TELLING, 0.5, Verdicts((("Rome", "Peru"),), (("Riga", "Latvia"), ("Rome", "Kenya")), "ann"))
    assert verdicts(kg) == {
        ("Oslo", "Norway"): "none",
        ("Rome", "Peru"): "accepted",
        ("Riga", "Latvia"): "rejected",
        ("Rome", "Kenya"): "rejected",
    }
    assert kg.fact("Rome | capital of | Peru").judge == "person:ann"


def test_a_rejected_one_stays_rejected_when_all_are_sent(kg: KnowledgeGraph) -> None:
    send(kg, FOUND[:1], TELLING, verdicts=Verdicts(rejected=(("Riga", "Latvia"),)))
    send(kg, FOUND, TELLING)
    assert verdicts(kg) == {("Riga", "Latvia"): "rejected", ("Oslo", "Norway"): "none"}


def test_one_tail_a_head_is_the_accepted_one_though_another_is_likelier(kg: KnowledgeGraph) -> None:
    telling = dataclasses.replace(TELLING, card=CAPITAL)
    rivals = (judged("Riga", "Kenya", 0.95), judged("Riga", "Latvia", 0.3))
    send(kg, rivals[1:], telling, verdicts=Verdicts(accepted=(("Riga", "Latvia"),)))
    send(kg, rivals, telling)
    assert verdicts(kg) == {("Riga", "Latvia"): "accepted"}


def test_what_was_accepted_before_gets_the_model_as_one_more_reason(kg: KnowledgeGraph) -> None:
    ends = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in (("city", "Riga"), ("country", "Latvia"))]
    kg.put([Claim(ends[0], "capital of", ends[1], (Evidence("import", Source(SourceId("import:x"), "import"), 0.9),))])
    kg.accept("Riga | capital of | Latvia")
    assert send(kg, FOUND[:1], TELLING).receipt.merged == 1


def test_a_name_of_two_things_is_left_to_a_person(kg: KnowledgeGraph) -> None:
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    both = [Entity(entity_id("city", "Riga", mark), "Riga", ("city",)) for mark in ("a", "b")]
    kg.put([Claim(one, "near", Entity(entity_id("city", "Bauska"), "Bauska", ("city",)), (told,)) for one in both])
    done = send(kg, FOUND, TELLING, verdicts=Verdicts(accepted=(("Riga", "Latvia"),)))
    assert [one.candidate.head.name for one in done.unlinked] == ["Riga"]
    assert done.unlinked[0].why == f"'Riga' may be {both[0].id}, {both[1].id}: name the one that is meant by its id"
    assert verdicts(kg) == {("Oslo", "Norway"): "none"}


@pytest.mark.parametrize("other", ["thing", "place", "ship"])
def test_of_two_things_of_one_name_that_is_meant_which_alone_is_of_the_cards_kind(kg: KnowledgeGraph, other: str) -> None:
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    kg.learn(kinds=[Kind("thing"), Kind("place", "thing"), Kind("city", "place"), Kind("ship", "thing"), Kind("country", "place")])
    city, ship = (Entity(entity_id(kind, "Riga", mark), "Riga", (kind,)) for kind, mark in (("city", "a"), (other, "b")))
    kg.put([Claim(one, "near", Entity(entity_id("city", "Bauska"), "Bauska", ("city",)), (told,)) for one in (city, ship)])
    for kinds in ({"head": {"Riga": "city"}}, {"head": {"Riga": other}}, {}):  # whichever of them was asked about
        done = send(kg, FOUND[:1], Telling(MANY, kinds, "knowing@1", "r1"))
        assert done.unlinked == ()
        (fact,) = kg.facts(relation="capital of")
        assert fact.head.id == city.id


def test_a_name_of_things_of_two_kinds_of_the_card_is_left_to_a_person_whichever_was_asked_about(kg: KnowledgeGraph) -> None:
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    both = [Entity(entity_id(kind, "Georgia"), "Georgia", (kind,)) for kind in ("country", "state")]
    kg.put([Claim(one, "near", Entity(entity_id("city", "Tbilisi"), "Tbilisi", ("city",)), (told,)) for one in both])
    card = dataclasses.replace(MANY, range=("country", "state"))
    done = send(kg, [judged("Atlanta", "Georgia", 0.9)], Telling(card, {"tail": {"Georgia": "state"}}))
    assert [one.why for one in done.unlinked] == [f"'Georgia' may be {both[0].id}, {both[1].id}: name the one that is meant by its id"]
    assert verdicts(kg) == {}


def test_what_is_certain_in_a_record_is_put_with_a_number(kg: KnowledgeGraph) -> None:
    sure, absurd = judged("Riga", "Latvia", 1.0), judged("Riga", "Peru", 0.0)
    send(kg, [sure, absurd], TELLING, verdicts=Verdicts(rejected=(absurd.words,)))
    assert verdicts(kg) == {sure.words: "none", absurd.words: "rejected"}
    pieces = [piece for fact in kg.facts(status="all") for piece in kg.store.evidence(fact.key) if piece.method == "memory"]
    assert sorted(round(piece.score + PRIOR, 1) for piece in pieces) == [-9.2, 9.2]


def test_how_candidates_stand_is_told_by_their_words(kg: KnowledgeGraph) -> None:
    assert standing(kg, FOUND, TELLING) == {}
    send(kg, FOUND, TELLING, verdicts=Verdicts(rejected=(("Rome", "Peru"),)))
    assert {words: fact.verdict for words, fact in standing(kg, FOUND, TELLING).items()} == {
        ("Riga", "Latvia"): "none",
        ("Oslo", "Norway"): "none",
        ("Rome", "Peru"): "rejected",
    }


def test_a_card_that_would_change_keys_is_refused(kg: KnowledgeGraph) -> None:
    send(kg, FOUND, TELLING)
    with pytest.raises(BadCard, match="changes symmetric"):
        send(kg, FOUND, dataclasses.replace(TELLING, card=dataclasses.replace(MANY, symmetric=True)))


def test_what_a_job_held_back_is_read_from_its_steps_and_sent(tmp_path: Path) -> None:
    kg, ledger = graph(), Ledger(tmp_path / "jobs.sqlite")
    job = run(ledger, kg)
    one = found(ledger, job)
    assert (one.relation, one.model, one.rounds > 0) == ("capital of", "knowing@1", True)
    assert set(CAPITAL.prompts) <= {prompt for prompt, _ in one.weighed}
    assert sum(weight for _, weight in one.weighed) == pytest.approx(1)
    assert [each.probability for each in one.judged] == sorted((each.probability for each in one.judged), reverse=True)
    assert one.kinds["head"]["Riga"] == "city"
    done = send(kg, one.judged, Telling(CAPITAL, one.kinds, one.model, job.run))
    assert done.receipt.new == len(capitals(kg)) > 5
    assert len(capitals(kg) & set(PAIRS)) / len(capitals(kg)) > 0.9


def test_a_harvest_that_put_what_it_found_is_read_too(tmp_path: Path) -> None:
    kg, ledger = graph(), Ledger(tmp_path / "jobs.sqlite")
    job = run(ledger, kg, held=False)
    assert len(found(ledger, job).judged) > 5
    assert capitals(kg)


def test_of_a_model_that_does_not_know_it_the_doubt_is_read(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.sqlite")
    one = found(ledger, run(ledger, graph(), IGNORANT))
    assert one.learnt
    assert one.learnt.doubt.startswith("the model does not know 'capital of'")
    assert one.judged == ()


def test_relations_of_one_job_are_told_apart_whatever_they_are_called(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.sqlite")
    named = [dataclasses.replace(CAPITAL, name=name) for name in ("seat/put @ of", "capital of")]
    job = run(ledger, graph(), cards=named)
    read = held.read(ledger.results(job.id))
    assert set(read) == {card.name for card in named}
    assert all(one.judged and one.learnt for one in read.values())


def test_each_look_reads_only_what_is_new(tmp_path: Path) -> None:
    ledger, seen = Ledger(tmp_path / "jobs.sqlite"), list[str]()
    look: Look[dict[str, Held]] | None = None
    named = [dataclasses.replace(CAPITAL, name=name) for name in ("seat/known of", "capital of")]

    def again() -> Look[dict[str, Held]]:
        def read(steps: Sequence[Step], before: Mapping[str, Held] | None) -> dict[str, Held]:
            seen.extend(step.key for step in steps)
            return held.read(steps, before)

        return looking.look(ledger, ledger.jobs()[0].id, held.LOOKED, read, look)

    def told(_done: int, _total: int) -> None:
        nonlocal look
        look = again()

    def kind(work: Work, _arguments: Mapping[str, Any]) -> None:
        work.told(told)
        harvest(graph(), named, Models(KNOWING, HashingEncoder(), KNOWING), steps=work)

    job = Runner(ledger, {"harvest relation": kind}).now(Task("harvest relation"))
    many = len(seen)
    look = again()
    assert 0 < many < len(seen)
    read = held.read(ledger.results(job.id))
    assert [dataclasses.replace(one, kinds={}) for one in look.found.values()] == [
        dataclasses.replace(one, kinds={}) for one in read.values()
    ]
    assert sorted(look.times) == sorted(seen)
    before, seen[:] = look, []
    assert (again(), seen) == (before, [])
