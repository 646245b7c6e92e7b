"""What a person should look at in a graph: communities, hubs, what holds parts together, and what is worth asking."""

from __future__ import annotations

import networkx as nx
import pytest

from kgplatform.analysis.insight import insight
from kgplatform.errors import BadRequest
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact, Relation
from kgplatform.view import GraphView

BORN = Relation("born in", prompts=("{head} was born in {tail}",))


def view(*facts: tuple[str, str, str], kinds: dict[str, str] | None = None) -> GraphView:
    def entity(name: str) -> Entity:
        return Entity(EntityId(name), name, ((kinds or {}).get(name, "thing"),))

    return GraphView.of(Fact(fact_key(r, h, t), entity(h), r, entity(t), 1.0, 1.0) for h, r, t in facts)


def linked(graph: nx.Graph) -> list[tuple[str, str, str]]:
    return [(f"n{a}", "links", f"n{b}") for a, b in graph.edges]


def test_two_circles_and_the_one_who_knows_both() -> None:
    """Two cliques that one entity joins: it is between, it is a cut, and the cliques are the communities."""
    circles = nx.disjoint_union(nx.complete_graph(7), nx.complete_graph(8))
    facts = [*linked(circles), ("broker", "links", "n0"), ("broker", "links", "n7")]
    found = insight(view(*facts), {})
    assert [one.size for one in found.communities] in ([8, 8], [9, 7])
    assert all(one.inside > 0.9 for one in found.communities)
    assert {"broker", "n0", "n7"} == {one.entity.name for one in found.cuts}
    assert found.cuts[0].betweenness > 0.5
    assert "broker" in {one.entity.name for one in found.between}
    assert found.hubs[0].links >= found.hubs[-1].links
    assert found.hubs[0].entity.name in ("n7", "n0")


def test_communities_that_nothing_links_are_worth_a_question() -> None:
    circles = nx.disjoint_union_all([nx.complete_graph(8)] * 3)
    found = insight(view(*linked(circles), ("n0", "links", "n8"), ("n8", "links", "n16")), {})
    gaps = [gap for gap in found.gaps if gap.why == "communities"]
    assert gaps
    assert gaps[0].score >= gaps[-1].score
    assert gaps[0].question == f"What links {gaps[0].entities[0].name} and {gaps[0].entities[1].name}?"


def test_unlinked_entities_with_rare_neighbours_in_common_come_first() -> None:
    """a and b share three neighbours that few know, c and d one that everybody knows."""
    facts = [(one, "knows", f"rare{n}") for one in "ab" for n in range(3)]
    facts += [(one, "knows", "famous") for one in "cdefgh"]
    found = [gap for gap in insight(view(*facts), {}).gaps if gap.why == "neighbours"]
    assert {one.name for one in found[0].entities} == {"a", "b"} or {one.name for one in found[0].entities} <= {"rare0", "rare1", "rare2"}
    assert all({one.name for one in gap.entities} != {"a", "rare0"} for gap in found)


def test_what_others_of_the_kind_have_is_missed_where_it_lacks() -> None:
    people = {f"p{n}": "person" for n in range(8)}
    facts = [(f"p{n}", "born in", "Paris") for n in range(7)] + [("p7", "knows", f"p{n}") for n in range(4)]
    found = [gap for gap in insight(view(*facts, kinds=people), {"born in": BORN}).gaps if gap.why == "relation"]
    assert [(gap.entities[0].name, gap.relation, gap.question) for gap in found] == [("p7", "born in", "p7 was born in …?")]


@pytest.mark.parametrize("facts", [[], [("a", "is", "a")], [("a", "is", "b")]])
def test_hardly_anything_is_told_of_hardly_anything(facts: list[tuple[str, str, str]]) -> None:
    found = insight(view(*facts), {})
    assert found.gaps == ()
    assert found.cuts == ()
    assert len(found.hubs) == 2 * (facts == [("a", "is", "b")])


def test_as_many_as_are_wanted() -> None:
    graph = view(*linked(nx.barabasi_albert_graph(300, 2, seed=1)))
    found = insight(graph, {}, top=3)
    assert (len(found.hubs), len(found.between), len(found.communities)) == (3, 3, 3)
    with pytest.raises(BadRequest, match="at least 1"):
        insight(graph, {}, top=0)
