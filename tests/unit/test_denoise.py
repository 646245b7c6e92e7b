"""Facts that do not fit the rest of a graph: they are found, their share is told, and what is put against them can be taken back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Source, SourceId
from kgplatform.view import Ints
from reasoning.denoise.run import OF_DENOISING, denoise
from reasoning.denoise.signals import NAMES, Graph
from reasoning.denoise.suspicion import corrupted, probabilities, share, suspicion

PEOPLE, CITIES, COUNTRIES = 300, 20, 5


def world() -> Ints:
    """People are born in cities, live in their country, are its citizens, and know people of their city; relations 0 to 4."""
    draw = np.random.default_rng(0)
    city = draw.integers(CITIES, size=PEOPLE) + PEOPLE
    country = PEOPLE + CITIES + (city - PEOPLE) % COUNTRIES
    person = np.arange(PEOPLE)
    rows = [
        (person, 0, city),
        (person, 1, country),
        (person, 2, country),
        (np.arange(CITIES) + PEOPLE, 3, PEOPLE + CITIES + np.arange(CITIES) % COUNTRIES),
    ]
    for shift in (1, 2, 3):
        order = np.argsort(city, kind="stable")
        rows.append((order, 4, np.roll(order, shift)))
    return np.unique(np.concatenate([np.column_stack(np.broadcast_arrays(*row)) for row in rows]), axis=0)


ENTITIES, RELATIONS = PEOPLE + CITIES + COUNTRIES, 5


@pytest.fixture(scope="module")
def noisy() -> tuple[Ints, Ints]:
    true = world()
    false = corrupted(true, ENTITIES, RELATIONS, len(true) // 20, np.random.default_rng(1))
    return np.concatenate([true, false]), np.repeat([0, 1], [len(true), len(false)])


def test_false_facts_are_the_most_suspect(noisy: tuple[Ints, Ints]) -> None:
    facts, wrong = noisy
    found = suspicion(facts, ENTITIES, RELATIONS)
    count = int(wrong.sum())
    assert wrong[found.first(count)].mean() > 0.6  # at random it is .05
    assert 0.02 < found.wrong < 0.12
    assert found.probability[wrong == 1].mean() > 10 * found.probability[wrong == 0].mean()


def test_a_fact_does_not_vouch_for_itself(noisy: tuple[Ints, Ints]) -> None:
    """What is said of a fact is the same as if it had never been in the graph."""
    facts, _ = noisy
    without = Graph(facts[1:], ENTITIES, RELATIONS).signals(facts[:1])
    assert without.shape == (1, len(NAMES))
    assert (
        without[0, NAMES.index("links between the two")]
        == ((facts[1:, [0, 2]] == facts[0, [0, 2]]).all(1) | (facts[1:, [2, 0]] == facts[0, [0, 2]]).all(1)).sum()
    )


def test_the_same_seed_suspects_the_same(noisy: tuple[Ints, Ints]) -> None:
    facts, _ = noisy
    first, again = (suspicion(facts[:400], ENTITIES, RELATIONS, seed=3).log_odds for _ in range(2))
    assert np.array_equal(first, again)


@given(st.integers(0, 10_000), st.integers(3, 8), st.integers(1, 3), st.integers(1, 30))
@settings(max_examples=50)
def test_corrupted_facts_are_new_and_different(seed: int, entities: int, relations: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    facts = np.unique(draw.integers((entities, relations, entities), size=(12, 3)), axis=0)
    found = corrupted(facts, entities, relations, count, draw)
    rows = set(map(tuple, found.tolist()))
    assert len(rows) == len(found) <= count
    assert rows.isdisjoint(map(tuple, facts.tolist()))
    for row in found:
        assert ((facts == row).sum(axis=1) == 2).any()


@pytest.mark.parametrize("wrong", [0.0, 0.02, 0.1])
def test_the_share_of_wrong_facts_is_told(wrong: float) -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(20_000) < wrong

    def odds(false: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        values = draw.normal(np.where(false, 2.0, -2.0))
        right, other = (np.exp(-((values - middle) ** 2) / 2) for middle in (-2.0, 2.0))
        return np.log(other / ((1 - wrong) * right + wrong * other))

    facts, corrupt = odds(truth), odds(np.ones(20_000, bool))
    found = share(facts, corrupt)
    assert found == pytest.approx(wrong, abs=0.01)
    assert probabilities(facts, corrupt, found).mean() == pytest.approx(wrong, abs=0.01)


@pytest.mark.parametrize("facts", [np.zeros((0, 3), np.int64), np.array([[0, 0, 0]] * 3)])
def test_a_graph_that_says_nothing_of_its_facts_is_refused(facts: Ints) -> None:
    with pytest.raises(BadRequest, match="it takes 50"):
        suspicion(facts, 2, 1)


@pytest.mark.parametrize(
    "facts",
    [
        np.column_stack([np.arange(60), np.zeros(60, np.int64), np.arange(60)]),
        np.column_stack([np.arange(60), np.zeros(60, np.int64), np.arange(60) + 60]),
    ],
)
def test_loops_and_single_links_are_judged_too(facts: Ints) -> None:
    found = suspicion(facts, 120, 1)
    assert np.isfinite(found.log_odds).all()


# -- in a graph --------------------------------------------------------------------------------------

NAMES_OF = [*(f"Person {n}" for n in range(PEOPLE)), *(f"City {n}" for n in range(CITIES)), *(f"Country {n}" for n in range(COUNTRIES))]
WORDS = ("born in", "lives in", "citizen of", "lies in", "knows")


def graph(facts: Ints) -> KnowledgeGraph:
    kg = KnowledgeGraph(MemoryStore())
    said = (Evidence("import", Source(SourceId("import:x"), "import"), score=0.9),)
    things = [Entity(entity_id("thing", name), name, ("thing",)) for name in NAMES_OF]
    kg.put([Claim(things[h], WORDS[r], things[t], said) for h, r, t in facts.tolist()])
    return kg


def test_belief_is_lowered_with_reasons_and_given_back(noisy: tuple[Ints, Ints]) -> None:
    facts, wrong = noisy
    kg = graph(facts)
    false = {(NAMES_OF[h], WORDS[r], NAMES_OF[t]) for h, r, t in facts[wrong == 1].tolist()}
    shown = denoise(kg, top=10)
    assert shown.receipt is None
    assert not any(fact.confidence < fact.trust for fact in kg.facts())
    assert all(one.reasons and one.weight > 0 for one in shown.suspects)
    assert sum((one.fact.head.name, one.fact.relation, getattr(one.fact.tail, "name", "")) in false for one in shown.suspects) >= 7
    done = denoise(kg, top=10, apply=True)
    assert [one.fact.key for one in done.suspects] == [one.fact.key for one in shown.suspects]
    lowered = [fact for fact in kg.facts() if fact.confidence < fact.trust]
    assert {fact.key for fact in lowered} == {one.fact.key for one in done.suspects}
    told = dict(kg.explain(lowered[0]).reasons[-1].evidence.detail)
    assert "usually" in told["why"]
    # Graph models do not learn from graph models: the same graph is judged the same again, and nothing is put twice.
    again = denoise(kg, top=10, apply=True)
    assert again.snapshot == done.snapshot
    assert again.receipt
    assert again.receipt.new == again.receipt.merged == 0
    kg.forget(f"{OF_DENOISING}{done.snapshot}")
    assert not any(fact.confidence < fact.trust for fact in kg.facts())


def test_what_was_put_of_an_earlier_graph_is_withdrawn(noisy: tuple[Ints, Ints]) -> None:
    facts, _ = noisy
    kg = graph(facts)
    denoise(kg, top=5, apply=True)
    kg.reject(next(iter(kg.facts())))
    done = denoise(kg, top=5, apply=True)
    assert [source for source in kg.sources() if source.startswith(OF_DENOISING)] == [f"{OF_DENOISING}{done.snapshot}"]


@pytest.mark.parametrize(("wrong", "said"), [({"top": 0}, "top must be at least 1"), ({"least": 2.0}, "between 0 and 1")])
def test_wrong_requests_are_sentences(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        denoise(KnowledgeGraph(MemoryStore()), **wrong)  # type: ignore[arg-type]


def test_of_facts_that_say_nothing_of_each_other_none_is_suspected() -> None:
    """Regression: a random graph was said to be wrong in most of its facts, and belief in them was lowered."""
    draw = np.random.default_rng(0)
    ends = [Entity(entity_id("thing", f"T {n}"), f"T {n}", ("thing",)) for n in range(80)]
    rows = {tuple(row) for row in draw.integers(80, size=(200, 2)).tolist() if row[0] != row[1]}
    told = (Evidence("import", Source(SourceId("import:a"), "import", "a"), score=0.9),)
    with KnowledgeGraph(MemoryStore()) as kg:
        kg.put([Claim(ends[head], "goes with", ends[tail], told) for head, tail in sorted(rows)])
        report = denoise(kg, apply=True)
    assert (report.suspects, report.receipt) == ((), None)
    assert "told from those of the graph with an AUC of 0." in report.note
