"""Rules: a chain that goes with a relation is found, trusted as far as it holds, and names the facts that it runs over."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from kgplatform.view import Ints
from reasoning.rules import DOUBT, Chains

BORN, LIES, CITIZEN, KNOWS = range(4)
PEOPLE, CITIES, COUNTRIES = 60, 12, 4
ENTITIES = PEOPLE + CITIES + COUNTRIES


def country(person: int) -> int:
    return PEOPLE + CITIES + person % CITIES % COUNTRIES


def world(moved: int = 0) -> Ints:
    """People are citizens of the country that their birthplace lies in, but for some who moved."""
    born = [(person, BORN, PEOPLE + person % CITIES) for person in range(PEOPLE)]
    lies = [(PEOPLE + city, LIES, PEOPLE + CITIES + city % COUNTRIES) for city in range(CITIES)]
    citizens = [(person, CITIZEN, country(person + (person < moved))) for person in range(40)]
    knows = [(a, KNOWS, b) for a, b in np.random.default_rng(0).integers(PEOPLE, size=(80, 2)).tolist() if a != b]
    return np.unique(np.array([*born, *lies, *citizens, *knows]), axis=0)


def test_the_chain_behind_a_relation_is_its_most_trusted_rule() -> None:
    best = Chains(world(), ENTITIES, 4).rules(CITIZEN)[0]
    assert best.chain == (BORN, LIES)
    assert (best.facts, best.pairs) == (40, 40)
    assert best.confidence == pytest.approx(40 / (40 + DOUBT))


def test_a_rule_with_exceptions_is_trusted_less() -> None:
    best = next(rule for rule in Chains(world(moved=10), ENTITIES, 4).rules(CITIZEN) if rule.chain == (BORN, LIES))
    assert (best.facts, best.pairs) == (30, 40)


def test_scores_say_where_rules_hold() -> None:
    chains = Chains(world(), ENTITIES, 4)
    rules = chains.rules(CITIZEN)
    heads, tails = np.arange(40, 60), np.arange(PEOPLE + CITIES, ENTITIES)
    found = chains.scores(rules, heads, tails)
    assert found.shape == (20, COUNTRIES)
    assert (found.argmax(axis=1) + PEOPLE + CITIES == [country(person) for person in heads.tolist()]).all()
    by_hand = np.zeros_like(found)
    for row, head in enumerate(heads.tolist()):
        for column, tail in enumerate(tails.tolist()):
            there = set(chains.between(head, tail))
            by_hand[row, column] = sum(-np.log1p(-rule.confidence) for rule in rules if rule.chain in there)
    np.testing.assert_allclose(found, by_hand)


def test_chains_name_the_facts_they_run_over() -> None:
    facts = world()
    found = Chains(facts, ENTITIES, 4).between(50, country(50))
    ((first, second),) = found[BORN, LIES]
    assert facts[first].tolist() == [50, BORN, PEOPLE + 50 % CITIES]
    assert facts[second].tolist() == [PEOPLE + 50 % CITIES, LIES, country(50)]


def test_links_against_their_direction_are_followed() -> None:
    """Parents and children: the one is the other turned round."""
    facts = np.array([row for n in range(10) for row in ((n, 0, n + 10), (n + 10, 1, n))][:-1])
    best = Chains(facts, 20, 2).rules(1)[0]
    assert best.chain == (2,)  # relation 0 backwards
    assert Chains(facts, 20, 2).scores([best], np.array([19]), np.array([9])).item() > 0.5


@pytest.mark.parametrize("facts", [np.array([[0, 0, 1]]), np.array([[n, 0, n] for n in range(6)])])
def test_where_nothing_goes_together_there_is_no_rule(facts: Ints) -> None:
    assert Chains(facts, 6, 1).rules(0) == []
