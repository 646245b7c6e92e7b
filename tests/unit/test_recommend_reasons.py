"""Why an item is recommended: every reason is a way that is there, the best first, and what it is worth shows when it is taken away."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import log2, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Ints, Reals
from reasoning.recommend.reading import Facts
from reasoning.recommend.reasons import FAN, Adjacency, Reason, heeded, reasons
from reasoning.recommend.serving import served
from reasoning.recommend.splitting import Parts, parted
from tests.unit.test_recommend import tastes

pytest.importorskip("torch")

import torch

from reasoning.recommend.counterfactual import without_facts, without_items
from reasoning.recommend.models.diffkg import DiffKG
from reasoning.recommend.models.kgat import KGAT
from reasoning.recommend.training import Settings, train
from tests.unit.test_diffkg import ITEMS, TASTES, graph, model

# -- a small world -----------------------------------------------------------------------------------

ALIEN, AVATAR, TITANIC, HEAT, CAMERON, WEAVER, FILM, PACINO = range(8)
DIRECTED, WROTE, PLAYS, IS = range(4)
WORLD = np.array(
    [
        (CAMERON, DIRECTED, ALIEN),
        (CAMERON, DIRECTED, AVATAR),
        (CAMERON, WROTE, AVATAR),
        (WEAVER, PLAYS, ALIEN),
        (WEAVER, PLAYS, AVATAR),
        (CAMERON, DIRECTED, TITANIC),
        (PACINO, PLAYS, HEAT),
        *((film, IS, FILM) for film in (ALIEN, AVATAR, TITANIC, HEAT)),
    ]
)


def world(confidence: Reals | None = None, own: tuple[int, ...] = (ALIEN, HEAT), attention: Reals | None = None) -> tuple[Reason, ...]:
    believed = np.ones(len(WORLD)) if confidence is None else confidence
    return reasons(Adjacency.of(WORLD, 8), believed, np.array(own), AVATAR, attention=attention)


def test_what_links_the_two_is_told_and_a_hub_comes_last() -> None:
    first, second, third = world()
    assert first.entities == (ALIEN, WEAVER, AVATAR)  # Weaver plays in these two alone
    assert first.facts == ((3, False), (4, True))
    assert second.entities == (ALIEN, CAMERON, AVATAR)
    assert third.entities[1:] == (FILM, AVATAR)
    assert (first.score, first.specificity, first.confidence, first.attention) == (1.0, 1.0, 1.0, None)
    assert third.score == pytest.approx((1 / log2(4)) ** 0.5)


def test_parallel_relations_are_several_facts_of_one_reason() -> None:
    cameron = world()[1]
    assert cameron.facts == ((0, False), (1, True))
    assert cameron.beside == ((2, True),)  # Cameron wrote it too
    assert cameron.places.tolist() == [0, 1, 2]
    doubted = np.ones(len(WORLD))
    doubted[1] = 0.5
    cameron = world(doubted)[1]
    assert (cameron.facts, cameron.beside) == (((0, False), (2, True)), ((1, True),))


def test_what_the_model_heeds_comes_first() -> None:
    attention = np.full(2 * len(WORLD), 0.2)
    attention[[len(WORLD) + 0, len(WORLD) + 1]] = 0.8  # both films heed that Cameron directed them
    first = world(attention=attention)[0]
    assert first.entities == (ALIEN, CAMERON, AVATAR)
    assert first.attention == pytest.approx(0.8)
    assert first.score == pytest.approx((0.8 * first.specificity) ** (1 / 3))


def test_a_fact_between_the_two_is_a_reason_of_its_own() -> None:
    triples = np.array([(0, 0, 1), (1, 1, 0), (0, 2, 0), (2, 0, 0), (2, 0, 1)])
    found = reasons(Adjacency.of(triples, 3), np.array([0.5, 0.9, 1.0, 0.4, 1.0]), np.array([0, 0, -1]), 1)
    assert [reason.entities for reason in found] == [(0, 1), (0, 2, 1)]
    assert (found[0].facts, found[0].beside) == (((1, False),), ((0, True),))
    assert found[0].score == pytest.approx(0.9**0.5)


def test_nothing_links_them_or_nobody_asks() -> None:
    assert world(own=()) == world(own=(-1,)) == world(own=(AVATAR,)) == ()
    adjacency = Adjacency.of(WORLD, 8)
    assert reasons(adjacency, np.ones(len(WORLD)), np.array([ALIEN]), -1) == ()
    assert reasons(adjacency, np.zeros(len(WORLD)), np.array([ALIEN]), AVATAR) == ()
    assert reasons(Adjacency.of(np.zeros((0, 3), np.int64), 2), np.zeros(0), np.array([0]), 1) == ()


def test_what_does_not_fit_the_graph_is_said() -> None:
    adjacency = Adjacency.of(WORLD, 8)
    with pytest.raises(BadRequest, match="there is no entity 8: the graph has 8"):
        reasons(adjacency, np.ones(len(WORLD)), np.array([ALIEN]), 8)
    with pytest.raises(BadRequest, match="the graph has 11 facts"):
        reasons(adjacency, np.ones(3), np.array([ALIEN]), AVATAR)
    with pytest.raises(BadRequest, match="top must be at least 1"):
        reasons(adjacency, np.ones(len(WORLD)), np.array([ALIEN]), AVATAR, top=0)
    with pytest.raises(BadRequest, match="a triple names an entity beyond the 7"):
        Adjacency.of(WORLD, 7)


def test_a_hub_with_more_facts_than_are_looked_at_hides_no_specific_reason() -> None:
    """Everything is of the hub, and one maker has made the two that matter: ``own``'s neighbour and the goal's."""
    many = 3 * FAN
    hub, maker, own, goal, part = many, many + 1, 0, 1, many + 2
    triples = [(one, 0, hub) for one in range(many)] + [(maker, 1, own), (maker, 1, part), (part, 2, goal), (hub, 3, part)]
    first, second = reasons(Adjacency.of(np.array(triples), many + 3), np.ones(len(triples)), np.array([own]), goal)
    assert first.entities == (own, maker, part, goal)
    assert second.entities == (own, hub, goal)
    assert second.specificity < 0.1


# -- against all ways, one by one --------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> tuple[Ints, Reals, Reals | None, Ints, int]:
    entities = draw(st.integers(2, 7))
    rows = st.tuples(st.integers(0, entities - 1), st.integers(0, 2), st.integers(0, entities - 1))
    triples = np.array(draw(st.lists(rows, max_size=20)), np.int64).reshape(-1, 3)
    levels = st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])
    confidence = np.array(draw(st.lists(levels, min_size=len(triples), max_size=len(triples))))
    shares = draw(st.none() | st.lists(levels, min_size=2 * len(triples), max_size=2 * len(triples)))
    own = np.array(draw(st.lists(st.integers(-1, entities - 1), max_size=3)), np.int64)
    return triples, confidence, None if shares is None else np.array(shares), own, entities


def neighbours(triples: Ints, entity: int) -> set[int]:
    return {tail for head, _, tail in triples.tolist() if head == entity} | {head for head, _, tail in triples.tolist() if tail == entity}


def score(triples: Ints, confidence: Reals, attention: Reals | None, entities: tuple[int, ...], edges: tuple[int, ...]) -> float:
    """As the words of the module have it."""
    facts, steps = len(triples), len(edges)
    believed = prod(confidence[edge % facts] for edge in edges)
    specific = prod(1 / log2(max(2, len(neighbours(triples, one) - {one}))) for one in entities[1:-1])
    if attention is None:
        return float((believed * specific) ** 0.5)
    shares = []
    for step, edge in enumerate(edges):
        begins, ends = attention[edge], attention[(edge + facts) % (2 * facts)]
        middle = steps == 1 or 0 < step < steps - 1
        shares.append(max(begins, ends) if middle else begins if step == 0 else ends)
    return float((believed * specific * prod(shares) ** (1 / steps)) ** (1 / 3))


Way = tuple[tuple[int, ...], tuple[int, ...]]
"""Entities, and the edges between them."""


def ways(triples: Ints, own: Ints, goal: int) -> list[Way]:
    """Every way of up to three facts, no entity twice and none of the user's on the way."""
    facts, mine = len(triples), {one for one in own.tolist() if one >= 0} - {goal}
    edges = [(head, place, tail) for place, (head, _, tail) in enumerate(triples.tolist())]
    edges += [(tail, place + facts, head) for head, place, tail in edges]
    found: list[Way] = []
    open_: list[Way] = [((one,), ()) for one in sorted(mine)]
    for _ in range(3):
        longer: list[Way] = [((*seen, end), (*walked, edge)) for seen, walked in open_ for begin, edge, end in edges if begin == seen[-1]]
        open_ = [(seen, walked) for seen, walked in longer if seen[-1] not in mine | set(seen[:-1])]
        found += [way for way in open_ if way[0][-1] == goal]
        open_ = [way for way in open_ if way[0][-1] != goal]
    return found


@given(cases())
def test_each_is_a_way_that_is_there_and_the_best_of_all_is_first(case: tuple[Ints, Reals, Reals | None, Ints, int]) -> None:
    triples, confidence, attention, own, entities = case
    goal = entities - 1
    found = reasons(Adjacency.of(triples, entities), confidence, own, goal, attention=attention, top=100)
    for reason in found:
        assert reason.start in own.tolist()
        assert reason.entities[-1] == goal
        assert len(set(reason.entities)) == len(reason.entities) == len(reason.facts) + 1 <= 4
        for (one, other), (place, forwards) in zip(pairwise(reason.entities), reason.facts, strict=True):
            assert tuple(triples[place, [0, 2]] if forwards else triples[place, [2, 0]]) == (one, other)
        steps = {frozenset(pair) for pair in pairwise(reason.entities)}
        between = [place for place, (head, _, tail) in enumerate(triples.tolist()) if {head, tail} in steps]
        assert sorted(reason.places.tolist()) == between
    inner = [one for reason in found for one in reason.entities[1:-1]]
    assert len(inner) == len(set(inner))
    told = [reason.score for reason in found]
    assert told == sorted(told, reverse=True)
    every = [(score(triples, confidence, attention, *way), way[0]) for way in ways(triples, own, goal)]
    assert max(told, default=0.0) == pytest.approx(max((value for value, _ in every), default=0.0))
    for value, seen in every:  # whatever is not told is no better than what is told of the same entities
        rivals = [reason.score for reason in found if set(reason.entities[1:-1]) & set(seen[1:-1]) or reason.entities == seen]
        assert value == 0 or value <= max(rivals) + 1e-9


@given(cases(), st.data())
def test_a_fact_that_is_not_believed_raises_nothing_and_is_walked_no_more(
    case: tuple[Ints, Reals, Reals | None, Ints, int], data: st.DataObject
) -> None:
    triples, confidence, attention, own, entities = case
    adjacency, goal = Adjacency.of(triples, entities), entities - 1
    place = data.draw(st.integers(0, max(0, len(triples) - 1)))
    doubted = np.where(np.arange(len(triples)) == place, 0.0, confidence)
    before, after = (reasons(adjacency, values, own, goal, attention=attention, top=100) for values in (confidence, doubted))
    assert all(place != walked for reason in after for walked, _ in reason.facts)
    was = {reason.entities: reason.score for reason in before}
    assert all(reason.score <= was.get(reason.entities, 1.0) + 1e-12 for reason in after)
    assert max([reason.score for reason in after], default=0.0) <= max([*was.values()], default=0.0) + 1e-12


def test_arrays_in_mapped_files_do_as_well(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    adjacency = Adjacency.of(WORLD, 8)
    mapped = {}
    for name in ("begins", "edges", "others", "degree"):
        np.save(tmp_path / f"{name}.npy", getattr(adjacency, name))
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    assert reasons(Adjacency(adjacency.facts, **mapped), np.ones(len(WORLD)), np.array([ALIEN, HEAT]), AVATAR) == world()


# -- what a model says -------------------------------------------------------------------------------


def test_attention_of_a_model_is_shared_by_the_facts_of_each_entity() -> None:
    facts = graph()
    one = model(facts)
    share = heeded(one)
    assert len(share) == 2 * len(facts.triples)
    ends = np.concatenate([facts.triples[:, 0], facts.triples[:, 2]])
    sums = np.bincount(ends, share, minlength=facts.entities)
    np.testing.assert_allclose(sums[np.unique(ends)], 1.0, atol=1e-5)
    found = reasons(Adjacency.of(facts.triples, facts.entities), np.ones(len(facts.triples)), facts.of_item[[0]], 35, attention=share)
    assert found
    assert all(reason.attention is not None and 0 < reason.attention < 1 for reason in found)


# -- what a reason is worth --------------------------------------------------------------------------

COLD = ITEMS - 1
"""Nobody took it while learning: its maker alone says whom it is for."""


@pytest.fixture(scope="module")
def told() -> tuple[Parts, Facts]:
    """Every item has its taste's maker, and a shelf that says nothing."""
    parts = parted(tastes(80, ITEMS, seed=3), valid=0.2, test=0.2)
    learned = parts.train.only(parts.train.pairs[:, 1] != COLD)
    item, taste = np.arange(ITEMS), np.arange(ITEMS) % TASTES
    made = np.stack([item, np.zeros(ITEMS, np.int64), ITEMS + taste], axis=1)
    shelved = np.stack([item, np.ones(ITEMS, np.int64), ITEMS + TASTES + item % 7], axis=1)
    return replace(parts, train=learned), Facts(np.concatenate([made, shelved]), ITEMS + TASTES + 7, ("made by", "stands on"), item)


@pytest.mark.parametrize("name", ["kgat", "diffkg"])
def test_without_the_way_that_carries_it_an_item_falls_and_without_another_it_does_not(name: str, told: tuple[Parts, Facts]) -> None:
    parts, facts = told
    trained = train(parts, Settings(model=name, dim=16, epochs=20, batch=128, rate=0.03), facts).model
    assert isinstance(trained, KGAT)
    with torch.no_grad():  # nobody took it, so what it has of its own is chance
        trained.item[COLD] = trained.entity[COLD] = 0.0
    shown = served(trained, parts.train, {})
    adjacency, maker = Adjacency.of(facts.triples, facts.entities), ITEMS + COLD % TASTES
    fell, others, lost = [], [], []
    for user in range(COLD % TASTES, 40, TASTES):
        own = parts.train.pairs[parts.train.pairs[:, 0] == user, 1]
        found = reasons(adjacency, np.ones(len(facts.triples)), facts.of_item[own], COLD, attention=heeded(trained))
        through = next(reason for reason in found if maker in reason.entities)
        (change,) = without_facts(shown, trained, own, COLD, [through.places])
        assert change.left_out == "facts"
        fell.append((change.before, change.after))
        far = np.flatnonzero((facts.triples[:, 0] % TASTES != COLD % TASTES) & (facts.triples[:, 1] == 0))[:2]
        (other,) = without_facts(shown, trained, own, COLD, [far])
        assert other.before == change.before
        lost.append((change.lost, abs(other.lost)))
        others.append(abs(other.after - other.before))
    carried, unrelated = np.array(lost).mean(axis=0)
    assert unrelated < carried / 5
    before, after = np.array(fell).mean(axis=0)
    assert after > before + 0.5  # by one to four places, with whatever seed
    assert np.mean(others) < 0.3
    by_it, by_another = np.array(lost).mean(axis=0)
    assert by_another < by_it / 5


def test_asking_changes_nothing_in_the_model(told: tuple[Parts, Facts]) -> None:
    parts, facts = told
    one = DiffKG(parts.train, facts, 8, torch.Generator().manual_seed(0)).train()
    state = {key: value.clone() for key, value in one.state_dict().items()}
    shown, own = served(one.eval(), parts.train, {}), parts.train.pairs[parts.train.pairs[:, 0] == 0, 1]
    one.train()
    first, again = (without_facts(shown, one, own, COLD, [np.array([0]), np.array([], np.int64)]) for _ in range(2))
    assert first == again
    assert first[1].lost == pytest.approx(0, abs=1e-6)
    assert first[1].before == first[1].after
    assert one.training
    assert all(torch.equal(state[key], value) for key, value in one.state_dict().items())
    assert all(value.grad is None for value in one.parameters())


def test_a_model_that_reads_no_graph_is_asked_without_the_item(told: tuple[Parts, Facts]) -> None:
    parts, facts = told
    known, user = parts.train, 3
    shown = served(train(parts, Settings(dim=16, epochs=16, batch=128, rate=0.03)).model, known, {})
    own = known.pairs[known.pairs[:, 0] == user, 1]
    unseen = np.setdiff1d(np.arange(ITEMS), own)
    item = int(unseen[unseen % TASTES == user % TASTES][0])
    way = reasons(Adjacency.of(facts.triples, facts.entities), np.ones(len(facts.triples)), facts.of_item[own], item)[0]
    begins = own[facts.of_item[own] == way.start]
    (change,) = without_items(shown, own, item, [begins])
    assert change.left_out == "item"
    for rank, some in ((change.before, own), (change.after, np.setdiff1d(own, begins))):
        scores = shown.scores(shown.history(some))[0]
        assert rank == (scores[unseen] >= scores[item]).sum()
    liked = own[own % TASTES == item % TASTES]
    one, many, every = without_items(shown, own, item, [liked[:1], liked[1:], own])
    assert many.lost > one.lost
    assert every.after == len(unseen)  # who has nothing likes everything alike
    with pytest.raises(BadRequest, match="reason 1 begins at nothing that was taken"):
        without_items(shown, own, item, [unseen[:1]])
    for wrong in (-1, ITEMS):
        with pytest.raises(BadRequest, match="the recommender knows 40"):
            without_items(shown, own, wrong, [])
