"""What a file of triples says of classes and properties, as kinds and relation cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kgplatform.cards import relation_from
from kgplatform.errors import BadRequest
from kgplatform.formats.described import Described
from kgplatform.formats.rows import Broken
from kgplatform.types import Kind, Relation

RDF, RDFS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/2000/01/rdf-schema#"
OWL, XSD = "http://www.w3.org/2002/07/owl#", "http://www.w3.org/2001/XMLSchema#"
MOST = 100_000
"""Classes, and properties, of one file: kinds and cards are held in memory."""

_PARENT, _DOMAIN, _RANGE, _INVERSE = "parent", "domain", "range", "inverse"
DEFINED = {f"{RDFS}subClassOf": _PARENT, f"{RDFS}domain": _DOMAIN, f"{RDFS}range": _RANGE, f"{OWL}inverseOf": _INVERSE}
"""Properties of classes and properties, and what they say."""
_FLAGS = {
    f"{OWL}FunctionalProperty": "functional",
    f"{OWL}InverseFunctionalProperty": "inverse_functional",
    f"{OWL}SymmetricProperty": "symmetric",
    f"{OWL}TransitiveProperty": "transitive",
}
_CLASSES = (f"{RDFS}Class", f"{OWL}Class")
_PROPERTIES = (f"{RDF}Property", f"{OWL}ObjectProperty", f"{OWL}DatatypeProperty", *_FLAGS)
_TYPES = {"integer": "integer", "int": "integer", "long": "integer", "nonNegativeInteger": "integer", "positiveInteger": "integer"}
_TYPES |= {"decimal": "decimal", "double": "decimal", "float": "decimal", "boolean": "boolean", "date": "date", "gYear": "year"}
_TYPES |= {"string": "string"}
_ANYTHING = frozenset({f"{OWL}Thing", f"{RDFS}Resource", f"{RDFS}Literal"})


class Schema:
    """``called`` is what a class or a property is named."""

    def __init__(self, said: Described, called: Callable[[str], str]) -> None:
        self._said, self._called = said, called

    def rows(self) -> Iterator[Kind | Relation | str]:
        """Kinds, the more general first where the file has them so, then cards, and what cannot be one. Raises ``Broken``."""
        classes = dict.fromkeys([*self._all((_PARENT,)), *self._all(("kind",), _CLASSES)])
        kinds: dict[str, Kind] = {}
        for iri in classes:
            name, above = self._called(iri), ""
            for parent in self._of(iri, _PARENT)[:1]:
                above = self._called(parent)
                kinds.setdefault(above, Kind(above, "", self._definition(parent)))
            kinds[name] = Kind(name, "" if above == name else above, self._definition(iri))
        yield from kinds.values()
        for iri in dict.fromkeys([*self._all((_DOMAIN, _RANGE, _INVERSE)), *self._all(("kind",), _PROPERTIES)]):
            try:
                yield self._card(iri)
            except BadRequest as error:
                yield str(error)

    def _all(self, what: tuple[str, ...], words: tuple[str, ...] = ()) -> list[str]:
        found = self._said.those(what, words, MOST + 1)
        if len(found) > MOST:
            raise Broken(f"declares more than {MOST:,} classes or properties: kinds and cards are held in memory")
        return [id for id in found if not id.startswith("_:")]

    def _of(self, iri: str, wanted: str) -> list[str]:
        return [words for what, words in self._said.of(iri) if what == wanted and not words.startswith("_:")]

    def _definition(self, iri: str) -> str:
        return next((words for what, words in self._said.of(iri) if what == "description"), "")

    def _card(self, iri: str) -> Relation:
        name = self._called(iri)
        given = {"name": name, "definition": self._definition(iri), "prompts": [f"{{head}} {name} {{tail}}"]}
        ends = {end: [self._end(one) for one in self._of(iri, end) if one not in _ANYTHING] for end in (_DOMAIN, _RANGE)}
        inverse = next(map(self._called, self._of(iri, _INVERSE)), "")
        flags = {flag: True for one in self._of(iri, "kind") if (flag := _FLAGS.get(one))}
        return relation_from({**given, **ends, **flags, _INVERSE: inverse})

    def _end(self, iri: str) -> str:
        return _TYPES.get(iri.removeprefix(XSD), "string") if iri.startswith(XSD) else self._called(iri)
