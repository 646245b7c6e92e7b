"""The pairs that BertNet is measured by are fair: no duplicate, no seed among them, no answer from one end alone."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from benchmarks.bertnet.pairs import HERE, LEAST, Judged, problems, read_all, read_judged, read_reference, read_references
from harvest import shipped
from kgplatform.errors import BadFile

SHIPPED = sorted((HERE / "relations").glob("*.yaml"))
TABLES = sorted((HERE / "reference").glob("*.tsv"))
LENGTHS = {"capital-of": 190, "capital-of-state": 50, "chemical-symbol": 118, "currency-of": 150, "language-of": 150, "written-by": 200}
CARD = "name: made by\nprompts: ['{head} is made by {tail}']\nseeds: [[Golf, Volkswagen]]\n"


def majority(judged: Judged, slot: int) -> float:
    """The accuracy of the best rule that sees one slot only, fitted on the very pairs it is judged by."""
    seen: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for truth, pairs in ((True, judged.true), (False, judged.false)):
        for pair in pairs:
            seen[pair[slot]][truth] += 1
    return sum(max(counts.values()) for counts in seen.values()) / (len(judged.true) + len(judged.false))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_relation_is_fair(path: Path) -> None:
    judged = read_judged(path)
    assert len(judged.true) >= LEAST
    assert 4 <= len(judged.card.prompts) <= 6 and len(judged.card.seeds) == 5
    assert any(prompt.rstrip(".").endswith("{head}") for prompt in judged.card.prompts)
    assert majority(judged, 0) <= 0.65 and majority(judged, 1) <= 0.65


def test_the_halves_are_equal_and_names_are_unique() -> None:
    relations = read_all()
    assert Counter(one.half for one in relations) == {"develop": 14, "report": 14}
    assert len({one.name for one in relations}) == 28


def test_each_way_of_being_unfair_is_said() -> None:
    sound = read_judged(SHIPPED[0])
    seed = sound.card.seeds[0]
    assert not list(problems(sound))
    for unfair, words in (
        (dataclasses.replace(sound, half="both"), "not 'both'"),
        (dataclasses.replace(sound, true=sound.true[:9], false=sound.false[:9]), "at least 40"),
        (dataclasses.replace(sound, false=sound.false[1:]), "as many of each"),
        (dataclasses.replace(sound, false=(sound.true[0], *sound.false[1:])), "occurs twice"),
        (dataclasses.replace(sound, false=(("same", "same"), *sound.false[1:])), "same words"),
        (dataclasses.replace(sound, false=((seed[0], "something"), *sound.false[1:])), "another seed"),
    ):
        assert words in " ".join(problems(unfair))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nhalf: report\n", "is missing"),
        ("- a\n", "expected a mapping"),
        ("name: x\nhalf: report\ncard: {name: x, prompts: ['{head} is {tail}']}\ntrue: [[a]]\nfalse: []\n", "is not a pair"),
        ("name: x\nhalf: report\ncard: {name: x, prompts: ['{head} is']}\ntrue: []\nfalse: []\n", "{tail}"),
        ("name: x\nhalf: report\ncard: {name: x, prompts: ['{head} is {tail}']}\ntrue: []\nfalse: []\n", "at least 40"),
    ],
)
def test_a_broken_file_is_a_sentence_with_its_path(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadFile, match=r"broken\.yaml") as caught:
        read_judged(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_reference_table_reads_with_its_card(path: Path) -> None:
    table = read_reference(path)
    assert len({heads[0] for heads, _ in table.rows}) >= LENGTHS[table.name]
    assert len(table.card.prompts) >= 4 and len(table.card.seeds) == 5
    assert table.card.domain and table.card.range and set(table.card.domain + table.card.range) <= set(shipped.kinds())


def test_every_table_has_a_card_and_every_card_a_table() -> None:
    assert {path.stem for path in (HERE / "reference").glob("*.yaml")} == {table.name for table in read_references()} == set(LENGTHS)


def test_tables_and_judged_pairs_agree() -> None:
    relations = {one.card.name: one for one in read_all()}
    shared = [(table, relations[table.card.name]) for table in read_references() if table.card.name in relations]
    assert len(shared) == 4
    for table, judged in shared:
        listed = {(head.casefold(), tail.casefold()) for heads, tails in table.rows for head in heads for tail in tails}
        true, false = ({(head.casefold(), tail.casefold()) for head, tail in pairs} for pairs in (judged.true, judged.false))
        assert true <= listed and not false & listed


def test_other_names_of_either_end_stand_in_one_row(tmp_path: Path) -> None:
    (tmp_path / "made-by.yaml").write_text(CARD, "utf-8")
    (tmp_path / "made-by.tsv").write_text("VW Golf|Golf\tVolkswagen|VW\n", "utf-8")
    assert read_reference(tmp_path / "made-by.tsv").rows == ((("VW Golf", "Golf"), ("Volkswagen", "VW")),)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("Golf\n", "line 1: expected"),
        ("Golf\tVolkswagen\nTwingo\t\n", "line 2: expected"),
        ("Golf|\tVolkswagen\n", "without empty names"),
        ("Golf\t Volkswagen\n", "spaces around"),
        ("Golf\tVolkswagen\nPolo|golf\tVolkswagen\n", "occurs twice"),
        ("Polo\tVolkswagen\n", "the seed"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_table_is_a_sentence_with_its_path(tmp_path: Path, table: str | None, words: str) -> None:
    (tmp_path / "made-by.yaml").write_text(CARD, "utf-8")
    if table is not None:
        (tmp_path / "made-by.tsv").write_text(table, "utf-8")
    with pytest.raises(BadFile, match=r"made-by\.tsv") as caught:
        read_reference(tmp_path / "made-by.tsv")
    assert words in str(caught.value)
