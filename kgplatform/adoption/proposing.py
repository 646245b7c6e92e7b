"""A first map of a graph, from its schema and a sample: for its owner to read, and to change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import yaml

from kgplatform import literals, names
from kgplatform.adoption.mapping import words_of
from kgplatform.adoption.source import SAMPLE, Foreign
from kgplatform.errors import BadName
from kgplatform.store.connection import Login
from kgplatform.store.records import RELATION_BYTES

_NAMES = ("name", "title", "label", "fullname", "full_name", "displayname", "display_name", "username", "caption", "headline", "subject")
_IDS = re.compile(r"(.*[a-z0-9]I|i)d|.*_id|uuid|guid|ID|iri|uri|key|code", re.ASCII)
_ALIASES = ("aliases", "alias", "synonyms", "alternative_names", "alsoknownas", "also_known_as", "nicknames")
_DESCRIPTIONS = ("description", "summary", "abstract", "bio", "overview", "text", "comment", "plot", "tagline")
_SECRET = re.compile(r"passw|secret|token|api_?key|credential", re.IGNORECASE)
_SURE = ("confidence", "probability", "score", "certainty", "weight")
_BEGINS = ("since", "from", "start", "startdate", "start_date", "startyear", "start_year", "valid_from", "validfrom")
_ENDS = ("until", "to", "end", "enddate", "end_date", "endyear", "end_year", "valid_to", "validto", "till")
_YEAR = re.compile(r"year|born|died|released|founded", re.IGNORECASE)
_VECTOR = 16
"""Numbers in a list that is taken for a vector."""

Values = list[Any]


def propose(foreign: Foreign, login: Login, together: bool) -> str:
    """The text of a map. With ``together``, for the same database, kinds are called so that no label of the owner's is theirs too."""
    unique, theirs = foreign.unique(), {}
    for label in foreign.labels():
        if sampled := foreign.sample(label):
            theirs[label] = _columns([one["held"] for one in sampled])
    lines = [
        "# A first map, proposed from the schema and a sample. Read it, change it, then try it:",
        "#   kg import --from-neo4j MAP.yaml --dry-run",
        "# The graph is only read. The password comes from NEO4J_SOURCE_PASSWORD, or is that of the configured server.",
        f"uri: {_scalar(login.address)}",
        f"database: {_scalar(login.database)}",
        f"user: {_scalar(login.username)}",
        "",
        "# Labels: the kind of entity, which properties name and identify it, which are values. A node with several goes by the first.",
    ]
    if together:
        lines.append("# The graph that adopts lies in this very database: its labels must be others than the owner's, hence such kinds.")
    lines += ["nodes:"] if theirs else ["nodes: {}"]
    for label, columns in sorted(theirs.items(), key=lambda item: item[0]):
        lines += _node(label, columns, foreign.count(label).nodes, unique, _kind(label, theirs if together else ()))
    edges = [(type_, joined) for type_ in foreign.types() if (joined := foreign.sample_edges(type_))]
    lines += [
        "",
        "# Types: the relation, which property is a confidence (0 to 1), which qualify the fact.",
        "relationships:" if edges else "relationships: {}",
    ]
    for type_, joined in edges:
        joins = Counter((_labels(one["starts"]), _labels(one["ends"])) for one in joined)
        lines += _edge(type_, _columns([one["held"] for one in joined]), foreign.count_edges(type_), joins)
    lines += ["", "# Labels and types that are left out on purpose, without a word.", "ignore: []", ""]
    return "\n".join(lines)


def _kind(label: str, theirs: Collection[str]) -> str:
    kind = _words(label, "thing")
    while names.label(kind) in theirs:
        kind = f"adopted {kind}"
    return kind


def _words(identifier: str, otherwise: str) -> str:
    """An identifier as a kind, a relation or a qualifier may be called."""
    try:
        return names.clean(words_of(identifier).encode()[:RELATION_BYTES].decode(errors="ignore"))
    except BadName:
        return otherwise


def _columns(held: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    """The values of each property; a list is shorter than the sample where some lack it."""
    found: dict[str, Values] = {}
    for one in held:
        for name, value in one.items():
            if name.strip():  # what has no name cannot be told in a map
                found.setdefault(name, []).append(value)
    return dict(sorted(found.items()))


def _node(label: str, columns: Mapping[str, Values], many: int, unique: Collection[tuple[str, str]], kind: str) -> Iterator[str]:
    name, id_ = _naming(columns), _identifying(label, columns, unique, min(many, SAMPLE))
    yield f"  {_scalar(label)}:  # {many:,} nodes"
    yield f"    kind: {_scalar(kind)}"
    yield f"    name: {_scalar(name)}" if name else "    # name: no property looks like a name; without, nodes are called by their ids"
    if id_:
        yield f"    id: {_scalar(id_)}{'  # unique' if (label, id_) in unique else '  # different in the whole sample'}"
    else:
        yield "    # id: no property is different for each; without, they go by the ids of the server, which it may give again"
    left = {one for one in columns if one not in (name, id_)}
    for field, known in (("aliases", _ALIASES), ("description", _DESCRIPTIONS)):
        if found := next((one for one in sorted(left) if one.lower() in known and _is_text(columns[one])), ""):
            yield f"    {field}: {_scalar(found)}"
            left.discard(found)
    ignored = [one for one in sorted(left) if _SECRET.search(one) or _is_vector(columns[one])]
    values = [one for one in sorted(left) if one not in ignored]
    if values:
        yield "    values:"
        for one in values:
            yield f"      {_scalar(one)}: {{relation: {_scalar(_words(one, 'related to'))}, datatype: {_datatype(one, columns[one])}}}"
    if ignored:
        yield f"    ignore: [{', '.join(map(_scalar, ignored))}]"


def _edge(type_: str, columns: Mapping[str, Values], many: int, joins: Mapping[tuple[str, str], int]) -> Iterator[str]:
    shown = ", ".join(f"{start} to {end}" for start, end in list(joins)[:3])
    yield f"  {_scalar(type_)}:  # {many:,} relationships: {shown}{' and others' if len(joins) > 3 else ''}"
    yield f"    relation: {_scalar(_words(type_, 'related to'))}"
    left = [one for one in columns if not _SECRET.search(one) and not _is_vector(columns[one])]
    if sure := next((one for one in left if one.lower() in _SURE and all(map(_is_sure, columns[one]))), ""):
        yield f"    confidence: {_scalar(sure)}"
        left.remove(sure)
    if left:
        yield "    qualifiers:"
        given: set[str] = set()
        for one in left:
            wanted = "valid_from" if one.lower() in _BEGINS else "valid_to" if one.lower() in _ENDS else _named(one)
            given.add(name := f"{_named(one)} {len(given)}" if wanted in given else wanted)
            yield f"      {_scalar(one)}: {_scalar(name)}"
    if ignored := [one for one in columns if one not in left and one != sure]:
        yield f"    ignore: [{', '.join(map(_scalar, ignored))}]"


def _named(property: str) -> str:
    """A qualifier keeps the name of its property where it can."""
    return property if property.isascii() and property.isidentifier() and len(property) <= RELATION_BYTES else _words(property, "said")


def _naming(columns: Mapping[str, Values]) -> str:
    """The property that reads most like a name."""
    texts = {name: values for name, values in columns.items() if all(isinstance(one, str) and len(one) <= 200 for one in values)}
    by_word = [name for word in _NAMES for name in texts if name.lower() == word]
    by_end = [name for name in texts if name.lower().endswith(("name", "title", "label"))]
    others = [name for name in texts if not _IDS.fullmatch(name) and not _SECRET.search(name) and _different(texts[name]) > 0.8]
    return next(iter([*by_word, *by_end, *others]), "")


def _identifying(label: str, columns: Mapping[str, Values], unique: Collection[tuple[str, str]], many: int) -> str:
    plain = [name for name, values in columns.items() if all(isinstance(one, str | int) and not isinstance(one, bool) for one in values)]
    bound = [name for name in plain if (label, name) in unique]
    likely = [name for name in plain if _IDS.fullmatch(name) and len(columns[name]) >= many and _different(columns[name]) == 1]
    return next(iter([*bound, *likely]), "")


def _different(values: Values) -> float:
    return len(set(values)) / len(values)


def _is_text(values: Values) -> bool:
    return all(isinstance(item, str) for value in values for item in (value if isinstance(value, list) else [value]))


def _is_vector(values: Values) -> bool:
    return any(
        isinstance(one, bytes | bytearray) or (isinstance(one, list) and len(one) >= _VECTOR and _is_number(one[0])) for one in values
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_sure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _datatype(name: str, values: Values) -> str:
    """The narrowest that fits the whole sample."""
    from neo4j.time import Date, DateTime

    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if not items:
        return "string"
    if all(isinstance(one, bool) for one in items):
        return "boolean"
    if all(isinstance(one, int) and not isinstance(one, bool) for one in items):
        return "year" if _YEAR.search(name) and all(1000 <= one <= 2999 for one in items) else "integer"
    if all(map(_is_number, items)):
        return "decimal"
    if all(isinstance(one, Date | DateTime) for one in items):
        return "date"
    texts = all(isinstance(one, str) for one in items)
    return "date" if texts and all(len(one) > 4 and literals.canonical(one, "date") for one in items) else "string"


def _labels(found: Sequence[str]) -> str:
    return "".join(c if c.isprintable() else "?" for c in ":".join(sorted(found))) or "(no label)"


def _scalar(text: str) -> str:
    """A word as YAML has it, in one line of plain characters."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*", text) and isinstance(yaml.safe_load(text), str):
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=False, width=10_000_000).strip()
