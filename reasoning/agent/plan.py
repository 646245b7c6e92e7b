"""A question that needs more than a walk, cut into questions that need one each, and what is to be done with their sets.

Pure text: a question with its names and values marked goes in, clauses come out, each with one topic. "Which elements were
discovered by A and named after B?" becomes "which elements discovered by A", "which elements named after B", both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Literal as OneOf

from reasoning.agent.cues import (
    AMONG,
    ASKING,
    AUXILIARIES,
    COMPARATIVE,
    COMPARISONS,
    EXTREMES,
    IMPERATIVES,
    NOT,
    OR,
    SPENT,
    TURNS,
    Extreme,
)
from reasoning.paths.values import Compare
from reasoning.paths.words import FUNCTION_WORDS, RETURNS

Form = OneOf["list", "count", "truth", "choice"]
Token = str | int
"""A word, or the number of a slot."""
_TOKEN = re.compile(r"['’]s\b|[^\W_]+(?:['’-][^\W_]+)*|[,;]")
_CLAUSE_BREAK = (",", ";")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a name or a value stands in the question."""

    start: int
    end: int
    value: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A question with one topic, which stands from ``start`` to ``end`` of ``text`` and is what ``slot`` says.

    With ``until`` it is all from one value to another. ``compare`` asks for what stands so to the topic ("before"), by what
    ``about`` says ("born"); ``negative``: all but these; ``union``: these too.
    """

    text: str
    start: int
    end: int
    slot: int
    until: int = -1
    compare: Compare = "="
    about: str = ""
    negative: bool = False
    union: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: ``extreme`` of the set that the clauses make of each other, or of ``noun``; then list, count, judge or choose.

    ``attribute`` has the words by which the extreme is found, its topic left open. ``strict``: "both" was said. ``targets`` are
    the slots that a yes-or-no question says the walk leads to (to one of them, with ``either``), or compares with.
    """

    form: Form
    clauses: tuple[Clause, ...]
    noun: str = ""
    extreme: Extreme | None = None
    attribute: str = ""
    strict: bool = False
    targets: tuple[int, ...] = ()
    either: bool = False
    compare: Compare = "="
    about: str = ""
    year: bool = False

    @property
    def simple(self) -> bool:
        """Whether it is a list of where one walk leads."""
        return self.form == "list" and len(self.clauses) == 1 and self.clauses[0].compare == "=" and not (self.extreme or self.clauses[0].negative)


@dataclass(slots=True)
class _Group:
    """Slots in a list, what is said before it and after it, and how it is joined to what comes before."""

    slots: list[int]
    before: list[Token]
    after: list[Token]
    negative: frozenset[int] = frozenset()
    either: bool = False
    union: bool = False
    compare: Compare = "="
    about: str = ""
    until: int = -1
    inverted: bool = False


def plan(
    question: str, slots: Sequence[Slot], is_wording: Callable[[str], bool] = lambda _: False, is_kind: Callable[[str], bool] = lambda _: True
) -> Plan:
    """The plan of a question whose names and values stand at ``slots``, in the order of the text.

    ``is_wording`` tells words that are the name of a relation ("named after"), and so compare nothing; ``is_kind`` what names a
    kind of things, which all clauses are about, from what names a part in a relation ("students"), which one is.
    """
    tokens = _tokens(question, slots)
    year = bool(re.search(r"\b(?:which|what) years?\b", question, re.IGNORECASE))
    form, tokens = _form(tokens)
    strict = not RETURNS.isdisjoint(map(_low, tokens))
    extreme, at, tokens = _counted(tokens, slots) or _extreme(tokens, form)
    groups = _groups(tokens, slots, is_wording)
    if form == "list" and extreme and groups and len(groups) == 1 and len(groups[0].slots) > 1 and groups[0].either:
        form = "choice"
    elif extreme and extreme.word in COMPARATIVE:
        extreme = None
    if form == "truth":
        return _truth(tokens, groups)
    noun = _noun(tokens, is_kind)
    attribute = _attribute(tokens, extreme, noun) if extreme else ""
    if extreme and groups and at > _place(tokens, groups[-1].slots[-1]) and not groups[-1].inverted:
        groups[-1].after = []
    of_all = noun if noun == "who" or is_kind(noun) else ""
    clauses = tuple(clause for number, group in enumerate(groups) for clause in _clauses(group, number, groups, of_all))
    return Plan(form, clauses, noun, extreme, attribute, strict, year=year)


def _low(token: Token) -> str:
    return token.casefold() if isinstance(token, str) else ""


def _tokens(question: str, slots: Sequence[Slot]) -> list[Token]:
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


def _form(tokens: list[Token]) -> tuple[Form, list[Token]]:
    """What is asked for, and the question as one for a list."""
    low = [_low(token) for token in tokens]
    for at, pair in enumerate(pairwise(low)):
        if pair == ("how", "many"):
            return "count", [*tokens[:at], "which", *tokens[at + 2 :]]
        if pair == ("number", "of") and at <= 3 and all(word in ASKING | FUNCTION_WORDS for word in low[:at]):
            return "count", ["which", *tokens[at + 2 :]]
    if low[:1] and low[0] in AUXILIARIES and low[1:2] == ["you"]:
        tokens = [token for token in tokens[2:] if _low(token) != "please"]
        low = [_low(token) for token in tokens]
    if low and low[0] in IMPERATIVES:
        rest = list(tokens[1:])
        while rest and _low(rest[0]) in ("me", "all", "the", "us"):
            rest = rest[1:]
        asked = rest if rest and _low(rest[0]) in ASKING else ["which", *rest]
        return ("count" if low[0] == "count" else "list"), asked
    return ("truth" if low and low[0] in AUXILIARIES else "list"), tokens


def _counted(tokens: list[Token], slots: Sequence[Slot]) -> tuple[Extreme, int, list[Token]] | None:
    """ "More than five elements": what is asked for by how many things a relation leads to."""
    low = [_low(token) for token in tokens]
    for at, token in enumerate(tokens):
        noun = low[at + 1] if at + 1 < len(low) else ""
        if not isinstance(token, int) or not slots[token].value or not noun or noun in FUNCTION_WORDS | TURNS:
            continue
        for phrase, compare, _ in COMPARISONS:
            if len(phrase) == 2 and tuple(low[max(0, at - 2) : at]) == phrase:
                extreme = Extreme(True, "count", noun=noun, word=" ".join(phrase), slot=token, compare=compare)
                return extreme, at - 2, [*tokens[: at - 2], *tokens[at + 2 :]]
    return None


def _extreme(tokens: list[Token], form: Form) -> tuple[Extreme | None, int, list[Token]]:
    """The first superlative, where it stands, and the question without it."""
    low = [_low(token) for token in tokens]
    if form == "truth":
        return None, -1, tokens
    for at in range(len(tokens)):
        for size in (2, 1):
            extreme = EXTREMES.get(tuple(low[at : at + size]))
            rest = [*tokens[:at], *tokens[at + size :]]
            if not extreme or len(low[at : at + size]) < size or low[at + size : at + size + 1] == ["than"] or low[max(0, at - 1) : at] == ["at"]:
                continue
            if extreme.scale != "count":
                return extreme, at, rest
            noun = next((word for word in low[at + size :] if word), "")
            if noun and noun not in FUNCTION_WORDS and isinstance(tokens[at + size], str):
                return replace(extreme, noun=noun), at, [*rest[:at], *rest[at + 1 :]]
    return None, -1, tokens


def _groups(tokens: list[Token], slots: Sequence[Slot], is_wording: Callable[[str], bool]) -> list[_Group]:
    """The slots with the words before them, in order; those that a bare "and", "or", "but not" joins are together."""
    groups: list[_Group] = []
    piece: list[Token] = []
    for token in tokens:
        if isinstance(token, str):
            piece.append(token)
            continue
        last = groups[-1] if groups else None
        if last and slots[token].value and slots[last.slots[-1]].value and last.until < 0 and _span(last, piece):
            last.until, last.before = token, last.before[:-1]
        elif last and _listed(piece):
            last.slots.append(token)
            last.either = last.either or any(_low(word) in OR for word in piece)
            if not NOT.isdisjoint(map(_low, piece)):
                last.negative |= {token}
        else:
            before, compare, about = _comparison(piece, slots[token].value, is_wording)
            inverted = bool(groups == [] and before and _low(_trimmed(before)[-1:][0] if _trimmed(before) else "") in AUXILIARIES)
            groups.append(_Group([token], before, [], compare=compare, about=about, inverted=inverted))
        piece = []
    if groups:
        groups[-1].after = piece
    return groups


def _trimmed(piece: Sequence[Token]) -> list[Token]:
    """Without "both", "either", "the" at the end."""
    kept = list(piece)
    while kept and (_low(kept[-1]) in AMONG or _low(kept[-1]) == "the"):
        kept.pop()
    return kept


def _span(group: _Group, piece: Sequence[Token]) -> bool:
    """Whether "between X and Y" or "from X to Y" is meant."""
    ends = {"between": ("and",), "from": ("to", "until")}.get(_low(group.before[-1]) if group.before else "", ())
    return len(piece) == 1 and _low(piece[0]) in ends


def _listed(piece: Sequence[Token]) -> bool:
    low = [_low(word) for word in piece]
    joins = {"and", "or", "nor", "but", ",", "&", "not", "without", "well"}
    return not joins.isdisjoint(low) and all(word in joins or word in FUNCTION_WORDS or word in AMONG or word == "also" for word in low)


def _comparison(piece: list[Token], value: bool, is_wording: Callable[[str], bool]) -> tuple[list[Token], Compare, str]:
    """The words before a slot without those that compare with it."""
    low = [_low(word) for word in _trimmed(piece)]
    for phrase, compare, about in COMPARISONS:
        size = len(phrase)
        if compare == "=" or tuple(low[-size:]) != phrase:
            continue
        if not value and size == 1 and (phrase[0] in ("over", "under", "above", "below") or is_wording(" ".join(low[-2:]))):
            continue
        return list(piece[: len(low) - size]), compare, about
    return piece, "=", ""


def _content(words: Sequence[Token]) -> list[str]:
    return [word for word in words if isinstance(word, str) and word.casefold() not in FUNCTION_WORDS | TURNS | NOT | AMONG and word != "also"]


def _noun(tokens: Sequence[Token], is_kind: Callable[[str], bool]) -> str:
    """What is asked for: the kind, else the word, after "which" or "what was the"; or "who"."""
    low = [_low(token) for token in tokens]
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


def _place(tokens: Sequence[Token], slot: int) -> int:
    return next(at for at, token in enumerate(tokens) if token == slot and isinstance(token, int))


def _attribute(tokens: Sequence[Token], extreme: Extreme, noun: str) -> str:
    """The words by which a set is ordered, without those that only say what is in it; ``…`` stands for its members."""
    kept = [str(word) for word in tokens if isinstance(word, str) and _low(word) not in ASKING | TURNS | {noun}]
    if not extreme.noun:
        return " ".join(["…", *kept])
    verbs = [word for word in kept if word.casefold() not in FUNCTION_WORDS]
    return " ".join(["which", extreme.noun, *(["…", *kept] if verbs else ["of", "…"])])


def _clauses(group: _Group, number: int, groups: Sequence[_Group], noun: str) -> list[Clause]:
    before, union, negative = _before(group, number, groups, noun)
    after = group.after
    if number + 1 < len(groups):
        turn = _turn(groups[number + 1].before)
        inside = groups[number + 1].before
        after = [*after, *(inside[:turn] if turn >= 0 else inside if group.inverted else [])]
    if not NOT.isdisjoint(map(_low, after)):
        negative, after = True, [word for word in after if _low(word) not in NOT]
    if not number and not NOT.isdisjoint(map(_low, before)):
        negative, before = True, [word for word in before if _low(word) not in NOT]
    if len(group.slots) > 1:
        # "Which teachers do A and B share?" is what both walks lead to.
        before, after = ([word for word in side if _low(word) not in RETURNS] for side in (before, after))
    made = [_clause(before, slot, after, group) for slot in group.slots]
    return [
        replace(clause, negative=negative or clause.slot in group.negative, union=(union if not place else group.either))
        for place, clause in enumerate(made)
    ]


def _turn(piece: Sequence[Token]) -> int:
    """Where in the words between two topics the second condition begins, -1 for nowhere.

    It begins at a conjunction or a relative; after "A's students" at the verb.
    """
    low = [_low(word) for word in piece]
    own = AUXILIARIES if low[:1] in (["'s"], ["’s"]) else frozenset[str]()
    return next((at for at, word in enumerate(low) if word in TURNS or word in own), -1)


def _before(group: _Group, number: int, groups: Sequence[_Group], noun: str) -> tuple[list[Token], bool, bool]:
    """The words before a later group's topic as a question of its own; whether "or" joins it, and whether it is denied."""
    if not number:
        return [word for word in group.before if _low(word) not in SPENT], False, False
    turn = _turn(group.before)
    joiner = [_low(word) for word in group.before[turn : turn + 1]] if turn >= 0 else []
    own = [word for word in group.before[turn + 1 :] if _low(word) not in TURNS | SPENT]
    negative = not NOT.isdisjoint(map(_low, own))
    own = ["by" if _low(word) == "without" else word for word in own if _low(word) not in NOT - {"without"}]
    head: list[Token] = ["who"] if noun == "who" else ["which", noun] if noun else ["which"]
    if not _content(own) and not (group.after and _content(group.after)):
        own = [*_predicate(groups[0].before, noun), *own]
    return [*head, *own], joiner == ["or"], negative


def _predicate(before: Sequence[Token], noun: str) -> list[Token]:
    """What is said of the first topic, without what is asked for and the last preposition."""
    kept = [word for word in before if _low(word) not in ASKING | {noun} | NOT]
    while kept and _low(kept[-1]) in FUNCTION_WORDS:
        kept.pop()
    return kept


def _clause(before: Sequence[Token], slot: int, after: Sequence[Token], group: _Group) -> Clause:
    head = " ".join(map(str, before))
    start = len(head) + bool(head)
    topic = "…"
    tail = "".join(f" {word}" if word not in ("'s", "’s") else str(word) for word in after if word not in _CLAUSE_BREAK)
    text = f"{head} {topic}{tail}" if head else f"{topic}{tail}"
    return Clause(text, start, start + len(topic), slot, group.until, group.compare, group.about)


def _truth(tokens: list[Token], groups: Sequence[_Group]) -> Plan:
    """A yes-or-no question: does the walk from its first name lead to its last?"""
    if not groups:
        return Plan("truth", ())
    first, last = groups[0], groups[-1]
    if len(groups) > 2 or (len(groups) == 1 and len(first.slots) != 1):
        return Plan("truth", ())
    said = [*first.after, *(last.before if last is not first else [])] if last is not first else list(first.after)
    if last is not first:
        said = [*said, *last.after]
    negative = not NOT.isdisjoint(map(_low, said))
    said = [word for word in said if _low(word) not in NOT | AMONG]
    group = replace(first, compare="=", about="")
    clauses = tuple(_clause([word for word in first.before if _low(word) not in AMONG], slot, said, group) for slot in first.slots)
    targets = tuple(last.slots) if last is not first else ()
    clauses = tuple(replace(clause, negative=negative) for clause in clauses)
    return Plan("truth", clauses, targets=targets, compare=last.compare, about=last.about, either=last.either)
