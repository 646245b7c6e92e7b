"""``KnowledgeGraph`` over the store in memory: asking by names, explaining, reviewing, forgetting."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from kgplatform import derivation
from kgplatform.belief import UNIT, probability
from kgplatform.errors import Ambiguous, BadCard, BadName, BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.opening import connect
from kgplatform.ports import Limits
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Method, Relation, Source, SourceId, in_words

BORN_IN = Relation("born in", inverse="birthplace of", functional=True, prompts=("{head} was born in {tail}",))
BORN_ON = Relation("born on", range=("date",), functional=True, prompts=("{head} was born on {tail}",))
MARRIED = Relation("married to", symmetric=True, prompts=("{head} is married to {tail}",))
HELD = Relation("held", key_qualifiers=("from",), prompts=("{head} held {tail}",))


def entity(kind: str, name: str, *aliases: str) -> Entity:
    return Entity(entity_id(kind, name), name, (kind,), aliases)


MARIE = entity("person", "Marie Curie", "Maria Skłodowska")
PIERRE = entity("person", "Pierre Curie")
WARSAW, PARIS = entity("city", "Warsaw"), entity("city", "Paris")
CHAIR = entity("office", "the chair of physics")


def told(score: float = 3.0, source: str = "doc:1", method: Method = "text") -> Evidence:
    return Evidence(method, Source(SourceId(source), "document"), score)


def claim(head: Entity, relation: str, tail: Entity | Literal, *evidence: Evidence) -> Claim:
    return Claim(head, relation, tail, evidence or (told(),))


@pytest.fixture
def kg() -> KnowledgeGraph:
    made = connect("memory")
    made.learn(relations=[BORN_IN, BORN_ON, MARRIED, HELD])
    made.put(
        [
            claim(MARIE, "born in", WARSAW),
            claim(MARIE, "born on", Literal("7 November 1867", "date")),
            claim(PIERRE, "married to", MARIE),
            claim(MARIE, "knows", PIERRE, told(-3.0)),
        ]
    )
    return made


# by names


@pytest.mark.parametrize(
    "text",
    [
        "born in|person:marie_curie|city:warsaw",
        "Marie Curie | born in | Warsaw",
        "maria skłodowska | born in | city:warsaw",
        "Warsaw | birthplace of | Marie Curie",
    ],
)
def test_a_fact_is_found_by_key_by_names_and_by_the_inverse(kg: KnowledgeGraph, text: str) -> None:
    assert kg.fact(text).key == "born in|person:marie_curie|city:warsaw"


@pytest.mark.parametrize("date", ["1867-11-07", "7 November 1867", "November 7, 1867"])
def test_a_value_is_found_however_it_is_written(kg: KnowledgeGraph, date: str) -> None:
    assert in_words(kg.fact(f"Marie Curie | born on | {date}").tail) == "1867-11-07"


def test_a_symmetric_fact_is_found_from_both_ends(kg: KnowledgeGraph) -> None:
    assert kg.fact("Marie Curie | married to | Pierre Curie") == kg.fact("Pierre Curie | married to | Marie Curie")


def test_a_value_without_a_card_is_found_with_its_unit_or_without(kg: KnowledgeGraph) -> None:
    kg.put([claim(MARIE, "height", Literal("160", "decimal", "cm"))])
    assert in_words(kg.fact("Marie Curie | height | 160 cm").tail) == "160 cm"
    assert kg.fact("Marie Curie | height | 160").relation == "height"


def test_a_fact_with_key_qualifiers_is_found_or_asked_about(kg: KnowledgeGraph) -> None:
    kg.put([Claim(MARIE, "held", CHAIR, (told(),), (("from", "1906"),))])
    assert dict(kg.fact("Marie Curie | held | the chair of physics").qualifiers) == {"from": "1906"}
    kg.put([Claim(MARIE, "held", CHAIR, (told(),), (("from", "1914"),))])
    with pytest.raises(Ambiguous, match=r"from=1906.*from=1914"):
        kg.fact("Marie Curie | held | the chair of physics")


def test_names_with_bars_do_not_hide_a_fact(kg: KnowledgeGraph) -> None:
    kg.put([claim(entity("thing", "a|b"), "knows", entity("thing", "c|d|e"))])
    assert kg.fact("a|b | knows | c|d|e").relation == "knows"


@pytest.mark.parametrize("text", ["", "|", "||", "|||", "Marie Curie", "x | y", "a | b | c | d", " | born in | ", "a|b|c"])
def test_what_is_no_fact_is_not_found(kg: KnowledgeGraph, text: str) -> None:
    with pytest.raises(NotFound):
        kg.fact(text)


def test_an_unknown_name_brings_near_ones(kg: KnowledgeGraph) -> None:
    with pytest.raises(NotFound, match="no entity is called 'Marie Curi'; near it: Marie Curie"):
        kg.entity("Marie Curi")


@pytest.mark.parametrize("nothing", ["", " "])
def test_an_empty_word_is_said_to_be_empty_and_how_to_mean_all(kg: KnowledgeGraph, nothing: str) -> None:
    entity, relation, source = "the name of an entity is empty", "the name of a relation is empty", "the id of a source is empty"
    asked: list[tuple[str, Callable[[], object]]] = [
        (entity, lambda: kg.entity(nothing)),
        (entity, lambda: kg.facts(head=nothing)),
        (entity, lambda: kg.facts(tail=nothing)),
        (entity, lambda: kg.neighbours(nothing)),
        (f"{relation}: give one in its own words, or leave it out to mean all", lambda: kg.facts(relation=nothing)),
        (f"{source}: give one, or leave it out to mean all", lambda: kg.facts(source=nothing)),
        (source, lambda: kg.view(source=nothing)),
    ]
    for words, ask in asked:
        with pytest.raises(NotFound, match=words):
            ask()


@pytest.mark.parametrize("given", [None, 7, {}, ["Marie Curie"]])
def test_what_is_no_text_is_said(kg: KnowledgeGraph, given: Any) -> None:
    chosen: Any = 7 if given is None else given
    asked: list[Callable[[], object]] = [
        lambda: kg.entity(given),
        lambda: kg.neighbours(given),
        lambda: kg.search(given),
        lambda: kg.fact(given),
        lambda: kg.facts(head=chosen),
        lambda: kg.facts(relation=chosen),
        lambda: kg.facts(source=chosen),
        lambda: kg.merge("Marie Curie", given),
        lambda: kg.document(given),
        lambda: kg.passages(given),
        lambda: kg.forget(given),
        lambda: kg.undo(given),
        lambda: kg.facts(after=chosen),
        lambda: kg.paths("Marie Curie", pattern=chosen),
        lambda: kg.paths([chosen], "Marie Curie"),
        lambda: connect(chosen),
    ]
    for ask in asked:
        with pytest.raises(BadRequest, match="must be text, not "):
            ask()


def test_numbers_that_can_t_be_are_said(kg: KnowledgeGraph) -> None:
    half: Any = 1.5
    asked: list[Callable[[], object]] = [
        lambda: kg.facts(limit=-1),
        lambda: kg.facts(limit=half),
        lambda: kg.search("Marie", -1),
        lambda: kg.neighbours("Marie Curie", hops=-1),
        lambda: kg.neighbours("Marie Curie", limit=-1),
        lambda: kg.passages("radium", -1),
    ]
    for ask in asked:
        with pytest.raises(BadRequest, match="must be a whole number from 0 on"):
            ask()
    for least in (5, half, None, "high"):
        with pytest.raises(BadRequest, match="least must be from 0 to 1"):
            kg.duplicates(least=cast("Any", least))
    for wrong in (-1, 0, half, None, "many"):
        given: Any = wrong
        with pytest.raises(BadRequest, match="rows must be a whole number from 1 on"):
            Limits(rows=given)
    for wrong in (0, None, float("nan")):
        given = wrong
        with pytest.raises(BadRequest, match="seconds must be a number above 0"):
            Limits(seconds=given)


def test_what_is_no_list_of_its_kind_is_said(kg: KnowledgeGraph) -> None:
    doors: dict[str, Callable[[Any], object]] = {"Claim": kg.put, "Candidate": kg.add, "Relation": kg.learn, "Kind": partial(kg.learn, [])}
    for name, door in doors.items():
        for wrong in (7, None, [None], "x"):
            with pytest.raises(BadRequest, match=rf"is no .* a list of  kgplatform\.types\.{name}"):
                door(wrong)


def test_what_chooses_no_facts_or_is_no_encoder_is_said(kg: KnowledgeGraph) -> None:
    unknown: Any = {"colour": "red"}
    for ask in (lambda: kg.facts(**unknown), lambda: kg.view(**unknown), lambda: kg.neighbours("Marie Curie", **unknown)):
        with pytest.raises(BadRequest, match="not chosen by  colour:  there are status, min_confidence, source, as_of"):
            ask()
    wrong: Any = "minilm"
    for mean in (lambda: kg.similar("radium", wrong), lambda: kg.embed(wrong), lambda: kg.duplicates(encoder=wrong)):
        with pytest.raises(BadRequest, match="'minilm' is no sentence encoder"):
            mean()


def test_a_place_that_is_none_is_said_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match=r"connect\('nosuchgraph'\): there are  memory,  snapshot:NAME  and addresses .* KG_GRAPH"):
        connect("nosuchgraph")


def test_an_ambiguous_name_brings_the_ids(kg: KnowledgeGraph) -> None:
    kg.put([claim(MARIE, "visited", Entity(EntityId("city:paris:texas"), "Paris", ("city",))), claim(MARIE, "visited", PARIS)])
    with pytest.raises(Ambiguous, match="city:paris, city:paris:texas"):
        kg.entity("Paris")
    assert kg.entity("city:paris").id == "city:paris"


def test_asking_by_the_inverses_name_is_told_the_direction(kg: KnowledgeGraph) -> None:
    with pytest.raises(BadRequest, match="'birthplace of' is the inverse of 'born in'"):
        kg.facts(relation="birthplace of")


# writing


def test_what_breaks_its_card_is_refused_with_the_reason(kg: KnowledgeGraph) -> None:
    receipt = kg.put(
        [
            claim(MARIE, "born on", WARSAW),
            claim(MARIE, "born on", Literal("some day", "date")),
            claim(MARIE, "paid", Literal("7", "money")),
            claim(MARIE, "weighs", Literal("much", "decimal")),
            claim(MARIE, "born in", PARIS, told(-1.0)),
        ]
    )
    assert receipt.new == 1
    assert [refusal.why.partition(":")[0] for refusal in receipt.refused] == [
        "the tail of 'born on' must be a value of type date, not the entity 'Warsaw'",
        "'some day' is not a value of type date",
        "'money' is not a datatype",
        "'much' is not a value of type decimal",
    ]


def test_two_writings_of_a_value_are_one_fact_also_without_a_card(kg: KnowledgeGraph) -> None:
    kg.put([claim(MARIE, "height", Literal("160", "decimal")), claim(MARIE, "height", Literal(" 160.0", "decimal"), told(source="doc:2"))])
    (fact,) = kg.facts(relation="height")
    assert fact.sources == ("doc:1", "doc:2")


def test_a_status_that_is_none_is_said_with_those_there_are(kg: KnowledgeGraph, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="'bogus' is no status of facts: there are current, "):
        kg.facts(status="bogus")  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="'zz' is no status"):
        kg.dump(tmp_path / "facts.tsv", status="zz")  # type: ignore[arg-type]
    assert not (tmp_path / "facts.tsv").exists()


@pytest.mark.parametrize("given", [[None], "abc", 7, claim(MARIE, "born in", PARIS), [("a", "b", "c")]])
def test_what_is_no_claim_is_said_and_nothing_is_put(kg: KnowledgeGraph, given: object) -> None:
    before = list(kg.facts(status="all"))
    with pytest.raises(BadRequest, match=r"facts are put as a list of  kgplatform\.types\.Claim"):
        kg.put(given)  # type: ignore[arg-type]
    assert list(kg.facts(status="all")) == before


def test_a_card_may_not_orphan_the_facts_of_its_relation(kg: KnowledgeGraph) -> None:
    kg.learn(relations=[Relation("born in", "where", inverse="birthplace of", functional=True, prompts=("{tail} bore {head}",))])
    assert kg.relations()["born in"].definition == "where"
    with pytest.raises(BadCard, match="changes symmetric, and the graph holds 1 facts"):
        kg.learn(relations=[Relation("married to", prompts=("{head} is married to {tail}",))])
    assert kg.relations()["married to"].symmetric
    kg.learn(relations=[Relation("held", prompts=("{head} held {tail}",))])
    assert kg.relations()["held"].key_qualifiers == ()


def test_the_latest_word_of_a_person_counts(kg: KnowledgeGraph) -> None:
    fact = kg.fact("Marie Curie | born in | Warsaw")
    for _ in range(20):
        assert kg.reject(fact, by="ada", why="no").verdict == "rejected"
        assert kg.accept(fact, by="ada").verdict == "accepted"
    assert sum(reason.evidence.method == "review" for reason in kg.explain(fact).reasons) == 1
    with pytest.raises(BadName):
        kg.accept(fact, by=" ")


def test_a_verdict_taken_back_leaves_the_fact_as_it_was(kg: KnowledgeGraph) -> None:
    kg.put([claim(MARIE, "born in", PARIS, told(2.0, "graph:y", "graph"))])
    for before in (kg.fact("Marie Curie | born in | Warsaw"), kg.fact("Marie Curie | born in | Paris")):
        kg.reject(before, by="ada", why="no")
        now = kg.retract(before, by="ada")
        assert (now.confidence, now.trust, now.verdict, now.judge, now.methods) == (
            before.confidence,
            before.trust,
            "none",
            "",
            before.methods,
        )
        assert all(reason.evidence.method != "review" for reason in kg.explain(now).reasons)
        with pytest.raises(BadRequest, match="'ada' has given no verdict on  Marie Curie"):
            kg.retract(before, by="ada")


def test_a_person_takes_back_only_their_own_verdict(kg: KnowledgeGraph) -> None:
    fact = kg.reject("Marie Curie | born in | Warsaw", by="ada")
    kg.accept(fact, by="bob")
    with pytest.raises(BadRequest, match="'eve'"):
        kg.retract(fact, by="eve")
    now = kg.retract(fact, by="bob")
    assert (now.verdict, now.judge) == ("rejected", "person:ada")


def test_a_verdict_on_two_facts_that_are_one_since_is_one_verdict(kg: KnowledgeGraph) -> None:
    maria = entity("person", "Maria")
    kg.put([claim(maria, "born in", WARSAW)])
    kg.accept("Marie Curie | born in | Warsaw", by="ada")
    kg.reject("Maria | born in | Warsaw", by="ada")
    merge = kg.merge("Marie Curie", "Maria", by="ada")
    assert kg.fact("Marie Curie | born in | Warsaw").verdict == "rejected"
    assert kg.fact("Marie Curie | born in | Warsaw").confidence < 0.01
    assert kg.retract("Marie Curie | born in | Warsaw", by="ada").verdict == "none"
    kg.undo(merge)
    assert kg.fact("Maria | born in | Warsaw").verdict == "rejected"


def test_what_a_merge_would_move_is_told_before(kg: KnowledgeGraph) -> None:
    for fact in list(kg.facts(head="Marie Curie", tail="Pierre Curie")):
        kg.reject(fact.key)
    before = list(kg.facts(status="all"))
    assert {fact.relation for fact in kg.moving("Marie Curie", "Pierre Curie")} == {"married to", "knows"}
    assert list(kg.facts(status="all")) == before
    kg.merge("Marie Curie", "Pierre Curie")
    for other in ("Marie Curie", "person:pierre_curie"):
        with pytest.raises(BadRequest, match="already"):
            kg.moving("Marie Curie", other)
    with pytest.raises(NotFound):
        kg.moving("Marie Curie", "Nobody")


def test_forgetting_a_source(kg: KnowledgeGraph) -> None:
    kg.put([claim(MARIE, "born in", WARSAW, told(source="doc:2"))])
    assert kg.sources() == {"doc:1": 4, "doc:2": 1}
    done = kg.forget("doc:1")
    assert (done.evidence, done.facts_removed, done.facts_kept) == (4, 3, 1)
    with pytest.raises(NotFound, match="no source 'doc:1'"):
        kg.forget("doc:1")


# explaining


def test_an_explanation_adds_up_to_the_confidence(kg: KnowledgeGraph) -> None:
    kg.put([claim(MARIE, "born in", WARSAW, told(1.5), told(-2.0, "doc:2"), told(0.5, "model:x", "memory"), told(2.0, "graph:y", "graph"))])
    explained = kg.explain("Marie Curie | born in | Warsaw")
    total = explained.prior + sum(reason.weight for reason in explained.reasons if reason.counts)
    assert math.isclose(probability(round(total * UNIT)), explained.fact.confidence, abs_tol=1e-9)
    weights = [abs(reason.weight) for reason in explained.reasons]
    assert weights == sorted(weights, reverse=True)


# reading


def test_selections(kg: KnowledgeGraph) -> None:
    assert {fact.relation for fact in kg.facts(head="Marie Curie")} == {"born in", "born on", "married to"}
    assert [fact.relation for fact in kg.facts(status="proposed")] == ["knows"]
    assert len(kg.facts(tail="Warsaw", min_confidence=0.999)) == 0
    assert list(kg.facts(head="Marie Curie").to_pandas().columns[:4]) == ["key", "head", "relation", "tail"]
    assert kg.facts(status="all").to_arrow().to_pylist() == kg.facts(status="all").to_pandas().assign(
        origin=lambda t: t.origin.map(list)
    ).to_dict("records")
    none = kg.facts(source="doc:1", as_of="1066", relation="married to", min_confidence=1.0)
    assert none.to_arrow().num_rows == len(none.to_pandas()) == 0


def test_networkx_gets_an_edge_for_each_fact_and_a_node_for_each_value(kg: KnowledgeGraph) -> None:
    kg.put([claim(PIERRE, "born on", Literal("7 November 1867", "date")), claim(MARIE, "married to", PIERRE, told(2.0, "doc:2"))])
    kg.put([claim(PIERRE, "height", Literal("170", "integer", "cm"))])
    drawn = kg.to_networkx(status="all")
    assert {key for _, _, key in drawn.edges(keys=True)} == {fact.key for fact in kg.facts(status="all")}
    assert drawn.nodes[MARIE.id] == {"name": "Marie Curie", "kinds": ("person",)}
    values = [told for _, told in drawn.nodes(data=True) if "value" in told]
    assert sorted(str(one["value"]) for one in values) == ["170", "1867-11-07", "1867-11-07"], "equal values join nobody"
    (married,) = (told for _, _, told in drawn.edges(data=True) if told["relation"] == "married to")
    (fact,) = kg.facts(relation="married to")
    assert (married["confidence"], married["status"], married["sources"]) == (fact.confidence, "current", ("doc:1", "doc:2"))
    assert kg.facts(relation="knows").to_networkx().number_of_nodes() == 0


def test_neighbours_hop_by_hop(kg: KnowledgeGraph) -> None:
    assert {fact.relation for fact in kg.neighbours("Pierre Curie")} == {"married to"}
    assert {fact.relation for fact in kg.neighbours("Pierre Curie", hops=2)} == {"married to", "born in", "born on"}
    assert len(kg.neighbours("Pierre Curie", hops=2, limit=2)) == 2
    assert "knows" in {fact.relation for fact in kg.neighbours("Pierre Curie", status="all")}


def test_a_graph_in_memory_has_no_cypher(kg: KnowledgeGraph) -> None:
    with pytest.raises(BadRequest, match="no Cypher"):
        kg.cypher("RETURN $query", query=1)


def test_files_by_text_path(kg: KnowledgeGraph, tmp_path: Path) -> None:
    assert kg.dump(str(tmp_path / "all.tsv"), status="all") == 4
    assert kg.load(str(tmp_path / "all.tsv")).receipt.new == 0


def test_a_prediction_goes_with_the_fact_that_it_rests_on(kg: KnowledgeGraph) -> None:
    said = Evidence("text", Source(SourceId("doc:x"), "document"), 3.0)
    ada, ulm, bonn, rome = (Entity(entity_id("thing", name), name) for name in ("Ada", "Ulm", "Bonn", "Rome"))
    kg.put([Claim(ada, "lived in", ulm, (said,)), Claim(ada, "worked in", bonn, (Evidence("import", Source(SourceId("f"), "import")),))])
    keys = [fact.key for fact in kg.facts(head=ada.id, status="all")]
    model = Source(SourceId("graph:complex@1"), "graph")
    for tail, rests in ((bonn, keys[:1]), (rome, keys[1:])):
        piece = Evidence("graph", model, 1.0, detail=derivation.detail("1", rests))
        kg.put([Claim(ada, "likes", tail, (piece,))])
    done = kg.forget("doc:x")
    assert (done.evidence, done.predictions) == (1, 1)
    assert [in_words(fact.tail) for fact in kg.facts(head=ada.id, status="predicted")] == ["Rome"]
