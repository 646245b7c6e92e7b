"""Ids and keys: pure, bounded, reversible, and never the same for two things."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform import names
from kgplatform.errors import BadName, NotFound
from kgplatform.types import Entity, EntityId, Evidence, EvidenceId, FactKey, Literal, Pairs, Source, SourceId

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
IDS = WORDS.filter(lambda text: not text.startswith("="))
PAIRS = st.dictionaries(WORDS, WORDS, max_size=3).map(lambda d: tuple(sorted(d.items())))
ULM = Entity(EntityId("city:ulm"), "Ulm", ("city",))
CLAIMS = st.tuples(WORDS, IDS, IDS, PAIRS)


@given(CLAIMS)
def test_a_key_says_what_it_was_made_of(parts: tuple[str, str, str, Pairs]) -> None:
    assert names.parse_key(names.fact_key(*parts)) == parts


@given(CLAIMS, CLAIMS)
def test_two_claims_never_share_a_key(one: tuple[str, str, str, Pairs], other: tuple[str, str, str, Pairs]) -> None:
    assert (names.fact_key(*one) == names.fact_key(*other)) == (one == other)


@given(WORDS, IDS, st.builds(Literal, WORDS, st.just("string"), WORDS, st.sampled_from(["", "en"])))
def test_a_literal_in_a_key_is_told_from_an_entity(relation: str, head: str, value: Literal) -> None:
    assert names.parse_key(names.fact_key(relation, head, value)).tail.startswith("=")


@given(st.dictionaries(WORDS, WORDS | WORDS.map(lambda id_: Entity(EntityId(id_), "its name")), max_size=3))
def test_a_written_qualifier_says_what_it_was(told: dict[str, str | Entity]) -> None:
    given = tuple(sorted(told.items(), key=lambda pair: pair[0]))
    written = tuple((name, names.qualifier(value)) for name, value in given)
    entities = {value.id: value for value in told.values() if isinstance(value, Entity)}
    assert names.qualifiers(written, entities.__getitem__) == given
    assert names.parse_key(names.fact_key("r", "a", "b", written)).qualifiers == written


@pytest.mark.parametrize(("told", "written"), [("@home", "\\@home"), ("\\@x", "\\\\@x"), ("home", "home"), (ULM, "@city:ulm")])
def test_words_are_never_taken_for_an_entity(told: str | Entity, written: str) -> None:
    assert names.qualifier(told) == written
    assert names.referred(written) == (told.id if isinstance(told, Entity) else None)


def test_qualifiers_have_no_order() -> None:
    assert names.fact_key("r", "a", "b", (("x", "1"), ("y", "2"))) == names.fact_key("r", "a", "b", (("y", "2"), ("x", "1")))


@pytest.mark.parametrize("text", ["", "a", "a|b", "a||b", "|a|b", "a|b|c|d"])
def test_what_is_no_key_is_said(text: str) -> None:
    with pytest.raises(NotFound, match="not the key of a fact"):
        names.parse_key(text)


@given(st.text(), st.text(max_size=2_000))
def test_ids_are_bounded_and_safe(kind: str, name: str) -> None:
    try:
        names.clean(name)
    except BadName:
        return
    made = names.entity_id(kind[:50].replace("\ud800", ""), name)
    assert made.count(":") == 1
    assert len(made.partition(":")[2].encode()) <= names.ID_BYTES
    assert not re.search(r"[\s|/\\#?&\"'<>`]", made.partition(":")[2])
    assert names.given_id(made) == made


def test_spellings_of_one_name_meet_in_one_id() -> None:
    assert names.entity_id("city", "New York") == names.entity_id("City", " new  YORK\n") == "city:new_york"
    assert names.entity_id("city", "Ｎｅｗ York") == "city:new_york"
    assert names.entity_id("city", "Springfield", "Ohio") == "city:springfield:ohio"


def test_long_names_that_begin_alike_have_different_ids() -> None:
    long = "a" * 5_000
    assert names.entity_id("thing", long + "1") != names.entity_id("thing", long + "2")
    assert names.literal_key(Literal(long + "1")) != names.literal_key(Literal(long + "2"))


@given(st.text(min_size=1))
def test_cleaning_twice_is_cleaning_once(name: str) -> None:
    try:
        once = names.clean(name)
    except BadName:
        return
    assert names.clean(once) == once
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in once)


@pytest.mark.parametrize("name", ["", " ", "\n\t", "\x00", "\ud800"])
def test_an_invisible_name_is_none(name: str) -> None:
    with pytest.raises(BadName, match="no visible character"):
        names.clean(name)


@given(WORDS)
def test_labels_and_types_fit_their_alphabets(words: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,140}", names.relationship_type(words))
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]{0,140}", names.label(words))
    assert not names.label(words).startswith("Kg")
    assert names.label(words) != "Entity"


@given(WORDS, WORDS)
def test_different_relations_have_different_types(one: str, other: str) -> None:
    same = names.normalise(one) == names.normalise(other)
    assert same or names.relationship_type(one) != names.relationship_type(other)
    assert same or names.label(one) != names.label(other)


@given(WORDS, WORDS)
def test_different_relations_have_different_properties(one: str, other: str) -> None:
    first, second = (names.property_name(words) for words in (one, other))
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,140}", first)
    assert (first == second) == (names.relationship_type(one) == names.relationship_type(other))
    assert first not in (names.unit_property(second), *names._OURS)
    assert not first.startswith("kg_")


@pytest.mark.parametrize(
    ("relation", "expected"),
    [("Born on", "born_on"), ("name", "name_"), ("kg made", "kg_made_"), ("height unit", "height_unit_"), ("unit", "unit"), ("ID", "id_")],
)
def test_properties_keep_clear_of_ours(relation: str, expected: str) -> None:
    assert names.property_name(relation) == expected


def test_plain_words_stay_readable() -> None:
    assert names.relationship_type("born in") == "BORN_IN"
    assert names.label("chemical element") == "ChemicalElement"
    assert names.slug("Born in") == "born_in"


@pytest.mark.parametrize("text", ["=x", " x", "x ", "a\nb", "y" * 1_001, ""])
def test_an_id_that_the_graph_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        names.given_id(text)


def test_evidence_is_the_same_whatever_its_score_and_time() -> None:
    def made(**changes: object) -> EvidenceId:
        parts: dict[str, object] = {"method": "text", "source": Source(SourceId("s"), "document"), "start": 1, "end": 2, "model": "m@1"}
        return names.evidence_id(FactKey("r|a|b"), Evidence(**{**parts, **changes}))  # type: ignore[arg-type]

    assert made() == made(score=0.3, time=99, quote="other", run="r")
    different = [made(), made(start=0), made(model="m@2"), made(method="memory"), made(source=Source(SourceId("t"), "document"))]
    assert len(set(different)) == 5
