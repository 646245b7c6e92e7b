"""Text as it is, where Streamlit would read Markdown."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_DIRECTIVE = re.compile(r":(?=[a-z][\w+/-]*:)")


def plain(text: object) -> str:
    """The words with every sign that Markdown could read as its own made harmless."""
    # Icons and emoji, ``:name:``, are looked for after the escapes are gone; a word joiner parts them.
    return _PUNCTUATION.sub(r"\\\1", _DIRECTIVE.sub(":\u2060", str(text)))
