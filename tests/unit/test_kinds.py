"""What kind of thing a name names: the laws of guessing, with models without weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harvest import shipped
from harvest.documents.kinds import KindGuesser
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.types import Kind

KINDS = shipped.kinds()


def guesser(kinds: Mapping[str, tuple[str, tuple[str, ...]]], *sentences: str) -> KindGuesser:
    """A guesser whose model knows the words for the kinds, each as well as the others, and has read ``sentences``."""
    described = {name: Kind(name, parent, examples=examples) for name, (parent, examples) in kinds.items()}
    words = [f"This is {article} {kind}." for kind in kinds for article in ("a", "an")]
    return KindGuesser(ScriptedScorer(sentences=[*words, *sentences]), HashingEncoder(), described)


GUESSER = guesser({name: (kind.is_a, kind.examples) for name, kind in KINDS.items()})


def test_nothing_asked_is_nothing_guessed() -> None:
    assert GUESSER.guess([], []) == []


@pytest.mark.parametrize(("name", "kind"), [("Toyota", "organisation"), ("Nile", "river"), ("Pulitzer Prize", "award")])
def test_an_example_is_of_its_kind(name: str, kind: str) -> None:
    assert GUESSER.guess([name], ["NAME"]) == [kind]


PLACES = {"place", "city", "country", "river"}


@pytest.mark.parametrize(("label", "kinds"), [("PERSON", {"person"}), ("GPE", PLACES), ("WORK_OF_ART", {"work"})])
def test_the_taggers_word_decides_between_strangers(label: str, kinds: set[str]) -> None:
    assert set(GUESSER.guess(["Qwxz", "Zzyx Vvub"], [label, label])) <= kinds


def test_what_the_model_has_read_decides_between_strangers() -> None:
    kinds = {"thing": ("", ("Qux", "Quux")), "person": ("thing", ("Ada", "Bea")), "city": ("thing", ("Ulm", "Bonn"))}
    knowing = guesser(kinds, *["Vrt is a city."] * 20)
    assert knowing.guess(["Vrt"], ["NAME"]) == ["city"]


def test_common_nouns_are_only_of_kinds_of_common_nouns() -> None:
    assert set(GUESSER.guess(["oxygen", "hydrogen", "student", "city", "person"], ["NOUN"] * 5)) <= {"element", "thing"}
    assert "element" not in GUESSER.guess(["Oxygen", "Iron", "Silver"], ["NAME"] * 3)


def test_a_taxonomy_without_examples_makes_everything_a_thing() -> None:
    assert guesser({"person": ("", ()), "city": ("", ())}).guess(["Ada", "tin"], ["PERSON", "NOUN"]) == ["thing", "thing"]


def test_what_no_kind_may_take_is_a_thing() -> None:
    proper, common = {"person": ("", ("Ada", "Bea", "Cleo"))}, {"element": ("", ("tin", "iron", "gold"))}
    assert guesser(proper).guess(["tin", "Dora"], ["NOUN", "PERSON"]) == ["thing", "person"]
    assert guesser(common).guess(["Dora", "irons"], ["PERSON", "NOUN"]) == ["thing", "element"]


def test_two_examples_a_kind_are_enough() -> None:
    kinds = {"person": ("", ("Ada", "Bea")), "city": ("", ("Ulm", "Bonn"))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert guesser(kinds).guess(["Ulm", "Ada"], ["NAME", "NAME"]) == ["city", "person"]


LABELS = st.sampled_from(["PERSON", "GPE", "NOUN", "NAME", "DATE", "?"])
NAMES = st.lists(st.tuples(st.text(max_size=12), LABELS), max_size=6, unique_by=lambda one: one[0])


@settings(max_examples=30, deadline=None)
@given(NAMES)
@example([("", "PERSON"), ("\U000f5f67", "GPE")])
def test_a_guess_is_a_kind_and_depends_on_its_own_name_only(named: list[tuple[str, str]]) -> None:
    together = GUESSER.guess([name for name, _ in named], [label for _, label in named])
    assert set(together) <= set(KINDS)
    assert together == [GUESSER.guess([name], [label])[0] for name, label in named]
