"""Cypher as text: taken out of what a model says, and read as far as is needed to know what it would do and what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 4_000
"""Characters of a query."""
HOPS = 10
"""Of a walk of any length."""
_FENCE = re.compile(r"```(?:[a-z]*\s*\n|cypher\b)?(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_CLAUSES = "OPTIONAL|MATCH|UNWIND|WITH|RETURN|CALL|CREATE|MERGE|DELETE|DETACH|REMOVE|SET|DROP|FOREACH|LOAD|USE|SHOW|EXPLAIN|PROFILE"
_BEGIN = re.compile(rf"\A\s*(?i:{_CLAUSES})\b|\b(?:{_CLAUSES})\b|\b(?i:match)\s*\(")
_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})")
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:``|[^`])*`""", re.DOTALL)
_COMMENT = re.compile(rf"({_QUOTED.pattern})|/\*.*?\*/|//[^\n]*", re.DOTALL)
_WORD = re.compile(r"(?<![\w.:$|&!])[A-Za-z_]\w*")
_FIRST = frozenset(("match", "optional", "unwind", "with", "return", "call"))
_WRITING = frozenset("create merge set delete detach remove drop foreach insert alter grant deny revoke rename".split())
_PROCEDURE = re.compile(r"\bcall\b\s*[^\s({]", re.IGNORECASE)
_OUTSIDE = re.compile(r"\bload\s+csv\b|\buse\b|\bin\s+(?:\w+\s+)?(?:concurrent\s+)?transactions\b", re.IGNORECASE)
_FUNCTION = re.compile(r"(?<![\w$.])([A-Za-z_]\w*)\s*\.\s*\w[\w.]*\s*\(")
_TIMES = frozenset(("date", "datetime", "localdatetime", "time", "localtime", "duration", "point"))
_LENGTH = re.compile(r"-\s*\[[^\[\]{}*]*\*\s*(\d*)\s*(\.\.)?\s*(\d*)")
_REPEATED = re.compile(r"\)\s*\)\s*(?:[+*]|\{\s*\d*\s*,\s*\})")

_LABELS = r"(?:(?::|\bIS\b)\s*(?P<labels>[\w:|&!%\s]+?))?"
_MAP = r"(?P<map>\{[^{}]*\})?"
_NODE = re.compile(rf"\(\s*(?P<name>[A-Za-z_]\w*)?\s*{_LABELS}\s*{_MAP}\s*(?:WHERE\b[^()]*)?\)", re.IGNORECASE)
_EDGE = re.compile(
    rf"\s*(?P<left><?)\s*-\s*(?:\[\s*(?P<name>[A-Za-z_]\w*)?\s*{_LABELS}\s*(?:\*[\d.\s]*)?{_MAP}\s*\])?\s*-\s*(?P<right>>?)\s*(?=\()"
)
_KEY = re.compile(r"[{,]\s*([A-Za-z_]\w*)\s*:")
_PROPERTY = re.compile(r"(?<![\w.$])([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)(?!\w*\s*\()")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a pattern; ``labels`` are those of which it has one, ``at`` is where they stand."""

    name: str
    labels: tuple[str, ...]
    at: tuple[int, int]
    map: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship between two nodes of a pattern; ``arrow`` is ``<``, ``>`` or neither."""

    left: Node
    right: Node
    types: tuple[str, ...]
    at: tuple[int, int]
    arrow: str
    arrows: tuple[tuple[int, int], tuple[int, int]]


def taken(answer: str) -> str:
    """The query in a model's answer, without comments: its first fence, else all from the first clause on. Empty when there is none."""
    fence = _FENCE.search(answer)
    begin = None if fence else _BEGIN.search(answer)
    text = fence[1] if fence else answer[begin.start() :] if begin else ""
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return _COMMENT.sub(lambda found: found[1] or " ", text).strip().rstrip(";").strip()


def code(query: str) -> str:
    """The query, of the same length, with spaces for what stands in quotes."""
    return _QUOTED.sub(lambda found: found[0][0] + " " * (len(found[0]) - 2) + found[0][-1], query)


def refusal(query: str) -> str:
    """Why a query must not be run, in words for the model; empty when it may: it is one statement that reads, and can end."""
    text = code(query)
    words = [found[0].casefold() for found in _WORD.finditer(text)]
    if not query:
        return "there is no query in it"
    if len(query) > LONGEST:
        return f"it has {len(query):,} characters, and at most {LONGEST:,} are run"
    if ";" in text or "\\" in text:
        return "it must be one statement without  ;  and without  \\"
    if "$" in text:
        return "names and values must stand in it themselves, in quotes, not as parameters"
    if writing := next((word for word in words if word in _WRITING), ""):
        return f"{writing.upper()} writes, and only reading is allowed"
    if words[:1] == [] or words[0] not in _FIRST or "return" not in words:
        return "a query begins with MATCH and ends with RETURN"
    if _PROCEDURE.search(text) or any(found[1].casefold() not in _TIMES for found in _FUNCTION.finditer(text)):
        return "procedures and functions of extensions must not be called"
    if outside := _OUTSIDE.search(text):
        return f"{' '.join(outside[0].upper().split())} is not allowed"
    if _REPEATED.search(text) or any(not _ends(*found.groups()) for found in _LENGTH.finditer(text)):
        return f"a walk must have a longest length, of {HOPS} at most, such as *1..3"
    return ""


def _ends(least: str, dots: str | None, most: str) -> bool:
    bound = most or ("" if dots else least)
    return bool(bound) and len(bound) < 4 and int(bound) <= HOPS


def nodes(query: str) -> list[Node]:
    """The nodes of all patterns, and whatever else stands alone in parentheses, in order."""
    text = code(query)
    return [_node(found) for found in _NODE.finditer(text)]


def edges(query: str) -> Iterator[Edge]:
    """The relationships of all patterns, in order."""
    text, found = code(query), nodes(query)
    starts = {node.span[0]: node for node in found}
    for left in found:
        edge = _EDGE.match(text, left.span[1])
        if edge and (right := starts.get(edge.end())):
            arrow = "" if bool(edge["left"]) == bool(edge["right"]) else edge["left"] or edge["right"]
            marks = (edge.span("left"), edge.span("right"))
            yield Edge(left, right, _names(edge["labels"]), edge.span("labels"), arrow, marks)


def properties(query: str) -> Iterator[tuple[str, str]]:
    """(variable, property) as it uses them; the variable of a node without one is empty."""
    for node in nodes(query):
        for key in _KEY.findall(node.map):
            yield node.name, key
    for found in _PROPERTY.finditer(code(query)):
        yield found[1], found[2]


def _node(found: re.Match[str]) -> Node:
    return Node(found["name"] or "", _names(found["labels"]), found.span("labels"), found["map"] or "", found.span())


def _names(written: str | None) -> tuple[str, ...]:
    """The names of a label expression; none where it says what is not."""
    return () if written is None or "!" in written else tuple(re.findall(r"\w+", written))
