"""What a language model's program finds at ``kg mcp``: tools with schemas, structured answers, and sentences for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from kgplatform.lm.scripted import HashingEncoder
from kgplatform.opening import connect
from tests.apart import apart
from tests.ui import world
from ui.asking.asking import Asking
from ui.mcp import server


def with_client(do: Callable[[Client], Awaitable[None]]) -> None:
    kg = connect("memory")
    world.fill(kg)

    async def run() -> None:
        async with Client(server(Asking(kg, HashingEncoder))) as client:
            await do(client)

    apart(run)


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
        ("entity", {}, "entity: field required"),
        ("facts", {"limit": 0, "colour": "red"}, "limit: input should be greater than or equal to 1 (and 1 more)"),
        ("cypher", {"query": "RETURN 1"}, "no Cypher"),
        ("delete", {}, "there is no tool 'delete'"),
    ],
)
def test_what_is_wrong_is_one_sentence(name: str, arguments: dict[str, object], words: str) -> None:
    async def ask(client: Client) -> None:
        result = await client.call_tool(name, arguments)
        assert result.is_error and words in said(result) and "\n" not in said(result)

    with_client(ask)
