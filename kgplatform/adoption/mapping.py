"""The map of a graph that is adopted: what labels, types and properties mean here; read from YAML, every mistake told with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from kgplatform import cards, names
from kgplatform.errors import BadCard, BadFile, BadName, BadRequest
from kgplatform.literals import DATATYPES
from kgplatform.store.connection import SCHEMES
from kgplatform.store.records import RELATION_BYTES

if TYPE_CHECKING:
    import yaml


@dataclass(frozen=True, slots=True)
class Value:
    """A property of nodes that becomes facts with values: one, or one for each item of a list."""

    property: str
    relation: str
    datatype: str = "string"
    unit: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class NodeMap:
    """What nodes with a label are. Without ``id`` they go by the server's own ids, without ``name`` by their ids."""

    label: str
    kind: str
    name: str = ""
    id: str = ""
    aliases: str = ""
    description: str = ""
    values: tuple[Value, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The properties that an entity is made of."""
        return tuple(filter(None, (self.name, self.id, self.aliases, self.description)))


@dataclass(frozen=True, slots=True)
class EdgeMap:
    """What relationships of a type say; ``reverse`` makes their end the head. ``qualifiers`` are (property, name)."""

    type: str
    relation: str
    reverse: bool = False
    confidence: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Map:
    """Where the graph is, and what it means. A node with several of the labels goes by the first of them."""

    path: Path
    nodes: Mapping[str, NodeMap]
    edges: Mapping[str, EdgeMap]
    uri: str = ""
    database: str = ""
    user: str = ""
    ignored: tuple[str, ...] = ()

    def of(self, labels: Collection[str]) -> tuple[NodeMap, ...]:
        """What nodes with these labels are, in the order of the map."""
        return tuple(node for label, node in self.nodes.items() if label in labels)

    def known(self, labels: Collection[str]) -> set[str]:
        """The properties of nodes with these labels that the map speaks of."""
        return {name for node in self.of(labels) for name in (*node.identity, *(value.property for value in node.values), *node.ignored)}


def read(path: Path) -> Map:
    """Raises ``BadFile`` with the line."""
    import yaml

    try:
        root = yaml.compose(cards.text(path), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BadFile(f"{path}{f', line {mark.line + 1}' if mark else ''}: is not YAML ({getattr(error, 'problem', error)})") from None
    except BadCard as error:
        raise BadFile(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{path}: cannot be read ({str(error)[:200]})") from None
    if root is None:
        raise BadFile(f"{path}: is empty: a map has at least  nodes;  --propose  writes a first one")
    return _map(_Part(path, root, root.start_mark.line + 1))


def address(path: Path, uri: str) -> Map:
    """A map that only says where: ``neo4j://[USER@]HOST:PORT[/DATABASE]``. Raises ``BadRequest``, for a password too."""
    try:
        found = urlsplit(uri)
        usable = found.scheme in SCHEMES and bool(found.hostname) and found.port != 0 and not (found.query or found.fragment)
    except ValueError:
        usable = False
    if not usable or found.password is not None:
        why = f"{uri.rpartition('@')[2][:80]!r} cannot be used as an address" if not usable else "an address must hold no password"
        raise BadRequest(f"{why}: expected e.g. neo4j://me@localhost:7687/movies, and the password as NEO4J_SOURCE_PASSWORD")
    host = found.netloc.rpartition("@")[2]
    return Map(path, {}, {}, f"{found.scheme}://{host}", unquote(found.path.strip("/")), unquote(found.username or ""))


class _Part:
    """A part of the file, and where it stands."""

    def __init__(self, path: Path, node: yaml.Node, line: int) -> None:
        self.path, self._line = path, line
        self._value: Any = node.value
        self._shape = node.tag.rpartition(":")[2] if node.tag.endswith((":map", ":seq", ":null")) else "text"

    def wrong(self, why: str) -> BadFile:
        return BadFile(f"{self.path}, line {self._line}: {why}")

    @property
    def is_text(self) -> bool:
        return self._shape == "text" and isinstance(self._value, str)

    def entries(self, what: str) -> dict[str, _Part]:
        """A mapping from words; nothing is an empty one."""
        if self._shape == "null":
            return {}
        if self._shape != "map":
            raise self.wrong(f"{what} must be a mapping")
        found: dict[str, _Part] = {}
        for key, value in self._value:
            line = key.start_mark.line + 1
            name = key.value  # also one that YAML would take for a number or nothing
            if not isinstance(name, str) or not name:
                raise _Part(self.path, key, line).wrong(f"a name in {what} must be words")
            if name in found:
                raise _Part(self.path, key, line).wrong(f"{_shown(name)} stands there twice")
            found[name] = _Part(self.path, value, line)
        return found

    def fields(self, what: str, known: Collection[str]) -> dict[str, _Part]:
        """A mapping with no other names than these."""
        found = self.entries(what)
        for name, part in found.items():
            if name not in known:
                raise part.wrong(f"{what} has no field {_shown(name)}: there are {', '.join(known)}")
        return found

    def text(self, what: str) -> str:
        if not self.is_text or not (text := str(self._value)).strip():
            raise self.wrong(f"{what} must be words")
        return text

    def texts(self, what: str) -> tuple[str, ...]:
        """Words, or a list of words."""
        if self.is_text:
            return (self.text(what),)
        if self._shape != "seq":
            raise self.wrong(f"{what} must be a list of words")
        return tuple(_Part(self.path, one, one.start_mark.line + 1).text(f"each of {what}") for one in self._value)

    def flag(self, what: str) -> bool:
        if self.is_text and str(self._value).lower() in ("true", "false"):
            return str(self._value).lower() == "true"
        raise self.wrong(f"{what} must be true or false")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _map(root: _Part) -> Map:
    told = root.fields("a map", ("uri", "database", "user", "nodes", "relationships", "ignore"))
    if "nodes" not in told or not (nodes := told["nodes"].entries("nodes")):
        raise root.wrong("the map has no  nodes:  it would adopt nothing")
    edges = told["relationships"].entries("relationships") if "relationships" in told else {}
    words = {name: told[name].text(name) for name in ("database", "user") if name in told}
    return Map(
        root.path,
        {label: _node(label, part) for label, part in nodes.items()},
        {type_: _edge(type_, part) for type_, part in edges.items()},
        _uri(told["uri"]) if "uri" in told else "",
        ignored=told["ignore"].texts("ignore") if "ignore" in told else (),
        **words,
    )


def _uri(part: _Part) -> str:
    uri = part.text("uri")
    try:
        found = urlsplit(uri)
        usable = found.scheme in SCHEMES and bool(found.hostname) and found.port != 0
    except ValueError:
        raise part.wrong("the uri cannot be read: expected e.g. neo4j://localhost:7687") from None
    if "@" in found.netloc:
        raise part.wrong("the uri must hold no user and no password: give  user  in the map, and the password as NEO4J_SOURCE_PASSWORD")
    if not usable:
        raise part.wrong(f"{_shown(uri)} cannot be used as the address of a graph server: expected e.g. neo4j://localhost:7687")
    return uri


def _node(label: str, part: _Part) -> NodeMap:
    if part.is_text:
        return NodeMap(label, _named(part, part.text("the kind")))
    told = part.fields(f"the label {_shown(label)}", ("kind", "name", "id", "aliases", "description", "values", "ignore"))
    words = {name: told[name].text(name) for name in ("name", "id", "aliases", "description") if name in told}
    values = told["values"].entries("values") if "values" in told else {}
    return NodeMap(
        label,
        _named(told["kind"], told["kind"].text("kind")) if "kind" in told else _named(part, words_of(label)),
        values=tuple(_value(name, value) for name, value in values.items()),
        ignored=told["ignore"].texts("ignore") if "ignore" in told else (),
        **words,
    )


def _value(name: str, part: _Part) -> Value:
    if part.is_text:
        return Value(name, _named(part, part.text("the relation")))
    told = part.fields(f"the property {_shown(name)}", ("relation", "datatype", "unit", "language"))
    words = {field: told[field].text(field) for field in ("datatype", "unit", "language") if field in told}
    if words.get("datatype", "string") not in DATATYPES:
        raise told["datatype"].wrong(f"{_shown(words['datatype'])} is not a datatype: use one of {', '.join(sorted(DATATYPES))}")
    relation = _named(told["relation"], told["relation"].text("relation")) if "relation" in told else _named(part, words_of(name))
    return Value(name, relation, **words)


def _edge(type_: str, part: _Part) -> EdgeMap:
    if part.is_text:
        return EdgeMap(type_, _named(part, part.text("the relation")))
    told = part.fields(f"the type {_shown(type_)}", ("relation", "reverse", "confidence", "qualifiers", "ignore"))
    qualifiers = told["qualifiers"].entries("qualifiers") if "qualifiers" in told else {}
    named = {name: _named(one, one.text("the qualifier")) for name, one in qualifiers.items()}
    if twice := sorted(name for name in named.values() if list(named.values()).count(name) > 1):
        raise told["qualifiers"].wrong(f"two properties become the qualifier {_shown(twice[0])}")
    return EdgeMap(
        type_,
        _named(told["relation"], told["relation"].text("relation")) if "relation" in told else _named(part, words_of(type_)),
        told["reverse"].flag("reverse") if "reverse" in told else False,
        told["confidence"].text("confidence") if "confidence" in told else "",
        tuple(named.items()),
        told["ignore"].texts("ignore") if "ignore" in told else (),
    )


def _named(part: _Part, text: str) -> str:
    """A kind, a relation or a qualifier as it is kept."""
    try:
        name = names.clean(text)
    except BadName as error:
        raise part.wrong(str(error)) from None
    if len(name.encode()) > RELATION_BYTES:
        raise part.wrong(f"{_shown(name)} is too long: at most {RELATION_BYTES} bytes")
    return name


def words_of(identifier: str) -> str:
    """``words_of("ACTED_IN") == "acted in"``, ``words_of("birthYear") == "birth year"``."""
    apart = "".join(f" {c}" if c.isupper() and before.islower() else c for before, c in zip(f" {identifier}", identifier, strict=False))
    return " ".join(apart.replace("_", " ").split()).lower() or identifier
