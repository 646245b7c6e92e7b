"""The map of a Neo4j graph: what it may say, and that every mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgplatform import settings
from kgplatform.adoption import mapping
from kgplatform.adoption.mapping import EdgeMap, NodeMap, Value
from kgplatform.adoption.source import login, quoted
from kgplatform.errors import BadFile, BadRequest

GOOD = """\
uri: bolt://films.example:7688
database: films
user: reader
nodes:
  Person:
    kind: person
    name: name
    id: personId
    aliases: also
    values:
      born: {relation: born in year, datatype: year}
      no: number
    ignore: [embedding]
  Odd `label`: thing
relationships:
  ACTED_IN:
    confidence: sure
    qualifiers: {roles: role, since: valid_from}
  DIRECTED_BY: {relation: directed, reverse: true}
ignore: [Log]
"""


def written(text: str) -> Path:
    path = Path("map.yaml")
    path.write_text(text)
    return path


def test_a_map_says_what_labels_and_types_mean() -> None:
    found = mapping.read(written(GOOD))
    assert (found.uri, found.database, found.user, found.ignored) == ("bolt://films.example:7688", "films", "reader", ("Log",))
    values = (Value("born", "born in year", "year"), Value("no", "number"))
    person = NodeMap("Person", "person", "name", "personId", "also", values=values, ignored=("embedding",))
    assert list(found.nodes.values()) == [person, NodeMap("Odd `label`", "thing")]
    acted = EdgeMap("ACTED_IN", "acted in", confidence="sure", qualifiers=(("roles", "role"), ("since", "valid_from")))
    assert list(found.edges.values()) == [acted, EdgeMap("DIRECTED_BY", "directed", reverse=True)]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("nodes:\n  A: b\n  A: c\n", 3, "'A' stands there twice"),
        ("nodes:\n  A: {kind: b, nmae: x}\n", 2, "no field 'nmae': there are kind, name"),
        ("nodes:\n  A:\n    kind: b\n    values:\n      x: {relation: r, datatype: number}\n", 5, "'number' is not a datatype"),
        ("nodes:\n  A: [b]\n", 2, "must be a mapping"),
        ("nodes:\n  A: b\nrelationships:\n  R: {reverse: maybe}\n", 4, "true or false"),
        ("nodes:\n  A: b\nrelationships:\n  R:\n    qualifiers: {x: a, y: a}\n", 5, "two properties become the qualifier 'a'"),
        ("nodes:\n  A: b\nuri: bolt://me:hush@host\n", 3, "no user and no password"),
        ("nodes:\n  A: b\nuri: http://host\n", 3, "address of a graph server"),
        ("nodes:\n  A: b\npassword: hush\n", 3, "no field 'password'"),
        ("nodes:\n  A: {kind: b, name: [x]}\n", 2, "must be words"),
        (f"nodes:\n  A: {'b' * 300}\n", 2, "too long"),
        ("uri: bolt://host\n", 1, "no  nodes"),
        ("nodes: {A: b\n", 2, "is not YAML"),
        ("- nodes\n", 1, "must be a mapping"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(BadFile, match=why) as wrong:
        mapping.read(written(text))
    assert str(wrong.value).startswith(f"map.yaml, line {line}: ")
    assert "\n" not in str(wrong.value)
    assert "hush" not in str(wrong.value)


def test_the_password_of_the_configured_server_goes_to_no_other() -> None:
    ours = settings.load({"NEO4J_URI": "neo4j://ours", "NEO4J_PASSWORD": "hush", "NEO4J_USERNAME": "me", "NEO4J_DATABASE": "kg"})
    found = login(mapping.read(written("nodes: {A: b}\n")), ours)
    assert (found.uri, found.username, found.database, found.password) == ("neo4j://ours", "me", "kg", "hush")
    assert login(mapping.read(written("uri: bolt://ours:7687\nnodes: {A: b}\n")), ours).password == "hush"
    found = login(mapping.read(written("uri: bolt://theirs\nnodes: {A: b}\n")), ours)
    assert (found.username, found.database, found.password) == ("neo4j", "neo4j", "")
    own = settings.load({"NEO4J_SOURCE_PASSWORD": "theirs"})
    assert login(mapping.read(written(GOOD)), own).password == "theirs"
    with pytest.raises(BadRequest, match="which server holds the graph"):
        login(mapping.read(written("nodes: {A: b}\n")), own)


def test_an_address_is_taken_apart_and_holds_no_password() -> None:
    found = mapping.address(Path("m.yaml"), "neo4j://me@host:1/films")
    assert (found.uri, found.user, found.database) == ("neo4j://host:1", "me", "films")
    for bad in ("http://host", "host", "bolt://me:hush@host", "bolt://:hush@", "bolt://host:99999999"):
        with pytest.raises(BadRequest, match="and the password as") as wrong:
            mapping.address(Path("m.yaml"), bad)
        assert "hush" not in str(wrong.value)


def test_names_that_would_break_out_of_their_quotes_do_not() -> None:
    assert quoted("a`b") == "`a``b`"
    assert quoted("a\\u0060b") == "`a\\u005cu0060b`"
