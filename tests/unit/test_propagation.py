"""Messages over distinct pairs: the same sums as edge by edge, the same slopes, with and without some of the edges."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from torch import Tensor

from reasoning.models.propagation import Graph, both_ways, cut, propagate

NODES, KINDS = 6, 3
Edges = list[tuple[int, int, int]]
edges = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, KINDS - 1), st.integers(0, NODES - 1)), max_size=25)


def graph_of(rows: Iterable[tuple[int, int, int]]) -> Graph:
    """Of receiver, kind, sender."""
    receivers, kinds, senders = np.array(list(rows), dtype=np.int64).reshape(-1, 3).T
    return Graph.of(receivers, kinds, senders, NODES, KINDS)


def tables(batch: int, lights: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    made = [torch.randn(rows, width, 2, generator=generator, dtype=torch.float64) for rows, width in ((NODES, batch), (KINDS, lights))]
    return made[0].requires_grad_(), made[1].requires_grad_()


def edge_by_edge(states: Tensor, relations: Tensor, rows: Iterable[tuple[int, int, int]]) -> Tensor:
    heard = [0.0 * states[0] * relations[0]] * NODES
    for receiver, kind, sender in sorted(set(rows)):
        heard[receiver] = heard[receiver] + states[sender] * relations[kind]
    return torch.stack(heard)


@given(edges, st.integers(1, 3), st.booleans())
def test_a_node_hears_every_edge_once(rows: Edges, batch: int, alike: bool) -> None:
    states, relations = tables(batch, 1 if alike else batch)
    received, expected = propagate(states, relations, graph_of(rows)), edge_by_edge(states, relations, rows)
    torch.testing.assert_close(received, expected)
    weight = torch.arange(received.numel(), dtype=torch.float64).view_as(received)
    slopes, wanted = (torch.autograd.grad((sums * weight).sum(), [states, relations]) for sums in (received, expected))
    torch.testing.assert_close(slopes, wanted)


@pytest.mark.parametrize("lights", [1, 3])
def test_slopes_are_those_of_small_differences(lights: int) -> None:
    rng = np.random.default_rng(0)
    graph = graph_of([tuple(row) for row in rng.integers((NODES, KINDS, NODES), size=(20, 3)).tolist()])
    assert torch.autograd.gradcheck(lambda states, relations: propagate(states, relations, graph), tables(3, lights))


@given(edges, edges)
def test_edges_taken_out_are_as_if_they_had_never_been(rows: Edges, out: Edges) -> None:
    columns = torch.tensor(out, dtype=torch.int64).view(-1, 3).T
    left = graph_of(rows).without(*columns)
    states, relations = tables(2, 2)
    rest = [row for row in rows if row not in out]
    again, fresh = (propagate(states, relations, graph) for graph in (left, graph_of(rest)))
    torch.testing.assert_close(again, fresh)
    slopes, wanted = (torch.autograd.grad(sums.square().sum(), [states, relations]) for sums in (again, fresh))
    torch.testing.assert_close(slopes, wanted)
    first, *more = [left.without(*columns[:, :half]).without(*columns[:, half:]) for half in (0, len(out) // 2)]
    assert all(torch.equal(first.edges, other.edges) and len(other.edges) == len(set(rest)) for other in more)


def test_a_fact_is_taken_out_both_ways() -> None:
    facts = np.array([(0, 0, 1), (1, 0, 2), (2, 1, 0)])
    left = cut(both_ways(facts, 3, 2), torch.tensor([(1, 0, 2)]), 2)
    states, relations = torch.randn(3, 1, 2), torch.randn(4, 1, 2)
    torch.testing.assert_close(propagate(states, relations, left), propagate(states, relations, both_ways(facts[[0, 2]], 3, 2)))


def test_a_head_hears_of_its_tail_by_the_relation() -> None:
    states, relations = torch.tensor([[[2.0]], [[3.0]]]), torch.tensor([[[5.0]], [[7.0]]])
    received = propagate(states, relations, both_ways(np.array([(0, 0, 1)]), 2, 1))
    assert received.flatten().tolist() == [15.0, 14.0]
