"""Relations out of a model's memory: what it knows is put, what it does not know is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from harvest.bertnet import Report, harvest
from harvest.bertnet.calibrate import MIN_AUC, knowledge
from harvest.bertnet.run import preselect
from harvest.bertnet.scoring import openings, slot_pmi
from kgplatform.errors import BadCard
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Literal, Relation, Source, SourceId

SEEDS = (("Cairo", "Egypt"), ("Athens", "Greece"), ("Lima", "Peru"), ("Nairobi", "Kenya"), ("Ankara", "Turkey"), ("Tokyo", "Japan"))
KNOWN = (("Warsaw", "Poland"), ("Paris", "France"), ("Madrid", "Spain"), ("Vienna", "Austria"))
CAPITAL = Relation(
    "capital of",
    domain=("city",),
    range=("country",),
    functional=True,
    prompts=("{head} is the capital of {tail}", "The capital of {tail} is {head}"),
    seeds=SEEDS,
)
KNOWING = ScriptedScorer(sentences=[f"{head} is the capital of {tail}" for head, tail in (*SEEDS, *KNOWN)] * 8, name="knowing@1")
IGNORANT = ScriptedScorer(sentences=[f"{word} is the capital of" for pair in (*SEEDS, *KNOWN) for word in pair], name="ignorant@1")


def graph(pairs: Iterable[tuple[str, str]] = KNOWN) -> KnowledgeGraph:
    """A graph that has the cities and countries of the pairs, and does not say which belongs to which."""
    kg = KnowledgeGraph(MemoryStore())
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    ends = [(kind, name) for pair in pairs for kind, name in zip(("city", "country"), pair, strict=True)]
    entities = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in ends]
    kg.put([Claim(one, "has name", Literal(one.name), (told,)) for one in entities])
    return kg


def ask(kg: KnowledgeGraph, scorer: ScriptedScorer = KNOWING, card: Relation = CAPITAL, *, dry_run: bool = False) -> Report:
    return harvest(kg, [card], scorer=scorer, encoder=HashingEncoder(), dry_run=dry_run, run="r1")


def capitals(kg: KnowledgeGraph) -> set[tuple[str, str]]:
    return {(f.head.name, f.tail.name) for f in kg.facts(relation="capital of", status="all") if isinstance(f.tail, Entity)}


def told(report: Report) -> list[tuple[str, str]]:
    return [(claim.head.name, claim.tail.name) for claim in report.claims if isinstance(claim.tail, Entity)]


def test_what_the_model_knows_becomes_facts_with_evidence() -> None:
    kg = graph()
    report = ask(kg)
    (outcome,) = report.outcomes
    assert (outcome.note, outcome.scored) == ("", 16)
    assert outcome.auc > MIN_AUC
    assert capitals(kg) == set(told(report)) == set(KNOWN)
    assert (report.receipt.new, report.changed.new.count) == (4, 4)
    (piece,) = kg.store.evidence(kg.fact("Warsaw | capital of | Poland").key)
    assert (piece.method, piece.model, piece.source.id, piece.run) == ("memory", "knowing@1", "model:knowing", "r1")
    assert dict(piece.detail)["prompts"] == "{head} is the capital of"
    assert all(fact.confidence >= 0.5 for fact in kg.facts(relation="capital of"))
    assert kg.relations()["capital of"] == CAPITAL


def test_again_adds_nothing() -> None:
    kg = graph()
    ask(kg)
    again = ask(kg)
    assert (again.receipt.new, again.receipt.merged, again.receipt.unchanged) == (0, 0, 4)
    assert again.changed.new.count == again.changed.strengthened.count == 0


def test_a_dry_run_tells_and_writes_nothing() -> None:
    kg = graph()
    report = ask(kg, dry_run=True)
    assert set(told(report)) == set(KNOWN)
    assert report.receipt.new == 0
    assert capitals(kg) == set()
    assert kg.relations() == {}


def test_what_the_model_does_not_know_by_its_seeds_is_not_asked() -> None:
    kg = graph()
    (outcome,) = ask(kg, IGNORANT).outcomes
    assert (outcome.scored, outcome.claims) == (0, ())
    assert outcome.auc == pytest.approx(0.5)
    assert outcome.note == f"the model does not know 'capital of' well enough: AUC 0.50 on its seeds, below {MIN_AUC}"
    assert capitals(kg) == set()


def test_too_few_seeds_to_judge_by_are_said() -> None:
    (outcome,) = ask(graph(), card=dataclasses.replace(CAPITAL, seeds=SEEDS[:2])).outcomes
    assert outcome.note == "the model does not know 'capital of' well enough: it has fewer than 3 seeds"


def test_seeds_that_cannot_be_shuffled_prove_nothing() -> None:
    same = tuple((head, "Egypt") for head, _ in SEEDS)
    assert knowledge(dataclasses.replace(CAPITAL, seeds=same), KNOWING).known is False


def test_a_graph_without_the_kinds_is_said() -> None:
    (outcome,) = ask(graph(()), KNOWING).outcomes
    assert outcome.note == "the graph holds no two entities of the kinds city and country for 'capital of'"


@pytest.mark.parametrize("prompts", [("The capital of {tail} is {head}",), ("{head} is the capital of {tail}.",)])
def test_a_card_without_a_prompt_that_ends_with_its_tail_is_refused(prompts: tuple[str, ...]) -> None:
    kg = graph()
    with pytest.raises(BadCard, match=r"'capital of' has no prompt that ends with \{tail\}.*add one"):
        ask(kg, card=dataclasses.replace(CAPITAL, prompts=prompts))
    assert kg.relations() == {}


@pytest.mark.parametrize("wanted", ["date", "integer"])
def test_a_card_that_leads_to_values_is_refused(wanted: str) -> None:
    kg = graph()
    with pytest.raises(BadCard, match=f"values of type {wanted}"):
        ask(kg, card=dataclasses.replace(CAPITAL, range=(wanted,)))
    assert kg.relations() == {}


def knowing(**certain: dict[str, float]) -> ScriptedScorer:
    """A model that knows the seeds, and of the named heads just what is said: log p of each tail."""
    table = {(f"{head} is the capital of", f" {tail}"): score for head, tails in certain.items() for tail, score in tails.items()}
    return ScriptedScorer(table, [f"{head} is the capital of {tail}" for head, tail in SEEDS] * 8)


def test_one_head_has_one_tail_even_where_it_has_only_two_to_choose_from() -> None:
    kg = graph([("Warsaw", "Poland"), ("Warsaw", "Norway")])
    assert told(ask(kg, knowing(Warsaw={"Poland": -1.0, "Norway": -1.1}))) == [("Warsaw", "Poland")]


def test_a_head_with_one_tail_to_choose_from_may_have_it() -> None:
    assert told(ask(graph([("Warsaw", "Poland")]), knowing(Warsaw={"Poland": -1.0}))) == [("Warsaw", "Poland")]


@pytest.mark.parametrize(("one_head", "expected"), [(False, {"Warsaw", "Krakow"}), (True, {"Warsaw"})])
def test_a_tail_has_one_head_where_the_card_says_so(one_head: bool, expected: set[str]) -> None:
    kg = graph([("Warsaw", "Poland"), ("Krakow", "France"), ("Gdansk", "Spain")])
    ask(kg, knowing(Warsaw={"Poland": -1.0}, Krakow={"Poland": -1.5}), dataclasses.replace(CAPITAL, inverse_functional=one_head))
    assert {head for head, tail in capitals(kg) if tail == "Poland"} == expected


def test_tails_are_chosen_near_and_never_the_head_itself() -> None:
    cities = [Entity(entity_id("city", name), name, ("city",)) for name in [f"Town {number}" for number in range(20)]]
    near = preselect(dataclasses.replace(CAPITAL, range=("city",)), cities, cities, HashingEncoder())
    assert all(head != tail for head, tail in near)
    assert {sum(head == one for head, _ in near) for one in cities} == {8}
    assert preselect(CAPITAL, [], cities, HashingEncoder()) == []


def test_only_prompts_that_end_with_the_tail_are_asked() -> None:
    assert openings(CAPITAL) == ["{head} is the capital of"]


def test_a_tail_that_follows_any_head_gains_nothing() -> None:
    plain = slot_pmi(CAPITAL, [("Warsaw", "Poland"), ("Warsaw", "France")], IGNORANT)
    assert plain == pytest.approx([0.0, 0.0])
    right, wrong = slot_pmi(CAPITAL, [("Warsaw", "Poland"), ("Warsaw", "France")], KNOWING)
    assert right > max(0.0, wrong)


def test_no_pairs_have_no_scores() -> None:
    assert slot_pmi(CAPITAL, [], KNOWING).shape == (0,)


@pytest.mark.parametrize("name", ["{tail}", "{head}", "<script>", "'; DROP", "שלום", "😀"])
def test_names_that_look_like_slots_or_code_are_only_names(name: str) -> None:
    kg = graph([*KNOWN, (f"{name} City", f"{name} Land")])
    report = ask(kg)
    assert set(KNOWN) <= capitals(kg)
    assert report.receipt.refused == ()
