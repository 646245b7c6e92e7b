"""Users and items are found by what a person types; of many users only the first that fit are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow")

from kgplatform.errors import BadFile, NotFound
from kgplatform.texts import Texts
from reasoning.recommend.beside import TAKEN, Beside, Items
from reasoning.recommend.finding import Finder
from reasoning.recommend.interactions import Interactions


def kept(folder: Path, users: list[str]) -> Beside:
    beside = Beside(folder)
    beside.add(Interactions.of(users, [f"i{place}" for place in range(len(users))]), {})
    return beside


def items(**names: str) -> Items:
    ids = sorted(names)
    return Items(Texts.of(ids), Texts.of([names[one] for one in ids]), Texts.of([""] * len(ids)), Texts.of([""] * len(ids)))


@given(st.lists(st.text("ab1é", min_size=1, max_size=4), min_size=1, max_size=30), st.text("ab1é", max_size=2), st.integers(1, 4))
def test_the_first_users_that_begin_so_are_found(
    tmp_path_factory: pytest.TempPathFactory, users: list[str], beginning: str, most: int
) -> None:
    beside = kept(tmp_path_factory.mktemp("kept"), users)
    assert beside.users(beginning, most) == [user for user in sorted(set(users)) if user.startswith(beginning)][:most]
    assert len(beside) == len(users)


def test_without_interactions_there_is_nobody(tmp_path: Path) -> None:
    assert len(Beside(tmp_path)) == 0
    with pytest.raises(NotFound, match="kg interactions add FILE"):
        Beside(tmp_path).users("a", 1)


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path) -> None:
    beside = kept(tmp_path, ["ann"])
    (tmp_path / TAKEN).write_bytes(b"no table")
    for read in (lambda: beside.users("a", 1), lambda: [len(beside)]):
        with pytest.raises(BadFile, match="cannot be read"):
            read()


def test_what_was_read_holds_until_something_is_written(tmp_path: Path) -> None:
    beside = kept(tmp_path, ["ann"])
    before = beside.written
    assert beside.written == before
    beside.add(Interactions.of(["bob"], ["i1"]), {})
    assert beside.written != before


def test_the_id_comes_before_names_and_beginnings_before_what_stands_within() -> None:
    finder = Finder(items(i1="Star Wars", i2="A Star is Born", i3="STARGATE", star="Solaris", i5=""))
    assert [["i1", "i2", "i3", "i5", "star"][place] for place in finder.find("star")] == ["star", "i1", "i3", "i2"]
    assert len(finder.find("star", most=2)) == 2
    assert finder.find("  IS   born ") == [1]
    assert finder.find("i5") == [3]
    assert finder.find(" ") == finder.find("nothing like that") == []


def test_signs_of_a_pattern_are_mere_signs() -> None:
    finder = Finder(items(a="100% (live) [x]", b="100 live"))
    assert finder.find("% (live) [") == [0]
    assert finder.find(".*") == []
