"""What diffusion prunes and proposes again and again goes to review as evidence, and can be taken back."""

from __future__ import annotations

import numpy as np
import pytest

from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Source, SourceId
from kgplatform.view import GraphView
from reasoning.recommend.feedback import Cleaning, earlier, feedback, prediction, related, source_of, to_claims, weights
from reasoning.recommend.reading import Facts
from tests.unit.test_recommend import tastes

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from reasoning import predict
from reasoning.calibrate import calibrated
from reasoning.candidates import Cards
from tests.unit.test_diffkg import ITEMS, TASTES, graph, model

FALSE, FIRST, LAST = 8, 100, 105
TRUE = 3 * ITEMS
"""Facts of the graph before its false ones."""


@pytest.fixture(scope="module")
def cleanings() -> list[Cleaning]:
    one, found = model(graph(false=FALSE), kept=0.5, lam=0.0, rate=0.01), []
    for epoch in range(1, LAST + 1):
        one.epoch_begins(epoch)
        if epoch >= FIRST:
            found.append(Cleaning.of(one))
    return found


def test_what_most_cleanings_agree_on_is_told_the_least_believed_first() -> None:
    def cleaning(pruned: list[int], behind: list[float], pairs: list[tuple[int, int]], belief: list[float]) -> Cleaning:
        return Cleaning(np.array(pruned), np.array(behind), np.array(pairs, np.int64).reshape(-1, 2), np.array(belief))

    found = feedback(
        [
            cleaning([3, 5, 9], [0.1, 0.5, 0.9], [(1, 4), (2, 3)], [0.2, 0.6]),
            cleaning([3, 5], [0.3, 0.5], [(2, 3)], [0.8]),
            cleaning([5, 3], [0.5, 0.2], [], []),
            cleaning([7, 3], [0.1, 0.2], [(2, 3), (0, 6)], [1.0, 0.9]),
            cleaning([3, 5], [0.2, 0.5], [(0, 1)], [0.1]),
        ]
    )
    assert found.cleanings == 5
    assert found.pruned.tolist() == [5, 3]  # 7 and 9 were pruned once
    assert found.share.tolist() == [0.8, 1.0]
    assert found.behind.tolist() == pytest.approx([0.5, 0.2])
    assert found.pairs.tolist() == [[2, 3]]
    assert (found.repeated.tolist(), found.belief.tolist()) == ([0.6], pytest.approx([0.8]))


def test_false_facts_are_pruned_again_and_again_oftener_than_true_ones(cleanings: list[Cleaning]) -> None:
    found = feedback(cleanings)
    false = found.pruned >= TRUE
    assert false.sum() / FALSE > 1.5 * (~false).sum() / TRUE
    assert found.behind[false].mean() > found.behind[~false].mean()
    assert (np.diff(found.behind) <= 0).all()


def test_pairs_that_are_proposed_repeatedly_have_no_fact(cleanings: list[Cleaning]) -> None:
    found = feedback(cleanings)
    assert len(found.pairs)
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    there = {frozenset((head, tail)) for head, _, tail in graph(false=FALSE).triples.tolist()}
    assert not {frozenset(pair) for pair in found.pairs.tolist()} & there
    assert (found.repeated >= 0.5).all()


def test_a_single_cleaning_or_none_says_nothing(cleanings: list[Cleaning]) -> None:
    with pytest.raises(BadRequest, match="shows in 2 cleanings or more, not in 1"):
        feedback(cleanings[:1])
    with pytest.raises(BadRequest, match="often is a share of the cleanings: above 0, at most 1, not 80"):
        feedback(cleanings, often=80)
    with pytest.raises(BadRequest, match="has not cleaned its graph yet"):
        Cleaning.of(model())


# -- in a graph --------------------------------------------------------------------------------------


def stored(facts: Facts) -> KnowledgeGraph:
    kg = KnowledgeGraph(MemoryStore())
    said = (Evidence("import", Source(SourceId("import:x"), "import"), score=0.9),)
    things = [Entity(entity_id("thing", f"thing {n:02}"), f"thing {n:02}", ("thing",)) for n in range(facts.entities)]
    kg.put([Claim(things[head], facts.relations[relation], things[tail], said) for head, relation, tail in facts.triples.tolist()])
    return kg


def test_belief_in_what_is_pruned_is_lowered_with_the_reason_and_given_back() -> None:
    kg = stored(graph(false=FALSE))
    view = GraphView.of(kg.facts())
    facts = Facts(view.triples, len(view.entities), view.relations, ITEMS - 1 - np.arange(ITEMS))
    one, found = model(facts, tastes(), lam=0.0), []
    for epoch in range(1, 5):
        one.epoch_begins(epoch)
        found.append(Cleaning.of(one))
    told = feedback(found)
    held = kg.facts_at([view.keys[place] for place in told.pruned.tolist()])
    doubted = [held.get(view.keys[place]) for place in told.pruned.tolist()]
    against = weights(told)
    assert (np.diff(against) <= 0).all()
    assert 0 <= against[-1] < against[0] <= 3
    kg.put(to_claims(told, [doubted[0], None, *doubted[2:]], view.revision))
    lowered = {fact.key: fact for fact in kg.facts(status="all") if fact.confidence < fact.trust}
    assert set(lowered) == {fact.key for place, fact in enumerate(doubted) if fact and against[place] > 0 and place != 1}
    piece = next(reason.evidence for reason in kg.explain(doubted[0] or "").reasons if reason.evidence.method == "graph")
    assert "of 4 cleanings" in dict(piece.detail)["pruned"]
    assert GraphView.of(kg.facts()).revision == view.revision  # no graph model learns from this
    sources = [source for fact in kg.facts(status="all") for source in fact.sources]
    assert earlier(sources, view.revision) == []
    assert earlier(sources, "later") == [source_of(view.revision)]
    kg.forget(source_of(view.revision))
    assert not any(fact.confidence < fact.trust for fact in kg.facts(status="all"))
    with pytest.raises(BadRequest, match="but 0 are given"):
        to_claims(told, [], view.revision)


def test_a_link_predictor_says_which_relation_a_proposed_pair_has() -> None:
    whole, (item, genre) = graph(), (ITEMS - 1, ITEMS + TASTES)
    missing = (whole.triples == (item, 1, genre)).all(axis=1)
    assert missing.sum() == 1
    left = np.concatenate([whole.triples[~missing], [(item, 1, genre + 2)]])  # it is of another genre too
    kg = stored(Facts(left, whole.entities, whole.relations, whole.of_item))
    view, cards = GraphView.of(kg.facts()), Cards({}, {})
    judged = calibrated(view, cards, view.triples)
    makers = ITEMS, ITEMS + 1
    triples, odds = related(np.array([makers, (item, genre), (item, genre + 1)]), judged, view, cards, view.triples)
    assert sorted(triples.tolist()) == [[item, 1, genre], [item, 1, genre + 1]]  # two makers stand in no relation
    assert np.isfinite(odds).all()
    assert odds[0] >= odds[1]
    claims = predict.to_claims(prediction(triples[:1], odds[:1], judged, view))
    kg.put(claims)
    (fact,) = kg.facts(status="predicted")
    assert (fact.head.name, fact.relation, fact.tail) == (f"thing {item:02}", "of genre", view.entities[triples[0, 2]])
    assert earlier(fact.sources, "later") == [claims[0].evidence[0].source.id]
    empty, none = related(np.array([makers]), judged, view, cards, view.triples)
    assert (empty.shape, none.shape) == ((0, 3), (0,))
