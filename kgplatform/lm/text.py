"""Text from anywhere, made fit for a tokenizer; a name that a model wrote; and a library's complaint, made fit for a sentence."""

from __future__ import annotations

import re

from kgplatform.errors import BadName
from kgplatform.names import clean

_BOLD = re.compile(r"(?<![\w*`])(\*{1,3}|`{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*`])")
_BEFORE = re.compile(r"^(?:\*\*+|#+\s|[*•-]\s|>\s|`|\s)+")
_BEHIND = re.compile(r"(?:\*\*+|`|\s)+$")
_HOLLOW = re.compile(r"^(?:[\W_]*[,;|])+\s*|\s*[,;|](?:(?![,;|])[\W_])*(?=[,;|]|$)")
"""Separators with no letter and no digit on one side."""


def wellformed(text: str) -> str:
    """Lone surrogates, which a document may hold and no tokenizer takes, become the replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def name(said: str) -> str:
    """A name out of a model's answer, without the marks of Markdown and what stands empty between commas: ``**Silk**, **`` is Silk.

    Raises ``BadName`` for one without a letter or a digit.
    """
    bare = clean(said)
    if not bare.isalnum():
        bare = _HOLLOW.sub("", _BEHIND.sub("", _BEFORE.sub("", _BOLD.sub(r"\2", bare)))).strip()
    if not any(map(str.isalnum, bare)):
        raise BadName(f"{said[:60]!r} is not a name: it has no letter and no digit")
    return bare


def first_line(error: Exception) -> str:
    """What an exception says, without the pages that libraries add."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
