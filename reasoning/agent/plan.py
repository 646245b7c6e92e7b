"""A question that needs more than a walk, cut into questions that need one each, and what is to be done with their sets.

Pure text: a question with its names and values marked goes in, clauses come out, each with one topic. "Which elements were
discovered by A and named after B?" becomes "which elements discovered by A", "which elements named after B", both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reasoning.agent.cues import AMONG, ASKING, AUXILIARIES, COMPARATIVE, NOT, OR, SPENT, TURNS, Extreme
from reasoning.agent.phrases import (
    TOPIC,
    Form,
    Slot,
    Token,
    asked_form,
    asked_noun,
    comparison,
    described,
    folded,
    ordering,
    superlative,
    threshold,
    tokenised,
    trimmed,
)
from reasoning.paths.values import Compare
from reasoning.paths.words import FUNCTION_WORDS, RETURNS

_CLAUSE_BREAK = (",", ";")
_EXISTING = frozenset("exist exists known graph all".split())


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
    the slots that a yes-or-no question says the walk leads to (to one of them, with ``either``), or compares with. ``every``: all
    of a kind are meant ("how many elements are there?").
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
    every: bool = False

    @property
    def simple(self) -> bool:
        """Whether it is a list of where one walk leads."""
        if self.form != "list" or self.extreme or len(self.clauses) != 1:
            return False
        return self.clauses[0].compare == "=" and not self.clauses[0].negative


@dataclass(slots=True)
class _Group:
    """Slots in a list, what is said before it and after it, and how it is joined to what comes before."""

    slots: list[int]
    before: list[Token]
    after: list[Token]
    negative: frozenset[int] = frozenset()
    either: bool = False
    compare: Compare = "="
    about: str = ""
    until: int = -1
    inverted: bool = False


def plan(
    question: str,
    slots: Sequence[Slot],
    is_wording: Callable[[str], bool] = lambda _: False,
    is_kind: Callable[[str], bool] = lambda _: True,
) -> Plan:
    """The plan of a question whose names and values stand at ``slots``, in the order of the text.

    ``is_wording`` tells words that are the name of a relation ("named after"), and so compare nothing; ``is_kind`` what names a
    kind of things, which all clauses are about, from what names a part in a relation ("students"), which one is.
    """
    tokens = tokenised(question, slots)
    year = bool(re.search(r"\b(?:which|what) years?\b", question, re.IGNORECASE))
    form, tokens = asked_form(tokens)
    tokens = described(tokens, is_kind)
    strict = not RETURNS.isdisjoint(map(folded, tokens))
    extreme, at, tokens = threshold(tokens, slots) or superlative(tokens, form)
    groups = _groups(tokens, slots, is_wording)
    if form == "list" and extreme and groups and len(groups) == 1 and len(groups[0].slots) > 1 and groups[0].either:
        form = "choice"
    elif extreme and extreme.word in COMPARATIVE:
        extreme = None
    if form == "truth":
        return _truth(groups)
    noun = asked_noun(tokens, is_kind)
    attribute = ordering(tokens, extreme, noun) if extreme else ""
    if extreme and groups and at > _place(tokens, groups[-1].slots[-1]) and not groups[-1].inverted:
        groups[-1].after = []
    of_all = noun if noun == "who" or is_kind(noun) else ""
    clauses = tuple(clause for number, group in enumerate(groups) for clause in _clauses(group, number, groups, of_all))
    every = not slots and bool(noun) and is_kind(noun) and set(map(folded, tokens)) <= {noun, *FUNCTION_WORDS, *_EXISTING}
    return Plan(form, clauses, noun, extreme, attribute, strict, year=year, every=every)


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
            last.either = last.either or any(folded(word) in OR for word in piece)
            if not NOT.isdisjoint(map(folded, piece)):
                last.negative |= {token}
        else:
            before, compare, about = comparison(piece, slots[token].value, is_wording)
            inverted = not groups and any(folded(word) in AUXILIARIES for word in trimmed(before)[-1:])
            groups.append(_Group([token], before, [], compare=compare, about=about, inverted=inverted))
        piece = []
    if groups:
        groups[-1].after = piece
    return groups


def _span(group: _Group, piece: Sequence[Token]) -> bool:
    """Whether "between X and Y" or "from X to Y" is meant."""
    ends = {"between": ("and",), "from": ("to", "until")}.get(folded(group.before[-1]) if group.before else "", ())
    return len(piece) == 1 and folded(piece[0]) in ends


def _listed(piece: Sequence[Token]) -> bool:
    low = [folded(word) for word in piece]
    joins = {"and", "or", "nor", "but", ",", "&", "not", "without", "well"}
    return not joins.isdisjoint(low) and all(word in joins or word in FUNCTION_WORDS or word in AMONG or word == "also" for word in low)


def _content(words: Sequence[Token]) -> list[Token]:
    return [word for word in words if folded(word) not in FUNCTION_WORDS | TURNS | NOT | AMONG | {"also", ""}]


def _place(tokens: Sequence[Token], slot: int) -> int:
    return next(at for at, token in enumerate(tokens) if token == slot and isinstance(token, int))


def _clauses(group: _Group, number: int, groups: Sequence[_Group], noun: str) -> list[Clause]:
    before, union, negative = _before(group, number, groups, noun)
    after = group.after
    if number + 1 < len(groups):
        turn = _turn(groups[number + 1].before)
        inside = groups[number + 1].before
        after = [*after, *(inside[:turn] if turn >= 0 else inside if group.inverted else [])]
    if not NOT.isdisjoint(map(folded, after)):
        negative, after = True, [word for word in after if folded(word) not in NOT]
    if not number and not NOT.isdisjoint(map(folded, before)):
        negative, before = True, [word for word in before if folded(word) not in NOT]
    if len(group.slots) > 1:
        # "Which teachers do A and B share?" is what both walks lead to.
        before, after = ([word for word in side if folded(word) not in RETURNS] for side in (before, after))
    made = [_clause(before, slot, after, group) for slot in group.slots]
    return [
        replace(clause, negative=negative or clause.slot in group.negative, union=(union if not place else group.either))
        for place, clause in enumerate(made)
    ]


def _turn(piece: Sequence[Token]) -> int:
    """Where in the words between two topics the second condition begins, -1 for nowhere.

    It begins at a conjunction or a relative; after "A's students" at the verb.
    """
    low = [folded(word) for word in piece]
    own = AUXILIARIES if low[:1] in (["'s"], ["’s"]) else frozenset[str]()
    return next((at for at, word in enumerate(low) if word in TURNS or word in own), -1)


def _before(group: _Group, number: int, groups: Sequence[_Group], noun: str) -> tuple[list[Token], bool, bool]:
    """The words before a later group's topic as a question of its own; whether "or" joins it, and whether it is denied."""
    if not number:
        return [word for word in group.before if folded(word) not in SPENT], False, False
    turn = _turn(group.before)
    joiner = [folded(word) for word in group.before[turn : turn + 1]] if turn >= 0 else []
    own = [word for word in group.before[turn + 1 :] if folded(word) not in TURNS | SPENT]
    negative = not NOT.isdisjoint(map(folded, own))
    own = ["by" if folded(word) == "without" else word for word in own if folded(word) not in NOT - {"without"}]
    head: list[Token] = ["who"] if noun == "who" else ["which", noun] if noun else ["which"]
    if not _content(own) and not (group.after and _content(group.after)):
        own = [*_predicate(groups[0].before, noun), *own]
    return [*head, *own], joiner == ["or"], negative


def _predicate(before: Sequence[Token], noun: str) -> list[Token]:
    """What is said of the first topic, without what is asked for and the last preposition."""
    kept = [word for word in before if folded(word) not in ASKING | {noun} | NOT]
    while kept and folded(kept[-1]) in FUNCTION_WORDS:
        kept.pop()
    return kept


def _clause(before: Sequence[Token], slot: int, after: Sequence[Token], group: _Group) -> Clause:
    head = " ".join(map(str, before))
    start = len(head) + bool(head)
    tail = "".join(f" {word}" if word not in ("'s", "’s") else str(word) for word in after if word not in _CLAUSE_BREAK)
    text = f"{head} {TOPIC}{tail}" if head else f"{TOPIC}{tail}"
    return Clause(text, start, start + len(TOPIC), slot, group.until, group.compare, group.about)


def _truth(groups: Sequence[_Group]) -> Plan:
    """A yes-or-no question: does the walk from its first names lead to its last?"""
    if len(groups) not in (1, 2) or (len(groups) == 1 and len(groups[0].slots) != 1):
        return Plan("truth", ())
    first, last = groups[0], groups[-1]
    said = first.after if last is first else [*first.after, *last.before, *last.after]
    negative = not NOT.isdisjoint(map(folded, said)) or "neither" in map(folded, first.before)
    said = [word for word in said if folded(word) not in NOT | AMONG]
    # "Was not Ann born in Rome?" asks what "Was Ann born in Rome?" asks.
    before = [word for word in first.before if folded(word) not in AMONG | NOT]
    clauses = tuple(replace(_clause(before, slot, said, first), compare="=", about="", negative=negative) for slot in first.slots)
    targets = () if last is first else tuple(last.slots)
    return Plan("truth", clauses, targets=targets, compare=last.compare, about=last.about, either=first.either or last.either)
