"""A question as words and slots, and what its words say is to be done: count, compare, take the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Literal as OneOf

from reasoning.agent.cues import AMONG, ASKING, AUXILIARIES, COMPARISONS, EXTREMES, IMPERATIVES, NUMBERS, RANKS, THAN, TURNS, Extreme
from reasoning.paths.values import Compare
from reasoning.paths.words import FUNCTION_WORDS

Form = OneOf["list", "count", "truth", "choice"]
Token = str | int
"""A word, or the number of a slot."""
TOPIC = "…"
"""What stands for a topic in a question that was made."""
REACH = 3
"""Words within which "than" follows what it belongs to: "more stars than"."""
_TOKEN = re.compile(r"['’]s\b|[^\W_]+(?:['’-][^\W_]+)*|[,;]")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a name or a value stands in the question."""

    start: int
    end: int
    value: bool = False


def folded(token: Token) -> str:
    return token.casefold() if isinstance(token, str) else ""


def tokenised(question: str, slots: Sequence[Slot]) -> list[Token]:
    tokens: list[Token] = []
    last = 0
    for number, slot in enumerate(slots):
        tokens += [*_words(question[last : slot.start]), number]
        last = slot.end
    return tokens + _words(question[last:])


def _words(text: str) -> list[Token]:
    found: list[Token] = []
    for word in _TOKEN.findall(text):
        short = re.fullmatch(r"(\w+)n['’]t", word, re.IGNORECASE)
        found += [short[1], "not"] if short else [word]
    return found


def asked_form(tokens: list[Token]) -> tuple[Form, list[Token]]:
    """What is asked for, and the question as one for a list."""
    low = [folded(token) for token in tokens]
    for at, pair in enumerate(pairwise(low)):
        if pair == ("how", "many"):
            return "count", [*tokens[:at], "which", *tokens[at + 2 :]]
        if pair == ("number", "of") and at <= 3 and all(word in ASKING | FUNCTION_WORDS for word in low[:at]):
            return "count", ["which", *tokens[at + 2 :]]
    if low[:1] and low[0] in AUXILIARIES and low[1:2] == ["you"]:
        tokens = [token for token in tokens[2:] if folded(token) != "please"]
        low = [folded(token) for token in tokens]
    if low and low[0] in IMPERATIVES:
        rest = list(tokens[1:])
        while rest and folded(rest[0]) in ("me", "all", "the", "us"):
            rest = rest[1:]
        asked = rest if rest and folded(rest[0]) in ASKING else ["which", *rest]
        return ("count" if low[0] == "count" else "list"), asked
    return ("truth" if low and low[0] in AUXILIARIES else "list"), tokens


def described(tokens: list[Token], is_kind: Callable[[str], bool]) -> list[Token]:
    """ "Which Python packages are large" as "which packages of Python that are large"."""
    for at, (asking, topic, noun) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        if folded(asking) in ("which", "what") and isinstance(topic, int) and isinstance(noun, str) and is_kind(noun):
            rest = tokens[at + 3 :]
            return [*tokens[: at + 1], noun, "of", topic, *(["that"] if rest and folded(rest[0]) not in TURNS else []), *rest]
    return tokens


def threshold(tokens: list[Token], slots: Sequence[Slot]) -> tuple[Extreme, int, list[Token]] | None:
    """ "More than five elements": what is asked for by how many things a relation leads to."""
    low = [folded(token) for token in tokens]
    for at, token in enumerate(tokens):
        noun = low[at + 1] if at + 1 < len(low) else ""
        if not isinstance(token, int) or not slots[token].value or not noun or noun in FUNCTION_WORDS | TURNS:
            continue
        for phrase, compare, _ in COMPARISONS:
            if len(phrase) == 2 and tuple(low[max(0, at - 2) : at]) == phrase:
                extreme = Extreme(True, "count", noun=noun, word=" ".join(phrase), slot=token, compare=compare)
                return extreme, at - 2, [*tokens[: at - 2], *tokens[at + 2 :]]
    return None


def superlative(tokens: list[Token], form: Form) -> tuple[Extreme | None, int, list[Token]]:
    """The first superlative, where it stands, and the question without it."""
    low = [folded(token) for token in tokens]
    if form == "truth":
        return None, -1, tokens
    for at in range(len(tokens)):
        for size in (2, 1):
            extreme = EXTREMES.get(tuple(low[at : at + size]))
            before, end = low[at - 1] if at else "", at + size
            if not extreme or "than" in low[end : end + REACH] or before == "at":
                continue
            if extreme.scale != "count":
                return _several(extreme, at, tokens, end)
            if before in RANKS or before in NUMBERS:
                extreme = replace(extreme, word=f"{before} {extreme.word}", rank=RANKS.get(before, 1), many=NUMBERS.get(before, 1))
            noun = next((word for word in low[end:] if word), "")
            if noun and noun not in FUNCTION_WORDS and isinstance(tokens[end], str):
                return replace(extreme, noun=noun), at, [*tokens[:at], *tokens[end + 1 :]]
    return None, -1, tokens


def _several(extreme: Extreme, at: int, tokens: Sequence[Token], end: int) -> tuple[Extreme, int, list[Token]]:
    """With its number, which stands right before it ("the second highest") or before what is asked for ("which two have the lowest")."""
    low = [folded(token) for token in tokens]
    asked = (place for place in range(1, at) if low[place] in NUMBERS and low[place - 1] in ASKING | {"the"})
    place = at - 1 if at and (low[at - 1] in RANKS or low[at - 1] in NUMBERS) else next(asked, -1)
    if place < 0:
        return extreme, at, [*tokens[:at], *tokens[end:]]
    number = low[place]
    told = replace(extreme, word=f"{number} {extreme.word}", rank=RANKS.get(number, 1), many=NUMBERS.get(number, 1))
    return told, at - 1, [*tokens[:place], *tokens[place + 1 : at], *tokens[end:]]


def trimmed(piece: Sequence[Token]) -> list[Token]:
    """Without "both", "either", "the" at the end."""
    kept = list(piece)
    while kept and (folded(kept[-1]) in AMONG or folded(kept[-1]) == "the"):
        kept.pop()
    return kept


def comparison(piece: list[Token], value: bool, is_wording: Callable[[str], bool]) -> tuple[list[Token], Compare, str]:
    """The words before a slot without those that compare with it."""
    kept = trimmed(piece)
    if [folded(word) for word in kept[-2:]] == ["that", "of"]:
        kept = kept[:-2]  # "greater than that of X"
    low = [folded(word) for word in kept]
    for phrase, compare, about in COMPARISONS:
        size = len(phrase)
        if compare == "=" or tuple(low[-size:]) != phrase:
            continue
        if not value and size == 1 and (phrase[0] in ("over", "under", "above", "below") or is_wording(" ".join(low[-2:]))):
            continue
        return list(piece[: len(low) - size]), compare, about
    for at in range(max(0, len(low) - 1 - REACH), len(low) - 2) if low[-1:] == ["than"] else ():
        if compared := THAN.get(low[at]):
            return list(piece[:at]), compared, " ".join(low[at + 1 : -1])
    return piece, "=", ""


def asked_noun(tokens: Sequence[Token], is_kind: Callable[[str], bool]) -> str:
    """What is asked for: the kind, else the word, after "which" or "what was the"; or "who"."""
    low = [folded(token) for token in tokens]
    at = next((at for at, word in enumerate(low) if word in ASKING), -1)
    if at < 0 or low[at] not in ("which", "what"):
        return "who" if low[at : at + 1] and low[at] in ("who", "whom") else ""
    rest = low[at + 1 :]
    if rest and rest[0] in AUXILIARIES:
        rest = rest[2:] if rest[1:2] == ["the"] else []
    while rest and rest[0] in ("of", "the", "these", "those"):
        rest = rest[1:]
    run = list(takewhile(lambda word: word and word not in FUNCTION_WORDS, rest))
    return next((word for word in run if is_kind(word)), next(iter(run), ""))


def ordering(tokens: Sequence[Token], extreme: Extreme, noun: str) -> str:
    """The words by which a set is ordered, without those that only say what is in it; ``…`` stands for its members."""
    kept = [str(word) for word in tokens if isinstance(word, str) and folded(word) not in ASKING | TURNS | {noun}]
    if not extreme.noun:
        return " ".join(["…", *kept])
    verbs = [word for word in kept if word.casefold() not in FUNCTION_WORDS]
    return " ".join(["which", extreme.noun, *(["…", *kept] if verbs else ["of", "…"])])
