"""The shape of a graph: exact on small graphs, as theory says on published generators, and kept while it grows."""

from __future__ import annotations

import json
import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplatform.analysis import dynamics
from kgplatform.analysis.dynamics import Dynamics, Following, Recorder, measure
from kgplatform.analysis.simple import Simple, walked
from kgplatform.analysis.structure import between, law, structure
from kgplatform.errors import BadFile
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView


def view(*pairs: tuple[int, int]) -> GraphView:
    """Entities that are linked."""
    named = [[Entity(EntityId(f"n{place}"), f"n{place}") for place in pair] for pair in pairs]
    return GraphView.of(Fact(fact_key("links", a.id, b.id), a, "links", b, 1.0, 1.0) for a, b in named)


def simple(graph: nx.Graph) -> Simple:
    return Simple.linking(list(graph.edges), graph.number_of_nodes())


GRAPHS = st.integers(1, 12).flatmap(
    lambda nodes: st.tuples(st.just(nodes), st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=30))
)


@settings(max_examples=60, deadline=None)
@given(GRAPHS)
def test_every_measure_is_that_of_networkx(made: tuple[int, list[tuple[int, int]]]) -> None:
    nodes, pairs = made
    peer = nx.Graph(pair for pair in pairs if pair[0] != pair[1])
    peer.add_nodes_from(range(nodes))
    found = measure(Simple.linking(pairs, nodes))
    told = found.dynamics
    assert (told.nodes, told.edges) == (nodes, peer.number_of_edges())
    assert told.components == nx.number_connected_components(peer)
    assert told.largest == max(map(len, nx.connected_components(peer)))
    assert told.clustering == pytest.approx(nx.average_clustering(peer))
    assert (told.transitivity or 0) == pytest.approx(nx.transitivity(peer))
    assert set(np.flatnonzero(found.parts.cuts).tolist()) == set(nx.articulation_points(peer))
    bridges = found.graph.edges[found.parts.bridges].tolist()
    assert {tuple(pair) for pair in bridges} == {tuple(sorted(pair)) for pair in nx.bridges(peer)}
    hops = [far for _, seen in nx.shortest_path_length(peer) for far in seen.values() if far]
    assert told.path_length == (pytest.approx(float(np.mean(hops))) if hops else None)
    assert told.diameter == (max(hops) if hops else None)
    assert told.sources == nodes
    expected = nx.betweenness_centrality(peer)
    assert found.walks.betweenness == pytest.approx([expected[node] for node in range(nodes)])
    degrees = {degree for pair in peer.edges for _, degree in peer.degree(pair)}
    if len(degrees) > 1:
        assert told.assortativity == pytest.approx(nx.degree_assortativity_coefficient(peer))
    else:
        assert told.assortativity is None
    parts = [set(np.flatnonzero(found.parts.community == one).tolist()) for one in np.unique(found.parts.community)]
    assert all(nx.is_connected(peer.subgraph(part)) for part in parts)
    if peer.number_of_edges():
        assert told.modularity == pytest.approx(nx.community.modularity(peer, parts))


def test_a_grown_graph_has_the_exponent_of_preferential_attachment() -> None:
    """Barabási and Albert (1999): p(k) ~ k^-3, and shortest paths of about ln n / ln ln n."""
    found = measure(simple(nx.barabasi_albert_graph(5_000, 3, seed=1))).dynamics
    assert found.exponent == pytest.approx(3, abs=0.3)
    assert found.against_lognormal_p is not None
    assert found.path_length == pytest.approx(math.log(5_000) / math.log(math.log(5_000)), rel=0.25)
    assert found.cuts == 0


def test_a_random_graph_clusters_as_its_density() -> None:
    """Erdős and Rényi: clustering p, paths of ln n / ln k, no order of degrees at the ends; Poisson degrees are no power law."""
    nodes, p = 3_000, 0.004
    graph = simple(nx.fast_gnp_random_graph(nodes, p, seed=2))
    found = measure(graph).dynamics
    assert found.clustering == pytest.approx(p, abs=0.002)
    assert found.path_length == pytest.approx(math.log(nodes) / math.log(nodes * p), rel=0.15)
    assert found.assortativity == pytest.approx(0, abs=0.05)
    assert found.small_world == pytest.approx(1, abs=0.4)
    fitted = law(graph.degree)
    assert fitted is not None
    assert fitted.ratio < 0


def test_a_small_world_is_one() -> None:
    """Watts and Strogatz (1998): clustering about 3(k-2)/4(k-1) · (1-β)³, and paths nearly as short as a random graph's."""
    found = measure(simple(nx.watts_strogatz_graph(2_000, 10, 0.1, seed=3))).dynamics
    assert found.clustering == pytest.approx(3 * 8 / (4 * 9) * 0.9**3, rel=0.05)
    assert found.small_world is not None
    assert found.small_world > 20


def test_communities_are_found_and_what_lies_between_them() -> None:
    caves = nx.connected_caveman_graph(6, 8)
    graph = simple(caves)
    parts = structure(graph, seed=1)
    assert parts.communities == 6
    assert parts.modularity is not None
    assert parts.modularity > 0.7
    inner = {int(one) for one in np.flatnonzero(between(graph, parts.community))}
    links = [pair for pair in caves.edges if parts.community[pair[0]] != parts.community[pair[1]]]
    assert inner == {node for pair in links for node in pair}


def test_a_sample_estimates_what_all_would_tell() -> None:
    graph = simple(nx.barabasi_albert_graph(1_500, 3, seed=4))
    exact = walked(graph, np.arange(1_500))
    some = walked(graph, np.random.default_rng(0).permutation(1_500)[:200])
    hub = int(np.argmax(exact.betweenness))
    assert some.betweenness[hub] == pytest.approx(exact.betweenness[hub], rel=0.15)
    assert some.mean == pytest.approx(exact.mean, rel=0.03)
    assert some.farthest is not None
    assert exact.farthest is not None
    assert some.farthest <= exact.farthest


def test_the_same_graph_and_seed_give_the_same_figures() -> None:
    graph = simple(nx.barabasi_albert_graph(2_000, 2, seed=5))
    assert measure(graph, 7).dynamics == measure(graph, 7).dynamics


@pytest.mark.parametrize("nodes", [0, 1, 3])
def test_nothing_to_measure_is_no_figure(nodes: int) -> None:
    told = measure(Simple.linking(np.zeros((0, 2)), nodes)).dynamics
    assert (told.nodes, told.edges, told.components, told.path_length, told.exponent) == (nodes, 0, nodes, None, None)
    assert (told.modularity, told.assortativity, told.small_world) == (None, None, None)


def test_what_is_recorded_goes_on_after_a_kill(tmp_path: Path) -> None:
    """A run that goes on from its file ends with the same file as one that was never stopped; an iteration done again replaces it."""
    facts = list(nx.connected_caveman_graph(5, 6).edges)
    steps = [view(*facts[:20]), view(*facts[:45]), view(*facts)]
    whole, parts = tmp_path / "whole" / "dynamics.jsonl", tmp_path / "parts" / "dynamics.jsonl"
    recorder = Recorder(whole)
    for number, seen in enumerate(steps):
        recorder.add(number, seen)
    Recorder(parts).add(0, steps[0])
    Recorder(parts).add(1, steps[2])
    for number in (1, 2):
        Recorder(parts).add(number, steps[number])
    assert parts.read_text() == whole.read_text()
    told = dynamics.read(whole)
    assert [number for number, _ in told] == [0, 1, 2]
    assert [one.nodes for _, one in told] == [len(seen.entities) for seen in steps]
    assert told[0][1].between_stayed is None
    assert isinstance(told[2][1], Dynamics)


def test_a_graph_that_grows_is_followed_closely_though_not_all_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.array(nx.connected_watts_strogatz_graph(400, 6, 0.05, seed=1).edges)
    whole = whole[np.argsort(whole.max(axis=1), kind="stable")]

    def grown(count: int) -> Simple:
        return Simple.linking(whole[:count], int(whole[:count].max()) + 1)

    following = Following()
    assert following.measure(grown(600)).dynamics == measure(grown(600)).dynamics
    monkeypatch.setattr(dynamics, "SMALL", 0)
    following.measure(grown(1_000))
    for count in (1_002, 1_008, 1_015):
        kept, anew = following.measure(grown(count)).dynamics, measure(grown(count)).dynamics
        assert (kept.nodes, kept.edges, kept.cuts, kept.clustering) == (anew.nodes, anew.edges, anew.cuts, anew.clustering)
        assert kept.modularity == pytest.approx(anew.modularity, abs=0.02)
        assert kept.path_length == pytest.approx(anew.path_length, rel=0.03)
    assert following.measure(grown(1_100)).dynamics == measure(grown(1_100)).dynamics


def test_how_long_entities_stay_between_communities_is_told(tmp_path: Path) -> None:
    cave = view(*nx.connected_caveman_graph(4, 6).edges)
    recorder = Recorder(tmp_path / "d.jsonl")
    for number in range(3):
        told = recorder.add(number, cave)
    assert (told.between_stayed, told.between_age) == (1, 2)


def test_a_record_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps({"iteration": 1}) + "\n")
    with pytest.raises(BadFile, match="line 1"):
        dynamics.read(path)
