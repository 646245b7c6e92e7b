"""Time the k shortest paths between random entities beside networkx and igraph, all on one graph in one run.

    python -m benchmarks.paths.shortest [--facts 1000000] [--entities 0] [--skew 3] [--pairs 20] [--k 1 5 20] [--without igraph]

Entities are a fifth of the facts unless given; the ends of a fact are ``n · u ** skew`` (1: all alike; 3: hubs). Two entities have one fact
at most, since peers do not tell parallel ones apart; all must find paths of the same lengths. Needs the
extra ``peers``. Processor time, median; igraph, which goes through the whole graph for each deviation, is asked for three pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from kgplatform.analysis.network import Ints, Network
from kgplatform.analysis.pattern import Automaton
from kgplatform.analysis.routes import WAYS, routes
from kgplatform.analysis.walking import Terrain

RELATIONS = 20
Find = Callable[[int, int, int], list[int]]
"""The lengths of the k shortest paths between two entities."""


def graph(facts: int, entities: int, skew: float) -> Ints:
    """Random facts, one for two entities."""
    chosen = np.random.default_rng(0)
    shuffled = chosen.permutation(entities)
    heads, tails = (shuffled[(entities * chosen.random(int(1.3 * facts)) ** skew).astype(np.int64)] for _ in range(2))
    low, high = np.minimum(heads, tails), np.maximum(heads, tails)
    pairs = np.unique((low * entities + high)[low != high])
    pairs = np.sort(chosen.choice(pairs, min(facts, len(pairs)), replace=False))
    return np.stack([pairs // entities, chosen.integers(0, RELATIONS, len(pairs)), pairs % entities], axis=1)


def ours(network: Network, hops: int, by: Any = "shortest") -> Find:
    terrain = Terrain(network, Automaton.any(RELATIONS))
    return lambda a, b, k: [len(one) for one in routes(terrain, np.array([a]), np.array([b]), k=k, max_hops=hops, by=by)]


def of_igraph(triples: Ints, entities: int) -> Find:
    import igraph

    made = igraph.Graph(n=entities, edges=triples[:, [0, 2]])

    def find(a: int, b: int, k: int) -> list[int]:
        found = [made.get_shortest_path(a, b)] if k == 1 else made.get_k_shortest_paths(a, b, k=k, mode="all")
        return [len(nodes) - 1 for nodes in found]

    return find


def of_networkx(triples: Ints, entities: int) -> Find:
    import networkx as nx

    made = nx.Graph()
    made.add_nodes_from(range(entities))
    made.add_edges_from(map(tuple, triples[:, [0, 2]].tolist()))

    def find(a: int, b: int, k: int) -> list[int]:
        found = [nx.bidirectional_shortest_path(made, a, b)] if k == 1 else islice(nx.shortest_simple_paths(made, a, b), k)
        return [len(nodes) - 1 for nodes in found]

    return find


def timed(find: Find, pairs: Sequence[tuple[int, int]], k: int) -> tuple[float, list[list[int]]]:
    """Median milliseconds, and what was found."""
    taken, found = [], []
    for a, b in pairs:
        started = time.process_time()
        found.append(find(a, b, k))
        taken.append(1000 * (time.process_time() - started))
    return statistics.median(taken), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--entities", type=int, default=0)
    parser.add_argument("--skew", type=float, default=3.0)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--k", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--hops", type=int, default=8)
    parser.add_argument("--without", nargs="*", default=[], choices=["networkx", "igraph"])
    given = parser.parse_args()
    entities = given.entities or given.facts // 5
    triples = graph(given.facts, entities, given.skew)
    confidence = np.random.default_rng(1).random(len(triples)).astype(np.float32)
    started = time.process_time()
    network = Network.joining(triples, entities, tuple(map(str, range(RELATIONS))), confidence)
    size = sum(part.nbytes for part in (network.begins, network.edges, network.others, network.relation))
    degree = np.diff(network.begins)
    print(
        json.dumps(
            {"facts": len(triples), "entities": entities, "largest": int(degree.max()), "bytes_per_fact": round(size / len(triples), 1)}
        )
    )
    print(json.dumps({"made_seconds": round(time.process_time() - started, 2)}), flush=True)
    linked = np.flatnonzero(degree)
    drawn = np.random.default_rng(2).choice(linked, (10 * given.pairs, 2)).tolist()
    pairs = [(a, b) for a, b in drawn if a != b and ours(network, given.hops)(a, b, 1)][: given.pairs]
    measured: dict[str, tuple[Find, int]] = {"ours": (ours(network, given.hops), len(pairs))}
    if "networkx" not in given.without:
        measured["networkx"] = (of_networkx(triples, entities), len(pairs))
    if "igraph" not in given.without:
        measured["igraph"] = (of_igraph(triples, entities), 3)
    for k in given.k:
        figures: dict[str, Any] = {"k": k}
        expected: list[list[int]] = []
        for name, (find, count) in measured.items():
            figures[name], found = timed(find, pairs[:count], k)
            expected = expected or found
            assert found == expected[:count], f"{name} found other lengths"
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}), flush=True)
    for by in WAYS[1:]:
        print(json.dumps({"by": by, "max_hops": 4, "k": 5, "ours": round(timed(ours(network, 4, by), pairs, 5)[0], 2)}), flush=True)


if __name__ == "__main__":
    main()
