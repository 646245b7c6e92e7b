"""The cards and kinds that ship: whole, usable by every harvester, and strangers to the demo's answers."""

from __future__ import annotations

from pathlib import Path

import pytest

import harvest
from harvest import shipped
from harvest.bertnet.calibrate import MIN_SEEDS
from harvest.bertnet.prompts import prompt_set
from harvest.bertnet.sentences import template
from kgplatform.cards import ancestors, datatype
from kgplatform.literals import DATATYPES, canonical
from kgplatform.names import normalise
from kgplatform.types import Relation
from ui.demo import world

CARDS = shipped.relations()
KINDS = shipped.kinds()
each_card = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)


def test_every_file_is_a_card_of_its_own() -> None:
    assert len(CARDS) == len(list((Path(harvest.__file__).parent / "relations").glob("*.yaml"))) >= 12


def test_every_kind_is_a_thing_with_examples() -> None:
    assert {ancestors(kind, KINDS)[-1] for kind in KINDS} == {"thing"}
    for kind in KINDS.values():
        assert len(kind.examples) >= 4, kind.name
        assert len(set(kind.examples)) == len(kind.examples)


@each_card
def test_a_card_speaks_of_kinds_that_are_there(card: Relation) -> None:
    assert set(card.domain) <= set(KINDS)
    assert set(card.range) <= set(KINDS) | DATATYPES
    assert card.domain
    assert card.range
    assert card.definition


@each_card
def test_a_card_can_be_asked(card: Relation) -> None:
    assert {prompt.template for prompt in prompt_set(card).prompts} >= set(card.prompts)  # none is refused
    assert any(template(prompt).slots == ("head", "tail") for prompt in card.prompts)
    assert len(set(card.prompts)) == len(card.prompts) >= 3


@each_card
def test_seeds_are_enough_and_of_the_cards_type(card: Relation) -> None:
    assert len(set(card.seeds)) == len(card.seeds) >= MIN_SEEDS
    if wanted := datatype(card):
        assert [canonical(tail, wanted) for _, tail in card.seeds] == [tail for _, tail in card.seeds]
    if card.functional:
        assert len({head for head, _ in card.seeds}) == len(card.seeds)
    if card.inverse_functional:
        assert len({tail for _, tail in card.seeds}) == len(card.seeds)


@each_card
def test_seeds_and_examples_are_no_answers_of_the_demo(card: Relation) -> None:
    seeds = {(normalise(head), card.name, normalise(tail)) for head, tail in card.seeds}
    assert not seeds & world.gold().true
    assert not {world.turned(seed) for seed in seeds} & world.gold().true


def test_inverses_and_names_are_told_apart() -> None:
    inverses = [card.inverse for card in CARDS.values() if card.inverse]
    assert len(set(inverses)) == len(inverses)
    assert not set(inverses) & set(CARDS)
