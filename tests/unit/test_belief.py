"""Belief: one additive law, the same in any order."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform import belief
from kgplatform.belief import Calibration
from kgplatform.types import Evidence, Method, Source, SourceId

PIECES = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "graph"]), st.integers(-16_384, 16_384)), max_size=12)
METHODS: tuple[Method, ...] = ("import", "text", "memory", "review", "graph")


@given(PIECES, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(pieces: list[tuple[str, int]], chosen: random.Random) -> None:
    shuffled = chosen.sample(pieces, len(pieces))
    assert belief.believe(-1024, shuffled + pieces) == belief.believe(-1024, pieces)


@given(PIECES)
def test_a_group_counts_once_by_its_strongest(pieces: list[tuple[str, int]]) -> None:
    expected = -1024
    for name in {name for name, _ in pieces}:
        weights = [weight for group, weight in pieces if group == name]
        top = max(map(abs, weights))
        expected += top if top in weights else -top
    assert belief.log_odds(-1024, pieces) == expected


@given(PIECES, st.integers(-4_096, 4_096))
def test_trust_leaves_graph_models_out(pieces: list[tuple[str, int]], weight: int) -> None:
    others = [piece for piece in pieces if piece[0] != belief.GRAPH]
    assert belief.believe(0, [*pieces, (belief.GRAPH, weight)]).trust == belief.believe(0, others).confidence


@given(st.sampled_from(METHODS), st.floats(allow_nan=True, allow_infinity=True))
def test_weights_are_bounded_integers(method: Method, score: float) -> None:
    weight = Calibration().weight(method, "r", score)
    assert isinstance(weight, int)
    assert abs(weight) <= 16 * belief.UNIT
    assert math.isfinite(score) or weight == 0


@given(st.sampled_from(METHODS[:3] + METHODS[4:]), st.floats(-100, 100), st.sampled_from([1.0, -1.0]))
def test_a_person_outranks_one_model(method: Method, score: float, word: float) -> None:
    table = Calibration()
    believed = belief.believe(
        table.prior_weight("r"), [("model", table.weight(method, "r", score)), ("ann", table.weight("review", "r", word))]
    )
    assert (believed.confidence > 0.5) == (word > 0)


@given(st.integers(-(10**7), 10**7))
def test_probability_is_symmetric_and_never_overflows(units: int) -> None:
    assert 0.0 <= belief.probability(units) <= 1.0
    assert belief.probability(units) == pytest.approx(1 - belief.probability(-units))


def test_all_graph_models_are_one_group_and_a_source_is_its_own() -> None:
    def piece(method: Method, source: str) -> Evidence:
        return Evidence(method, Source(SourceId(source), "graph"))

    assert belief.group(piece("graph", "a")) == belief.group(piece("graph", "b"))
    assert belief.group(piece("text", "a")) != belief.group(piece("text", "b"))


def test_where_a_fact_stands() -> None:
    assert belief.status("rejected", 0.99, ("text",)) == "rejected"
    assert belief.status("accepted", 0.01, ("graph",)) == "current"
    assert belief.status("none", 0.99, ("graph",)) == "predicted"
    assert belief.status("none", 0.5, ("text", "graph")) == "current"
    assert belief.status("none", 0.49, ("text",)) == "proposed"
