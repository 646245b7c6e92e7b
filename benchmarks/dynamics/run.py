"""Measure what it takes to measure the shape of a graph, beside networkx and igraph.

    ./dev bench dynamics [--entities 10000 100000] [--links 4] [--out FILE]

A grown (Barabási–Albert) graph of each size, with its facts as a view's arrays. Seconds are processor time of this process, with one
thread. The peers do the same: clustering, communities, articulation points, and walks from as many entities.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import networkx as nx
import numpy as np

from kgplatform.analysis.dynamics import measure
from kgplatform.analysis.simple import Simple, walked
from kgplatform.analysis.structure import between, law, structure

SLOW = 20_000
"""Entities beyond which networkx would take many minutes."""


def seconds(do: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    found = do()
    return time.process_time() - begun, found


def ours(pairs: np.ndarray, nodes: int) -> dict[str, float]:
    seconds(lambda: measure(Simple.linking(pairs[:100], int(pairs[:100].max()) + 1)))  # the libraries are loaded
    whole, found = seconds(lambda: measure(Simple.linking(pairs, nodes)))
    graph = Simple.linking(pairs, nodes)
    parts, made = seconds(lambda: structure(graph))
    chosen = np.arange(found.dynamics.sources)
    return {
        "whole": whole,
        "communities, clustering, cuts": parts,
        "walks": seconds(lambda: walked(graph, chosen))[0],
        "law of degrees": seconds(lambda: law(graph.degree))[0],
        "between": seconds(lambda: between(graph, made.community))[0],
        "sources": found.dynamics.sources,
    }


def peers(graph: nx.Graph, sources: int) -> dict[str, float]:
    def by_networkx() -> None:
        nx.average_clustering(graph)
        nx.community.louvain_communities(graph, seed=1)
        list(nx.articulation_points(graph))
        nx.betweenness_centrality(graph, k=sources, seed=1)
        for one in range(sources):
            nx.single_source_shortest_path_length(graph, one)
        nx.degree_assortativity_coefficient(graph)

    told = {"networkx": seconds(by_networkx)[0]} if graph.number_of_nodes() <= SLOW else {}
    try:
        import igraph
    except ImportError:
        return told
    made = igraph.Graph(n=graph.number_of_nodes(), edges=list(graph.edges))

    def by_igraph() -> None:
        made.transitivity_avglocal_undirected(mode="zero")
        made.community_leiden(objective_function="modularity", n_iterations=3)
        made.articulation_points()
        made.betweenness(sources=list(range(sources)))
        made.distances(source=list(range(sources)))
        made.assortativity_degree(directed=False)

    return {**told, "igraph": seconds(by_igraph)[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--links", type=int, default=4)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    told = []
    for nodes in given.entities:
        graph = nx.barabasi_albert_graph(nodes, given.links, seed=1)
        own = ours(np.array(graph.edges), nodes)
        others = peers(graph, int(own["sources"]))
        ratios = {f"{name}/ours": round(taken / own["whole"], 1) for name, taken in others.items()}
        told.append({"entities": nodes, "links": graph.number_of_edges(), **own, **others, **ratios})
        print(json.dumps({name: round(value, 3) for name, value in told[-1].items()}))
    if given.out:
        given.out.write_text(json.dumps({"load": os.getloadavg()[0], "runs": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
