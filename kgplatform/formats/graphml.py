"""Facts as GraphML, for programs that draw and analyse graphs (Gephi, yEd, networkx, igraph): an entity a node, a fact an edge.

Nodes have their name as ``label``, ``kinds`` (as in ``columns``), ``aliases`` and ``description``; edges the relation as
``label``, the ``confidence`` of the fact and its ``qualifiers``. A value is a node with a ``datatype``. What XML cannot hold (some control
characters) stands in ``exact``, as JSON.

Read are the files of others as well: a node without ``kinds`` is known by its label, or else its id, and linked as the names of a
plain table are; what else is said of it are facts with values, what else is said of an edge are qualifiers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from kgplatform import names
from kgplatform.errors import BadRequest
from kgplatform.formats import columns, rows
from kgplatform.formats.described import Described, Met, Near, size
from kgplatform.formats.rows import Broken, Row, Rows, Stated, batches
from kgplatform.formats.xmlstream import Start, events
from kgplatform.types import Candidate, Claim, Entity, Literal, Mention, Qualifiers, Source

SPACE = "http://graphml.graphdrawing.org/"
UNNAMED = "related to"
"""The relation of an edge without a label."""
NODE = ("label", "kinds", "aliases", "description", "datatype", "unit", "language", "exact")
EDGE = ("label", "confidence", "qualifiers", "exact")
_LABELS = ("label", "name", "title")
_KINDS = ("kind", "type", "labels")
_RELATIONS = ("label", "relation", "relationship", "type", "predicate", "name")
_LOOKS = frozenset({"x", "y", "z", "r", "g", "b", "size"})
"""How Gephi draws a node; left out where a file has all the colours."""
_TYPES = {"int": "integer", "long": "integer", "float": "decimal", "double": "decimal", "boolean": "boolean"}
_JSON = json.JSONEncoder(ensure_ascii=False)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Data = dict[str, str]


# -- reading -----------------------------------------------------------------------------------------


def read(file: IO[bytes], source: Source) -> Rows:
    """It is read twice, for its nodes and for its facts."""
    with Described((one.id, name, text) for one in _elements(file) if one.name == "node" for name, text in _told(one)) as nodes:
        file.seek(0)
        reader = _Facts(nodes, source)
        for one in _elements(file):
            for row in reader.facts(one):
                yield one.line, row


@dataclass(slots=True)
class _Element:
    """A node or an edge with its data by name; ``types`` are those of the names."""

    name: str
    line: int
    attributes: Mapping[str, str]
    types: Mapping[str, str]
    data: Data = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.attributes.get("id", "")


@dataclass(slots=True)
class _Keys:
    """What the keys of a document mean: (what for, name, type), and what holds where nothing is said."""

    meant: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)

    def add(self, line: int, attributes: Mapping[str, str]) -> None:
        if len(self.meant) >= 10_000:
            raise Broken("has more than 10,000 keys: this is no graph of facts", line)
        id = attributes.get("id", "")
        self.meant[id] = (attributes.get("for", "all"), attributes.get("attr.name", id), attributes.get("attr.type", "string"))

    def of(self, name: str) -> tuple[dict[str, str], Data]:
        """Types and defaults of the data of nodes, or of edges."""
        mine = {id: meaning for id, meaning in self.meant.items() if meaning[0] in (name, "all")}
        types = {attribute: kind for _, attribute, kind in mine.values()}
        if {"r", "g", "b"} <= types.keys():
            types = {attribute: kind for attribute, kind in types.items() if attribute not in _LOOKS}
        return types, {mine[id][1]: text for id, text in self.defaults.items() if id in mine}


def _elements(file: IO[bytes]) -> Iterator[_Element]:
    """Nodes, edges and hyperedges as they end, with their data. Raises ``Broken``."""
    keys, key = _Keys(), ""
    known: dict[str, tuple[dict[str, str], Data]] = {}
    open_: list[_Element] = []
    root = ""
    for event in events(file, SPACE, frozenset({"data", "default"})):
        name = event.name
        if isinstance(event, Start):
            if not root and (root := name) != "graphml":
                raise Broken(f"is no GraphML: its first element is {rows.shown(name)}", event.line)
            if name == "key":
                key = event.attributes.get("id", "")
                keys.add(event.line, event.attributes)
                known = {}
            elif name in ("node", "edge", "hyperedge"):
                types, defaults = known.get(name) or known.setdefault(name, keys.of(name))
                open_.append(_Element(name, event.line, event.attributes, types, dict(defaults)))
        elif name == "default":
            keys.defaults[key] = event.text
        elif name == "data" and open_:
            if (data := event.attributes.get("key", "")) not in keys.meant:
                raise Broken(f"has data of the key {rows.shown(data)}, which no <key> before it declares", event.line)
            if (meant := keys.meant[data][1]) in open_[-1].types and event.text.strip():
                open_[-1].data[meant] = event.text
        elif name in ("node", "edge", "hyperedge"):
            yield open_.pop()


def _told(node: _Element) -> Iterator[tuple[str, str]]:
    """What is kept of a node until its edges are read."""
    data = _exact(node.data)
    yield "node", ""
    for name in ("id", *NODE[:-1], *_LABELS, *_KINDS):
        if name in data:
            yield name, data[name]


def _exact(data: Data) -> Data:
    """The data, with what XML could not hold."""
    if "exact" not in data:
        return data
    try:
        told = json.loads(data["exact"])
    except (ValueError, RecursionError):
        return data
    return {**data, **{str(name): text for name, text in told.items() if isinstance(text, str)}} if isinstance(told, dict) else data


End = Entity | Literal | Mention


class _Facts:
    """Elements as facts."""

    def __init__(self, nodes: Described, source: Source) -> None:
        self._nodes, self._source = nodes, source
        self._ends = Near(self._end, lambda end: size(end) if isinstance(end, Entity) else len(_words(end)))

    def facts(self, element: _Element) -> Iterator[Row]:
        if element.name == "hyperedge":
            yield "a hyperedge joins more than two: state it as edges"
        elif element.name == "edge":
            try:
                yield self._edge(element)
            except BadRequest as error:
                yield str(error)
        elif not {"kinds", "datatype"} & element.data.keys():
            yield from self._values(element)

    def _edge(self, element: _Element) -> Row:
        data = _exact(element.data)
        start, end = (self._ends[element.attributes.get(which, "")] for which in ("source", "target"))
        named = next((name for name in _RELATIONS if name in data), "")
        relation = rows.relation(data.pop(named, UNNAMED))
        sure = columns.confidence(data.pop("confidence", "1"))
        data.pop("exact", "")
        given = columns.read_qualifiers(told) if (told := data.pop("qualifiers", "")) else ()
        qualifiers: Qualifiers = tuple(sorted({**data, **dict(given)}.items(), key=itemgetter(0)))
        evidence = rows.told(_words(start), _words(end), sure, self._source)
        if isinstance(start, Entity) and not isinstance(end, Mention):
            return Claim(start, relation, end, (evidence,), qualifiers)
        if isinstance(start, Literal):
            raise BadRequest(f"the edge begins at the value {rows.shown(start.value)}: a value can only be a tail")
        if words := [name for name, value in qualifiers if isinstance(value, Entity)]:
            raise BadRequest(f"the qualifier {words[0]!r} is an entity by its id: give the nodes of the edge  kinds  as well")
        return Candidate(_mention(start), relation, end if isinstance(end, Literal) else _mention(end), evidence, qualifiers)  # type: ignore[arg-type]

    def _end(self, id: str) -> End:
        """What a node means. Raises ``BadRequest`` when there is none."""
        told = dict(self._nodes.of(id))
        if not told:
            raise BadRequest(f"the edge joins {rows.shown(id)}, which is no node")
        if "datatype" in told:
            return rows.value(told.get("label", ""), told["datatype"], told.get("unit", ""), told.get("language", ""))
        own = told.get("id", id)
        if "kinds" in told:
            aliases = _aliases(told.get("aliases", ""))
            return rows.entity(own, told.get("label", own), columns.kinds(told["kinds"]), aliases, told.get("description", ""))
        return _named(id, told)

    def _values(self, node: _Element) -> Iterator[Row]:
        """What a node of others says of itself."""
        used = {next((name for name in some if name in node.data), "") for some in (_LABELS, _KINDS)}
        for name, text in node.data.items():
            if name in used or name == "exact":
                continue
            try:
                start, relation = _named(node.id, node.data), rows.relation(name)
                value = rows.value(text, _TYPES.get(node.types[name], "string"))
                yield Candidate(start, relation, value, rows.told(start.name, value.value, 1.0, self._source))
            except BadRequest as error:
                yield str(error)


def _named(id: str, told: Mapping[str, str]) -> Mention:
    """A node of others: what it is called, and of which kind."""
    name = next((told[one] for one in _LABELS if one in told), id)
    kind = next((told[one] for one in _KINDS if one in told), "").strip(": ").partition(":")[0]
    return Mention(names.given_name(name), rows.relation(kind) if kind else "thing")


def _mention(end: Entity | Mention) -> Mention:
    return end if isinstance(end, Mention) else Mention(end.name, end.kinds[0], end.aliases, end.id)


def _words(end: End) -> str:
    return end.value if isinstance(end, Literal) else end.id if isinstance(end, Entity) else end.name


def _aliases(text: str) -> tuple[str, ...]:
    try:
        told = json.loads(text or "[]")
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise BadRequest(f"{rows.shown(text)} are not aliases: a JSON list of words")
    return tuple(told)


# -- writing -----------------------------------------------------------------------------------------

_HEADER = f"""<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="{SPACE}xmlns">
"""


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    keys = [_key("node", name) for name in NODE] + [_key("edge", name) for name in EDGE]
    file.write((_HEADER + "".join(keys) + '<graph edgedefault="directed">\n').encode())
    with Met() as met:
        for some in batches(stated, 1_000):
            file.write("".join(line for one in some for line in _lines(one, met)).encode())
    file.write(b"</graph>\n</graphml>\n")


def _key(of: str, name: str) -> str:
    kind = "double" if name == "confidence" else "string"
    return f'<key id="{of[0]}_{name}" for="{of}" attr.name="{name}" attr.type="{kind}"/>\n'


def _lines(stated: Stated, met: Met) -> Iterator[str]:
    claim, confidence = stated
    ends = []
    for end in (claim.head, claim.tail):
        id, data = _entity(end) if isinstance(end, Entity) else _value(end)
        if not met.again(id):
            yield f"<node id={quoteattr(_plain(id))}>{_data('n', data, id)}</node>\n"
        ends.append(quoteattr(_plain(id)))
    data = {"label": claim.relation, "confidence": f"{confidence:.6f}", "qualifiers": _safe(columns.write_qualifiers(claim.qualifiers))}
    yield f"<edge source={ends[0]} target={ends[1]}>{_data('e', data)}</edge>\n"


def _entity(entity: Entity) -> tuple[str, Data]:
    aliases = _safe(_JSON.encode(entity.aliases)) if entity.aliases else ""
    kinds = columns.joined(entity.kinds)
    return entity.id, {"label": entity.name, "kinds": kinds, "aliases": aliases, "description": entity.description}


def _value(value: Literal) -> tuple[str, Data]:
    parts = (value.datatype, value.unit, value.language, value.value)
    data = {"label": value.value, "datatype": value.datatype, "unit": value.unit, "language": value.language}
    return f"={names.digest(*parts)}", data


def _data(of: str, data: Data, id: str = "") -> str:
    told = {name: text for name, text in data.items() if text and text.strip()}
    exact = {name: text for name, text in {**told, "id": id}.items() if _NO_XML.search(text)}
    if exact:
        told["exact"] = json.dumps(exact)
    return "".join(f'<data key="{of}_{name}">{escape(_plain(text), {chr(13): "&#13;"})}</data>' for name, text in told.items())


def _plain(text: str) -> str:
    """The text as far as XML holds it."""
    return text if text.isascii() and text.isprintable() else _NO_XML.sub("\ufffd", text)


def _safe(encoded: str) -> str:
    """JSON, with escapes for what XML does not hold."""
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)
