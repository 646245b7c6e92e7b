"""Text from anywhere, made fit for a tokenizer; and a library's complaint, made fit for a sentence."""

from __future__ import annotations


def wellformed(text: str) -> str:
    """Lone surrogates, which a document may hold and no tokenizer takes, become the replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def first_line(error: Exception) -> str:
    """What an exception says, without the pages that libraries add."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
