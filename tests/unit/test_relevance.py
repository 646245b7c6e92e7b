"""Which passages come first in a search."""

from __future__ import annotations

from kgplatform.store.fulltext import asked
from kgplatform.store.relevance import ranked, words
from kgplatform.types import Passage, SourceId


def passages(*texts: str) -> list[Passage]:
    return [Passage(SourceId(f"doc:{n}"), 0, 0, len(text), text) for n, text in enumerate(texts)]


def best(search: str, *texts: str, limit: int = 10) -> list[int]:
    return [int(one.source[4:]) for one in ranked(asked(search), passages(*texts), limit)]


def test_a_rare_word_counts_more_than_frequent_ones() -> None:
    assert best("the discovery of radium", "the name of the city of the sun", "the radium", "the sea of the", "of the moon")[0] == 1


def test_more_words_count_more_and_a_long_passage_less() -> None:
    assert best("marie radium", "marie found it", "marie found radium", "radium was found") == [1, 0, 2]
    assert best("radium", "radium" + " and more" * 40, "radium alone") == [1, 0]
    assert best("radium", "nothing of it") == best("", "radium") == []
    assert best("radium", *["radium"] * 5, limit=2) == [0, 1]


def test_words_are_parted_as_the_servers_indexes_do() -> None:
    assert words("O'Brien’s state-of-the-art 3.14, ＲＡＤＩＵＭ. 居里x a_b") == [
        *("o'brien’s", "state", "of", "the", "art", "3.14", "radium", "居", "里", "x", "a_b")
    ]


def test_only_what_an_index_could_hold_is_asked_for() -> None:
    assert asked('  "radium"  +++ 😀 AND\x00 a\ud800 a\ud800') == ['"radium"', "AND\x00", "a?"]
    assert len(asked(" ".join(map(str, range(1_000))))) == 32
