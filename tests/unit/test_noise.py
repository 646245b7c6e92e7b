"""Noise is false, of its kind and as much as asked for; measures keep the laws that people read them by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kgplatform.errors import BadRequest, ModelError
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView, Ints
from reasoning.noise import SHARES, Flags, Kind, calibration_error, detection, noisy, plain
from reasoning.split import Split, split


def parts(entities: int = 30, relations: int = 4, facts: int = 200, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    rows = {(int(h), int(r), int(t)) for h, r, t in rng.integers((entities, relations, entities), size=(facts, 3))}

    def entity(number: int) -> Entity:
        return Entity(EntityId(f"e{number:03}"), f"e{number}")

    view = GraphView.of(Fact(fact_key(f"r{r}", f"e{h:03}", f"e{t:03}"), entity(h), f"r{r}", entity(t), 1.0, 1.0) for h, r, t in rows)
    return split(view, seed=seed)


def rows(triples: Ints) -> set[tuple[int, ...]]:
    return set(map(tuple, triples.tolist()))


@given(st.integers(0, 20), st.sampled_from([0.05, 0.1, 0.15]), st.sampled_from(["uniform", "typed"]))
def test_noise_is_false_and_as_much_as_asked_for(seed: int, rate: float, kind: Kind) -> None:
    given_ = parts(seed=seed)
    made = noisy(given_, rate, kind, seed)
    true = rows(given_.known)
    assert rows(made.triples[~made.noise]) == true
    assert (~made.noise).sum() == len(true)
    added = made.triples[made.noise]
    assert len(added) == len(rows(added)) == round(rate * len(true))
    assert true.isdisjoint(rows(added))
    again = noisy(given_, rate, kind, seed)
    assert np.array_equal(again.triples, made.triples)
    assert np.array_equal(again.noise, made.noise)
    # Each differs from some fact in one place.
    pairs = [{(a, b) for *_, a, b in ((*row, *(row[place] for place in places)) for row in true)} for places in ((0, 1), (0, 2), (1, 2))]
    for row in added.tolist():
        assert any((row[a], row[b]) in known for (a, b), known in zip(((0, 1), (0, 2), (1, 2)), pairs, strict=True))


@given(st.integers(0, 20))
def test_typed_noise_fits_its_relation(seed: int) -> None:
    given_ = parts(entities=60, facts=150, seed=seed)
    slots = {(end, row[1], row[end]) for row in given_.known.tolist() for end in (0, 2)}
    made = noisy(given_, 0.15, "typed", seed)
    for row in made.triples[made.noise].tolist():
        assert {(0, row[1], row[0]), (2, row[1], row[2])} <= slots


def test_every_place_is_replaced_and_seeds_differ() -> None:
    given_ = parts(entities=200, facts=1_000)
    made, other = noisy(given_, 0.15), noisy(given_, 0.15, seed=1)
    assert rows(made.triples) != rows(other.triples)
    kept = [{(row[a], row[b]) for row in given_.known.tolist()} for a, b in ((1, 2), (0, 2), (0, 1))]
    added = made.triples[made.noise].tolist()
    for (a, b), known in zip(((1, 2), (0, 2), (0, 1)), kept, strict=True):
        assert sum((row[a], row[b]) in known for row in added) > len(added) / 5


def test_a_graph_of_one_relation_has_its_ends_replaced() -> None:
    made = noisy(parts(relations=1), 0.15)
    assert made.noise.sum() == round(0.15 * (~made.noise).sum())


@pytest.mark.parametrize("kind", ["uniform", "typed"])
def test_a_full_graph_has_no_room(kind: Kind) -> None:
    every = [(h, 0, t) for h in range(4) for t in range(4)]
    view = parts(entities=4, relations=1, facts=200).train
    full = Split(view, np.array(every)[:0], np.array(every))
    with pytest.raises(BadRequest, match="no room for 2 false facts"):
        noisy(full, 0.1, kind)


@pytest.mark.parametrize(("rate", "kind", "words"), [(0.0, "uniform", "rate"), (5, "uniform", "rate"), (0.05, "random", "uniform, typed")])
def test_noise_that_cannot_be_is_refused(rate: float, kind: Kind, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        noisy(parts(), rate, kind)


# -- measures ----------------------------------------------------------------------------------------

LABELS = st.lists(st.booleans(), min_size=2, max_size=80).map(np.array).filter(lambda noise: 0 < noise.sum() < len(noise))


def by_hand(suspicion: Ints, noise: Flags, size: int) -> float:
    """Noise among the first, over many random orders of equals."""
    rng = np.random.default_rng(0)
    return float(np.mean([noise[np.lexsort((rng.random(len(noise)), -suspicion))][:size].sum() for _ in range(3_000)]))


@given(LABELS)
def test_to_know_the_noise_is_perfect_and_to_know_its_opposite_is_worst(noise: Flags) -> None:
    best, worst = detection(noise.astype(float), noise), detection(-noise.astype(float), noise)
    assert best.auc == best.average_precision == 1.0
    assert worst.auc == 0.0
    assert all(value == 1.0 for k, value in best.precision.items() if max(1, round(len(noise) * k / 100)) <= noise.sum())


@given(LABELS)
def test_to_say_the_same_of_all_is_to_guess(noise: Flags) -> None:
    found = detection(np.ones(len(noise)), noise)
    assert found.auc == 0.5
    assert found.average_precision == pytest.approx(noise.mean())
    assert list(found.precision.values()) == pytest.approx([noise.mean()] * len(SHARES))


@given(
    LABELS.flatmap(lambda noise: st.tuples(st.just(noise), arrays.arrays(np.int64, len(noise), elements=st.integers(-4, 4)))), st.randoms()
)
def test_only_the_order_of_suspicion_counts(drawn: tuple[Flags, Ints], random: object) -> None:
    noise, suspicion = drawn
    found = detection(suspicion, noise)
    turned = np.random.default_rng(1).permutation(len(noise))
    for other in (detection(np.exp(suspicion / 2.0), noise), detection(suspicion[turned], noise[turned])):
        assert other.shape() == pytest.approx(found.shape())
    assert detection(-suspicion, noise).auc == pytest.approx(1 - found.auc)


def test_precision_and_recall_are_those_of_the_first_facts() -> None:
    rng = np.random.default_rng(3)
    noise, suspicion = rng.random(400) < 0.1, rng.integers(0, 30, size=400)
    found = detection(suspicion, noise)
    for k in SHARES:
        hits = by_hand(suspicion, noise, 4 * k)
        assert found.precision[k] == pytest.approx(hits / (4 * k), abs=0.02)
        assert found.recall[k] == pytest.approx(hits / noise.sum(), abs=0.02)
    assert list(found.shape()) == ["auc", "average_precision", *(f"{letter}@{k}%" for letter in "pr" for k in SHARES)]


def test_average_precision_is_the_textbook_one() -> None:
    # Noise at places 1, 3 and 4 of 5: (1/1 + 2/3 + 3/4) / 3.
    found = detection(np.array([5.0, 4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, True, False]))
    assert found.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_suspicion_that_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ModelError, match="not a number"):
        detection(np.array([1.0, np.nan]), np.array([True, False]))
    with pytest.raises(BadRequest, match="both"):
        detection(np.ones(2), np.array([False, False]))


def test_plain_suspicions_are_of_the_rarest() -> None:
    facts = np.array([[0, 0, 1], [0, 0, 2], [1, 0, 2], [3, 1, 0]])
    found = plain(facts)
    assert found["degree"].argmax() == 3  # entity 3 has one fact
    assert found["use in the relation"].argmax() == 3


def test_calibration_error_is_the_gap_between_said_and_so() -> None:
    noise = np.arange(100) < 30
    assert calibration_error(np.full(100, 0.3), noise) == pytest.approx(0.0)
    assert calibration_error(np.full(100, 0.8), noise) == pytest.approx(0.5)
