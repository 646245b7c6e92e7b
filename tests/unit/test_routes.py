"""Paths between entities, and what relation patterns lead to, beside brute force and networkx."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kgplatform.analysis.network import Ints, Network
from kgplatform.analysis.pattern import Automaton, Vocabulary, compiled
from kgplatform.analysis.routes import reached, routes
from kgplatform.analysis.walking import Terrain
from kgplatform.errors import BadRequest, NotFound
from kgplatform.types import By

Triple = tuple[int, int, int]
RELATIONS = ("r", "s")
SIZE = 7

GRAPHS = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, 1), st.integers(0, SIZE - 1)), unique=True, max_size=20).map(sorted)
CONFIDENCE = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), min_size=20, max_size=20)


def network(triples: list[Triple], confidence: list[float] | None = None, entities: int = SIZE) -> Network:
    rows = np.array(triples, np.int64).reshape(-1, 3)
    believed = np.array((confidence or [1.0] * len(rows))[: len(rows)], np.float32)
    return Network.joining(rows, entities, RELATIONS, believed)


def moves(triples: list[Triple], at: int, directed: bool = False) -> Iterator[tuple[int, int]]:
    """The edges from an entity, and where they lead."""
    for place, (head, _, tail) in enumerate(triples):
        if head == at:
            yield place, tail
        if tail == at and not directed:
            yield place + len(triples), head


def simple(triples: list[Triple], starts: set[int], goals: set[int], hops: int, directed: bool = False) -> set[tuple[int, ...]]:
    """All simple paths, found one by one."""
    found = set()

    def go(at: int, behind: set[int], edges: tuple[int, ...]) -> None:
        if at in goals:
            found.add(edges)
        elif len(edges) < hops:
            for edge, to in moves(triples, at, directed):
                if to not in behind and to not in starts:
                    go(to, behind | {to}, (*edges, edge))

    for start in starts:
        go(start, {start}, ())
    return found


def entities(triples: list[Triple], edges: tuple[int, ...]) -> list[int]:
    """Where a path leads, from its start on."""
    steps = [(triples[edge][::2] if edge < len(triples) else triples[edge - len(triples)][::-2]) for edge in edges]
    assert all(one[1] == other[0] for one, other in pairwise(steps)), "steps do not meet"
    return [steps[0][0], *(end for _, end in steps)] if steps else []


def cost(graph: Network, triples: list[Triple], edges: tuple[int, ...], by: By) -> float:
    facts = [edge % len(triples) for edge in edges]
    if by == "shortest":
        return len(edges)
    if by == "confidence":
        return -sum(math.log(float(graph.confidence[fact])) for fact in facts)
    often = [sum(one[1] == triples[fact][1] for one in triples) for fact in facts]
    inner = entities(triples, edges)[1:-1]
    degrees = [sum((one[0] == entity) + (one[2] == entity) for one in triples) for entity in inner]
    return sum(map(math.log2, [*often, *degrees]))


def found(
    graph: Network, starts: set[int], goals: set[int], k: int, hops: int, by: By = "shortest", **more: float
) -> list[tuple[int, ...]]:
    terrain = Terrain(graph, Automaton.any(len(RELATIONS)), **more)
    begin, end = (np.array(sorted(some), np.int64) for some in (starts, goals))
    return [tuple(edges.tolist()) for edges in routes(terrain, begin, end, k=k, max_hops=hops, by=by)]


def believed(graph: Network, every: set[tuple[int, ...]], least: float) -> set[tuple[int, ...]]:
    return {edges for edges in every if all(graph.confidence[edge % graph.facts] >= least for edge in edges)}


@given(GRAPHS, CONFIDENCE, st.integers(1, 6), st.integers(1, 8), st.sampled_from(["shortest", "specific", "confidence"]), st.booleans())
def test_the_k_best_of_all_simple_paths_come_in_order(
    triples: list[Triple], confidence: list[float], hops: int, k: int, by: By, directed: bool
) -> None:
    graph = network(triples, confidence)
    terrain = Terrain(graph, Automaton.any(2, both=() if directed else None))
    got = [tuple(one.tolist()) for one in routes(terrain, np.array([0]), np.array([1]), k=k, max_hops=hops, by=by)]
    every = simple(triples, {0}, {1}, hops, directed)
    if by == "confidence":
        every = believed(graph, every, 1e-9)
    assert set(got) <= every
    assert len(set(got)) == len(got)
    costs = [cost(graph, triples, edges, by) for edges in got]
    assert costs == pytest.approx(sorted(cost(graph, triples, edges, by) for edges in every)[:k])


@given(GRAPHS, st.integers(1, 6))
def test_as_short_as_networkx_finds_them(triples: list[Triple], k: int) -> None:
    pairs = sorted({(head, tail) for head, _, tail in triples if head != tail})
    plain = nx.Graph(pairs)
    plain.add_nodes_from(range(SIZE))
    once = [(head, 0, tail) for head, tail in pairs if (tail, head) not in pairs or head < tail]
    try:
        expected = [len(nodes) - 1 for nodes in islice(nx.shortest_simple_paths(plain, 0, 1), k)]
    except nx.NetworkXNoPath:
        expected = []
    assert [len(edges) for edges in found(network(once), {0}, {1}, k, SIZE)] == expected


@given(GRAPHS, CONFIDENCE, st.sampled_from([0.0, 0.3, 0.9]), st.sampled_from([1, 3, 1000]))
def test_between_sets_and_over_believed_facts_only(triples: list[Triple], confidence: list[float], least: float, k: int) -> None:
    graph = network(triples, confidence)
    every = believed(graph, simple(triples, {0, 1}, {2, 3}, 4), least)
    got = found(graph, {0, 1}, {2, 3}, k, 4, least=least)
    assert set(got) <= every and len(set(got)) == len(got)
    assert list(map(len, got)) == sorted(map(len, every))[:k]


def test_parallel_facts_are_paths_of_their_own_and_loops_are_in_none() -> None:
    graph = network([(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 1)])
    assert found(graph, {0}, {1}, 9, 4) == [(1,), (2,), (3 + 5,)]


def test_what_is_apart_has_no_path() -> None:
    graph = network([(0, 0, 2), (1, 0, 3)])
    assert found(graph, {0}, {1}, 5, 100) == []
    assert found(network([]), {0}, {1}, 5, 100) == []


def test_of_equally_believed_paths_the_shorter_comes_first() -> None:
    graph = network([(0, 0, 2), (2, 0, 1), (0, 0, 1), (0, 0, 3), (3, 0, 4), (4, 0, 1)])
    assert [len(edges) for edges in found(graph, {0}, {1}, 3, 4, "confidence")] == [1, 2, 3]


def test_a_specific_path_avoids_the_hub() -> None:
    hub = [(2, 0, leaf) for leaf in range(5, 100)]
    triples = [(0, 0, 2), (0, 1, 3), (1, 0, 2), (3, 1, 1), *hub]
    assert entities(triples, found(network(triples, entities=100), {0}, {1}, 2, 4, "specific")[0]) == [0, 3, 1]


@pytest.mark.parametrize("by", ["shortest", "specific", "confidence"])
def test_a_hub_with_a_hundred_thousand_neighbours_that_both_ends_hang_on(by: By) -> None:
    """There is one path; what else leaves the hub comes back to it alone."""
    leaves = np.arange(3, 100_003)
    ring = np.stack([leaves, np.ones_like(leaves), np.roll(leaves, 1)], axis=1)
    spokes = np.stack([np.full_like(leaves, 2), np.zeros_like(leaves), leaves], axis=1)
    triples = np.concatenate([[(0, 0, 2), (1, 0, 2)], spokes, ring])
    graph = Network.joining(triples, 100_003, RELATIONS, np.ones(len(triples), np.float32))
    assert found(graph, {0}, {1}, 5, 6, by) == [(0, 1 + len(triples))]


# patterns

WORDS = Vocabulary(RELATIONS, known={"r", "s", "unsaid"}, symmetric=(), inverses={"turned": "r"})
LETTERS = {0: "r", 1: "s", 2: "R", 3: "S"}
"""A walk as a text: a letter a step, in capitals where it goes against the fact."""

ATOMS = st.sampled_from([("r", "r"), ("s", "s"), ("^r", "R"), ("^s", "S"), ("turned", "R"), ('"r"', "r")])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(
            lambda some: ("/".join(f"({one})" for one, _ in some), "".join(f"({x})" for _, x in some))
        ),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda some: (" | ".join(one for one, _ in some), "|".join(f"(?:{x})" for _, x in some))
        ),
        st.tuples(inner, st.sampled_from("+*?")).map(lambda one: (f"({one[0][0]}){one[1]}", f"(?:{one[0][1]}){one[1]}")),
    ),
    max_leaves=5,
)
"""A pattern, and the regular expression over letters that means the same."""


def walks(triples: list[Triple], start: int, hops: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Every walk of at most so many hops, with its end; shortest first."""
    level: list[tuple[tuple[int, ...], int]] = [((), start)]
    for _ in range(hops + 1):
        yield from level
        level = [((*edges, edge), to) for edges, at in level for edge, to in moves(triples, at)]


def spelt(graph: Network, edges: tuple[int, ...]) -> str:
    return "".join(LETTERS[symbol] for symbol in graph.symbols(np.array(edges, np.int32)).tolist())


def led_to(graph: Network, pattern: str, start: int, hops: int) -> dict[int, tuple[int, ...]]:
    terrain = Terrain(graph, compiled(pattern, WORDS))
    told: list[tuple[Ints, Ints]] = list(reached(terrain, start, hops))
    ends = [(end, tuple(edges)) for some, edges_of in told for end, edges in zip(some.tolist(), edges_of.tolist(), strict=True)]
    assert len(dict(ends)) == len(ends)
    return dict(ends)


SMALL = GRAPHS.map(lambda triples: triples[:7])


@given(SMALL, PATTERNS, st.integers(1, 4))
@example([(0, 0, 0), (0, 0, 1)], ("r+/^s?", "r+S?"), 3)
def test_a_pattern_leads_where_a_regular_expression_over_all_walks_leads(
    triples: list[Triple], pattern: tuple[str, str], hops: int
) -> None:
    graph, (written, meant) = network(triples), pattern
    shortest: dict[int, int] = {}
    for edges, end in walks(triples, 0, hops):
        if re.fullmatch(meant, spelt(graph, edges)):
            shortest.setdefault(end, len(edges))
    got = led_to(graph, written, 0, hops)
    assert {end: len(edges) for end, edges in got.items()} == shortest
    for end, edges in got.items():
        assert re.fullmatch(meant, spelt(graph, edges))
        assert entities(triples, edges)[-1:] in ([end], [])


@given(SMALL, PATTERNS, st.sampled_from(["shortest", "specific", "confidence"]))
def test_paths_along_a_pattern_are_the_simple_paths_that_fit(triples: list[Triple], pattern: tuple[str, str], by: By) -> None:
    graph, (written, meant) = network(triples), pattern
    fit = {edges for edges in simple(triples, {0}, {1}, 4) if re.fullmatch(meant, spelt(graph, edges))}
    terrain = Terrain(graph, compiled(written, WORDS))
    got = [tuple(one.tolist()) for one in routes(terrain, np.array([0]), np.array([1]), k=1000, max_hops=4, by=by)]
    assert sorted(got) == sorted(fit)
    costs = [cost(graph, triples, edges, by) for edges in got]
    assert costs == pytest.approx(sorted(costs))


@pytest.mark.parametrize(
    ("pattern", "where"),
    [
        ("", "at its end (character 1): a relation's name is missing"),
        ("r/", "at its end (character 3): a relation's name is missing"),
        ("r//s", "at character 3: a relation's name is missing"),
        ("(r|s", "the ( of character 1 is not closed"),
        ("r)", "at character 2: this ) closes nothing"),
        ("r+*", "at character 3: one of + * ? is enough"),
        ('r/ "s', "at character 4: a quote is not closed"),
        ('r "s"', "at character 3: a / or | is missing"),
        ("(" * 60 + "r" + ")" * 60, "more than 50 parentheses"),
        ("r/" * 2_000, "4,000 characters"),
        ("(r|s)*/r" + "/(r|s)" * 12, "too involved"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_where(pattern: str, where: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(where)):
        compiled(pattern, WORDS)


def test_odd_names_stand_in_quotes() -> None:
    words = Vocabulary(("born in", 'says "so"', "a/b+", "Alzheimer's", "^"))
    pattern = r'born in / "says \"so\"" / "a/b+" / ^ Alzheimer\'s / "^"'.replace(r"\'", "'")
    table, state = compiled(pattern, words).table, 0
    for symbol in (0, 1, 2, 3 + 5, 4):
        state = int(table[state, symbol])
        assert state > 0


def test_an_unknown_relation_is_told_with_near_ones_and_one_that_no_fact_has_leads_nowhere() -> None:
    with pytest.raises(NotFound, match="no relation 'turnd'; near it: turned"):
        compiled("r/turnd", WORDS)
    assert led_to(network([(0, 0, 1)]), "unsaid|r", 0, 2) == {1: (0,)}


def test_a_symmetric_relation_goes_both_ways() -> None:
    words = Vocabulary(RELATIONS, symmetric={"r"})
    graph = network([(1, 0, 0)])
    assert [ends.tolist() for ends, _ in reached(Terrain(graph, compiled("r", words)), 0, 1)] == [[1]]


@pytest.mark.parametrize("directed", [False, True])
def test_of_paths_as_short_the_most_believed_come_first(directed: bool) -> None:
    triples = [(0, 0, 2), (0, 0, 3), (0, 0, 4), (2, 0, 1), (3, 0, 1), (4, 0, 1), (4, 1, 5), (5, 0, 1)]
    graph = network(triples, [0.5, 0.9, 0.7, 0.9, 0.9, 0.9, 1.0, 1.0])
    terrain = Terrain(graph, Automaton.any(2, both=() if directed else None))
    got = [one.tolist() for one in routes(terrain, np.array([0]), np.array([1]), k=4, max_hops=4)]
    assert got == [[1, 4], [2, 5], [0, 3], [2, 6, 7]]
