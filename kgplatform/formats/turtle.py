"""Facts as Turtle: a fact a triple, which every tool for linked data reads and writes.

Entities are IRIs below ``iris.BASE``, or the IRI that their id is; names, aliases and descriptions are ``rdfs:label``,
``skos:altLabel`` and ``rdfs:comment``, kinds ``rdf:type``. Values have the datatypes of XML Schema, or one of ours where these have
none (a unit, a date that is a year). What is believed of a triple, and since when it holds, a triple cannot say.

Read are files of others as well: relations and kinds are called what their labels say, or the last part of their IRI; classes,
domains and ranges become kinds and cards (``schema``). A blank node gets an id from the file and its place in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, cast

from kgplatform.errors import BadRequest, MissingExtra
from kgplatform.formats import iris, rows
from kgplatform.formats.described import Described, Met, Near, Numbered, size
from kgplatform.formats.rows import Broken, Row, Rows, Stated, batches
from kgplatform.formats.schema import DEFINED, OWL, RDF, RDFS, Schema
from kgplatform.types import Claim, Entity, Literal, Source

SKOS, DCT, SDO = "http://www.w3.org/2004/02/skos/core#", "http://purl.org/dc/terms/", "schema.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
VALUE = f"{iris.HOME}value/"
"""Datatypes of ours stand below this: type, unit and language of a value that XML Schema has no type for."""

NAME, OTHERWISE, ALIAS, DESCRIPTION, KIND = "name", "name otherwise", "alias", "description", "kind"
_LIST, _STATEMENT = "list", "statement"
_SAID = {
    **dict.fromkeys((f"{RDFS}label", f"{SKOS}prefLabel", f"http://{SDO}name", f"https://{SDO}name"), NAME),
    **dict.fromkeys((f"{SKOS}altLabel", f"http://{SDO}alternateName", f"https://{SDO}alternateName"), ALIAS),
    **dict.fromkeys((f"{RDFS}comment", f"{DCT}description", f"{SKOS}definition"), DESCRIPTION),
    **dict.fromkeys((f"http://{SDO}description", f"https://{SDO}description"), DESCRIPTION),
}
"""Properties whose values describe an entity."""
_OF_THINGS = {f"{RDF}type": KIND, **DEFINED}
"""Properties whose IRIs say what an entity, a class or a property is."""
_OF_NODES = {
    **dict.fromkeys((f"{RDF}first", f"{RDF}rest"), _LIST),
    **dict.fromkeys((f"{RDF}{name}" for name in ("reifies", "subject", "predicate", "object")), _STATEMENT),
}
_NO_KINDS = frozenset({f"{OWL}NamedIndividual", f"{OWL}Thing", f"{RDFS}Resource", f"{RDF}List", f"{RDF}Statement"})
_WHY_NOT = {
    _LIST: "a list is no entity: state its members one by one",
    _STATEMENT: "it speaks of a triple (reification, RDF-star), and what is said of triples is not read",
}
_TYPES = {
    **dict.fromkeys(("integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger"), "integer"),
    **dict.fromkeys(("nonPositiveInteger", "negativeInteger"), "integer"),
    **dict.fromkeys(("unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte"), "integer"),
    **dict.fromkeys(("decimal", "double", "float"), "decimal"),
    "boolean": "boolean",
    "date": "date",
    "gYearMonth": "date",
    "gYear": "year",
}
_BOOLEANS = {"1": "true", "0": "false"}
_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
_MIDNIGHT = re.compile(r"(-?\d{4,}-\d\d-\d\d)T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?")
_WHERE = re.compile(r"^Parser error (?:at|between) .*?: (.*?)(?: \(line \d+\))?$", re.DOTALL)


# -- reading -----------------------------------------------------------------------------------------


def read(file: IO[bytes], source: Source) -> Rows:
    yield from read_as(file, source, "TURTLE")


def read_as(file: IO[bytes], source: Source, format: str) -> Rows:
    """A file in a format of pyoxigraph. It is read twice, for what it says of things and for its facts."""
    with Numbered() as blanks, Described(_said(_triples(file, source, format, blanks))) as said:
        for row in Schema(said, lambda iri: rows.relation(_called(said, iri, iris.words))).rows():
            yield 0, row
        yield from _facts(file, source, format, said)


def _facts(file: IO[bytes], source: Source, format: str, said: Described) -> Rows:
    """The second reading."""
    file.seek(0)
    reader = _Facts(said, source)
    with Numbered() as blanks:
        for line, (head, relation, tail) in _triples(file, source, format, blanks):
            if not _describing(relation, tail):
                try:
                    yield line, reader.fact(head, relation, tail)
                except BadRequest as error:
                    yield line, str(error)


Triple = tuple[str, str, Any]
"""Ids of entities; the tail may be a literal of pyoxigraph, or a triple of which something is said."""


class _Lines:
    """A file that gives a line at a time, so that what is known after a line stands in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ended = True
        self.number = 0

    def read(self, size: int = -1) -> bytes:
        line = self._file.readline(size)
        if self._ended and line:
            self.number += 1
            line = line.removeprefix(b"\xef\xbb\xbf") if self.number == 1 else line
            line = line or self._file.readline(size)
        self._ended = line.endswith(b"\n")
        return line


def _triples(file: IO[bytes], source: Source, format: str, blanks: Numbered) -> Iterator[tuple[int, Triple]]:
    """Line and parts; ``blanks`` numbers blank nodes as they come. Raises ``Broken``."""
    try:
        import pyoxigraph
    except ImportError:
        raise MissingExtra("pyoxigraph", extra="rdf", need="reading Turtle") from None
    iri, blank, lines, ids = pyoxigraph.NamedNode, pyoxigraph.BlankNode, _Lines(file), Near(iris.entity_id, len)
    ours = f"_:{source.id.rpartition(':')[2]}"

    def node(term: Any) -> str:
        return ids[term.value] if type(term) is iri else f"{ours}/{blanks[term.value]}"  # those without a label get one by chance

    base = iris.BASE if format == "TURTLE" else None
    try:
        for triple in pyoxigraph.parse(cast(IO[bytes], lines), getattr(pyoxigraph.RdfFormat, format), base_iri=base):
            tail = triple.object
            end = node(tail) if type(tail) is iri or type(tail) is blank else tail
            yield lines.number, (node(triple.subject), ids[triple.predicate.value], end)
    except SyntaxError as error:
        raise _broken(error) from None
    except MemoryError:  # the parser's own bound
        raise Broken("a text is longer than 16,777,216 bytes, or its quote is never closed", lines.number) from None


def _broken(error: SyntaxError) -> Broken:
    found = _WHERE.match(str(error))
    why = " ".join(found[1].split()) if found else str(error)
    if "nexpected end" in why:
        return Broken("breaks off: the file was cut, copy it again", error.lineno or 0)
    if "Invalid UTF-8" in why:
        return Broken("is not UTF-8 text: save it as UTF-8 and import it again", error.lineno or 0)
    return Broken(f"is no Turtle ({why[:200]})", error.lineno or 0)


def _describing(relation: str, tail: object) -> str | None:
    """What a triple says of its subject, ``None`` when it is a fact."""
    if isinstance(tail, str):
        return _OF_THINGS.get(relation) or _OF_NODES.get(relation)
    return _SAID.get(relation) or _OF_NODES.get(relation)


def _said(triples: Iterable[tuple[int, Triple]]) -> Iterator[tuple[str, str, str]]:
    for _, (head, relation, tail) in triples:
        what = _describing(relation, tail)
        if what is None:
            continue
        if what in (_LIST, _STATEMENT):
            yield head, what, ""
        elif isinstance(tail, str):
            yield head, what, tail
            if tail == f"{RDF}Statement":
                yield head, _STATEMENT, ""
        else:
            yield head, OTHERWISE if what == NAME and (tail.language or "en")[:2] != "en" else what, tail.value


def _called(said: Described, iri: str, otherwise: Callable[[str], str]) -> str:
    """The name of what an IRI means: the first in English or in no language, else the first, else the IRI's own words."""
    found = said.of(iri)
    return next((words for wanted in (NAME, OTHERWISE) for what, words in found if what == wanted and words.strip()), "") or otherwise(iri)


class _Facts:
    """Triples as claims, with all that the file says of their ends."""

    def __init__(self, said: Described, source: Source) -> None:
        self._said, self._source = said, source
        self._words = Near(lambda iri: rows.relation(_called(said, iri, iris.words)), len)
        self._entities = Near(self._entity, size)

    def fact(self, head: str, relation: str, tail: Any) -> Row:
        start, named = self._entities[head], self._words[relation]
        if isinstance(tail, str):
            if tail == f"{RDF}nil":
                raise BadRequest(_WHY_NOT[_LIST])
            thing = self._entities[tail]
            return Claim(start, named, thing, (rows.told(head, thing.id, 1.0, self._source),))
        if not hasattr(tail, "datatype"):
            raise BadRequest(_WHY_NOT[_STATEMENT])
        value = _value(tail.value, tail.datatype.value, tail.language or "")
        return Claim(start, named, value, (rows.told(head, value.value, 1.0, self._source),))

    def _entity(self, id: str) -> Entity:
        found = self._said.of(id)
        for what, _ in found:
            if what in _WHY_NOT:
                raise BadRequest(_WHY_NOT[what])
        name = _called(self._said, id, iris.name)
        names = dict.fromkeys(words for what, words in found if what in (NAME, OTHERWISE, ALIAS) and words.strip())
        kinds = dict.fromkeys(self._words[words] for what, words in found if what == KIND and words not in _NO_KINDS)
        description = next((words for what, words in found if what == DESCRIPTION), "")
        return rows.entity(id, name, tuple(kinds) or ("thing",), tuple(one for one in names if one != name), description)


def _value(text: str, datatype: str, language: str) -> Literal:
    """Raises ``BadRequest`` for what is no value of its type; of an unknown type it is text."""
    if datatype.startswith(VALUE):
        ours, unit, tongue, *_ = [*map(iris.unpart, datatype.removeprefix(VALUE).split("/")), "", ""]
        return rows.value(text, ours, unit, tongue)
    known = _TYPES.get(datatype.removeprefix(XSD), "string") if datatype.startswith(XSD) else "string"
    if known in ("date", "year"):
        text = _ZONE.sub("", text)
    elif known == "boolean":
        text = _BOOLEANS.get(text, text)
    elif datatype == f"{XSD}dateTime" and (day := _MIDNIGHT.fullmatch(text)):
        text, known = day[1], "date"
    return rows.value(text, known, "", language)


# -- writing -----------------------------------------------------------------------------------------

PREFIXES = {
    "id": iris.BASE,
    "kind": f"{iris.HOME}kind/",
    "relation": f"{iris.HOME}relation/",
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "xsd": XSD,
}
_LOCAL = re.compile(r"(?:[A-Za-z0-9_]|%[0-9A-F]{2})(?:[A-Za-z0-9_-]|%[0-9A-F]{2})*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_ESCAPED = re.compile(r'[\x00-\x1f"\\\x7f]')
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_NUMBER = {"integer": re.compile(r"[+-]?[0-9]+"), "decimal": re.compile(r"[+-]?[0-9]*\.?[0-9]+")}
_DATES = {4: "", 7: "gYearMonth", 10: "date"}


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    file.write("".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items()).encode() + b"\n")
    write_as(stated, file, _prefixed)


def write_as(stated: Iterable[Stated], file: IO[bytes], name: Callable[[str], str]) -> None:
    """Triples, a line each; ``name`` writes an IRI."""
    with Met() as met:
        writer = _Writer(name, met)
        for some in batches(stated, 1_000):
            file.write("".join(line for claim, _ in some for line in writer.lines(claim)).encode("utf-8", "replace"))


def _prefixed(iri: str) -> str:
    for name, begin in PREFIXES.items():
        if iri.startswith(begin) and _LOCAL.fullmatch(iri, len(begin)):
            return f"{name}:{iri[len(begin) :]}"
    return f"<{iri}>"


def full(iri: str) -> str:
    """An IRI as N-Triples has it."""
    return f"<{iri}>"


class _Writer:
    """Claims as lines; an entity is described before the first of them."""

    def __init__(self, name: Callable[[str], str], met: Met) -> None:
        self._name, self._met = name, met
        self._entities = Near(lambda id: name(iris.entity(id)), len)
        self._relations = Near(lambda relation: name(PREFIXES["relation"] + iris.part(relation)), len)
        properties = (f"{RDF}type", f"{RDFS}label", f"{SKOS}altLabel", f"{RDFS}comment")
        self._kind, self._label, self._alias, self._comment = map(name, properties)

    def lines(self, claim: Claim) -> Iterator[str]:
        yield from self._described(claim.head)
        if isinstance(claim.tail, Entity):
            yield from self._described(claim.tail)
            tail = self._entities[claim.tail.id]
        else:
            tail = self._value(claim.tail)
        yield f"{self._entities[claim.head.id]} {self._relations[claim.relation]} {tail} .\n"

    def _described(self, entity: Entity) -> Iterator[str]:
        if self._met.again(entity.id):
            return
        subject = self._entities[entity.id]
        for kind in entity.kinds if entity.kinds != ("thing",) else ():
            yield f"{subject} {self._kind} {self._name(PREFIXES['kind'] + iris.part(kind))} .\n"
        yield f"{subject} {self._label} {_quoted(entity.name)} .\n"
        for alias in entity.aliases:
            yield f"{subject} {self._alias} {_quoted(alias)} .\n"
        if entity.description:
            yield f"{subject} {self._comment} {_quoted(entity.description)} .\n"

    def _value(self, value: Literal) -> str:
        written = _quoted(value.value)
        if value.datatype == "string" and not value.unit and (not value.language or _LANGUAGE.fullmatch(value.language)):
            return f"{written}@{value.language}" if value.language else written
        return f"{written}^^{self._name(_datatype(value))}"


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


def _datatype(value: Literal) -> str:
    """XML Schema's type where it says all of the value, else one of ours."""
    plain = {"integer": "integer", "decimal": "decimal", "boolean": "boolean", "year": "gYear", "date": _DATES.get(len(value.value), "")}
    fits = _NUMBER.get(value.datatype)
    if not value.unit and not value.language and (known := plain.get(value.datatype)) and (not fits or fits.fullmatch(value.value)):
        return XSD + known
    return (VALUE + "/".join(map(iris.part, (value.datatype, value.unit, value.language)))).rstrip("/")
