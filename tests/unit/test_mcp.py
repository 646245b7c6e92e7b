"""What a language model's program finds at ``kg mcp``: tools with schemas, structured answers, and sentences for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.opening import connect
from tests.apart import apart
from tests.ui import world
from ui.asking.asking import Asking
from ui.mcp import server


def with_client(do: Callable[[Client], Awaitable[None]], writes: bool = False) -> KnowledgeGraph:
    kg = connect("memory")
    world.fill(kg)

    async def run() -> None:
        async with Client(server(Asking(kg, HashingEncoder), writes=writes)) as client:
            await do(client)

    apart(run)
    return kg


def said(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_tools_say_what_they_take_and_that_they_only_read() -> None:
    async def look(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"search", "entity", "neighbours", "paths", "facts", "explain", "cypher", "ask", "schema"} == tools.keys()
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
        assert tools["search"].input_schema["properties"]["limit"]["maximum"] == 100
        assert all(tool.description and tool.output_schema for tool in tools.values())

    with_client(look)


def test_answers_are_structured_and_the_same_as_text() -> None:
    async def ask(client: Client) -> None:
        for name, arguments in (
            ("search", {"text": "curie"}),
            ("neighbours", {"entity": "Warsaw", "hops": 2}),
            ("paths", {"start": "radium", "end": "Poland"}),
            ("facts", {"limit": 3, "status": "all"}),
            ("explain", {"fact": "Marie Curie | born in | Warsaw"}),
            ("ask", {"question": "Who founded the Radium Institute?"}),
            ("schema", {}),
        ):
            result = await client.call_tool(name, arguments)
            assert not result.is_error and json.loads(said(result)) == result.structured_content
        assert world.QUOTE in said(await client.call_tool("explain", {"fact": "Marie Curie | born in | Warsaw"}))

    with_client(ask)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("entity", {"entity": "Mari Curie"}, "near it: Marie Curie"),
        ("entity", {}, "entity is missing"),
        ("facts", {"limit": 0, "colour": "red"}, "limit must be at least 1 (and 1 more)"),
        ("facts", {"relation": "borne in"}, "no relation 'borne in'; near it: born in"),
        ("facts", {"source": "doc:nobody"}, "no source 'doc:nobody'"),
        ("cypher", {"query": "RETURN 1"}, "no Cypher"),
        ("cypher", {"query": 3}, "query must be a string"),
        ("cypher", {"query": "RETURN 1", "seconds": "5"}, "seconds must be a number"),
        ("cypher", {"query": "RETURN 1", "parameters": []}, "parameters must be a JSON object, with a value by each name"),
        ("search", {"text": ""}, "text must not be empty"),
        ("search", {"text": "x", "limit": "many"}, "limit must be a whole number"),
        ("facts", {"as_of": "long ago"}, "as_of must be a date, written as 1990, 1990-05 or 1990-05-17"),
        ("paths", {"start": "Warsaw", "by": "luck"}, "by must be one of 'shortest', 'specific' or 'confidence'"),
        ("ask", {"question": "Who?", "means": ["x", 3]}, "item 2 of means must be a string"),
        ("delete", {}, "there is no tool 'delete'"),
    ],
)
def test_what_is_wrong_is_one_sentence(name: str, arguments: dict[str, object], words: str) -> None:
    async def ask(client: Client) -> None:
        result = await client.call_tool(name, arguments)
        assert result.is_error and words in said(result) and "\n" not in said(result)

    with_client(ask)


def test_who_is_let_in_to_write_proposes_what_waits_for_a_person_and_touches_nothing_else() -> None:
    said_so = {"quote": "Radon was found by Friedrich Ernst Dorn.", "where": "A history of gases"}
    fact = {"head": "Radon", "relation": "discovered by", "tail": "Friedrich Dorn", **said_so}
    filled = connect("memory")
    world.fill(filled)
    before = {one.key: one for one in filled.facts(status="all")}

    async def ask(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        hints = tools["propose"].annotations
        assert hints and not hints.read_only_hint and hints.destructive_hint is False
        made = await client.call_tool("propose", fact)
        assert not made.is_error and made.structured_content
        assert (made.structured_content["status"], made.structured_content["verdict"]) == ("proposed", "none")
        for wrong, words in (
            (fact, "the graph holds that already"),
            ({**said_so, "head": "Marie Curie", "relation": "born in", "tail": "Paris"}, "the graph holds that already"),
            ({**fact, "relation": "smells of"}, "the graph has no relation 'smells of'"),
            ({**fact, "quote": ""}, "quote must not be empty"),
            ({**fact, "confidence": 1.0}, "confidence is no argument of this"),
        ):
            refused = await client.call_tool("propose", wrong)
            assert refused.is_error and words in said(refused), wrong

    kg = with_client(ask, writes=True)
    (new,) = (one for one in kg.facts(status="all") if one.key not in before)
    assert {one.key: one for one in kg.facts(status="all")} == {**before, new.key: new}
    (piece,) = kg.store.evidence(new.key)
    assert piece.quote == said_so["quote"] and piece.detail == (("where", "A history of gases"),)
    assert new.sources[0].startswith("program:")
    assert kg.accept(new).verdict == "accepted"
    kg.forget(new.sources[0])


def test_proposals_are_refused_where_nobody_lets_them_in() -> None:
    async def ask(client: Client) -> None:
        refused = await client.call_tool("propose", {"head": "Radon", "relation": "discovered by", "tail": "X", "quote": "So."})
        assert refused.is_error and "there is no tool 'propose'" in said(refused)

    with_client(ask)
