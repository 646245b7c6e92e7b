"""Any text as a safe query of the servers' full-text index (Lucene's syntax), which only proposes candidates."""

from __future__ import annotations

from collections.abc import Iterable

from kgplatform import names

_LONGEST = 200
_WORDS = 16
_WORD = 60


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(text: str) -> list[str]:
    """Runs of letters and digits: they need no escaping in a query."""
    return "".join(c if c.isalnum() else " " for c in text).split()


def candidates(text: str) -> str:
    """A query for names that hold any of the words, a beginning of them, or a misspelling; empty when nothing can be asked."""
    parts = []
    for word in dict.fromkeys(_words(text[: 4 * _LONGEST])[:_WORDS]):
        short = word[:_WORD]
        parts.append(_quoted(short))
        parts.append(f"{short}*")
        if len(short) == len(word) and len(word) > 3:
            parts.append(f"{short}~{2 if len(word) > 5 else 1}")
    if not parts and text:
        parts.append(_quoted(text[:_LONGEST]))
    return " OR ".join(parts)


def asked(text: str) -> list[str]:
    """The words of a search as they stand between spaces, each once; what has no letter or digit is in no index."""
    words = (word[:_LONGEST] for word in names.storable(text).split() if any(c.isalnum() for c in word[:_LONGEST]))
    return list(dict.fromkeys(words))[: 2 * _WORDS]


def any_of(words: list[str]) -> str:
    """A query for what holds any of the words: quoted, so that the index takes them apart as it did the text."""
    return " OR ".join(map(_quoted, words))


def key_marks(keys: Iterable[str]) -> str:
    """Keys of names as words, so that who has more of them fits better."""
    return " ".join(map(mark, keys))


def mark(key: str) -> str:
    """A normalised name as one word, so that an index of words holds whole names: who shares a word with others is not among them."""
    return names.digest(key)
