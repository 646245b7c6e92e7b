"""MCP: the operations as tools, over standard input and output or over HTTP at ``/mcp``; what they write, if anything, is proposals."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent, Tool, ToolAnnotations
from starlette.applications import Starlette

from kgplatform.errors import KgError, NotFound
from ui.asking.asking import Asking
from ui.asking.operations import OPERATIONS, PROPOSE, Operation, answered
from ui.cli.failure import unexpected
from ui.cli.screen import as_json

_SAYS = """A knowledge graph whose every fact shows where it comes from. Begin with search or schema; explain says why a fact is believed.
Facts have a confidence from 0 to 1; say where it comes from (its sources) when you repeat one."""


def server(asking: Asking, home: Path | None = None, *, writes: bool = False) -> Server[Any]:
    """``home`` is the folder below which what nobody foresaw is written; one that ``writes`` takes proposals too."""
    by_name = {one.name: one for one in (*OPERATIONS, *((PROPOSE,) if writes else ()))}

    async def listed(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_tool(operation) for operation in by_name.values()])

    async def called(context: ServerRequestContext[Any], asked: CallToolRequestParams) -> CallToolResult:
        try:
            if not (operation := by_name.get(asked.name)):
                raise NotFound(f"there is no tool {asked.name[:60]!r}: there are {', '.join(by_name)}")
            client = context.session.client_params
            mine = asking.of(client.client_info.name) if client else asking
            told = await answered(mine, operation, operation.takes.read(asked.arguments or {}))
        except KgError as error:
            return _refused(error)
        except Exception as error:  # noqa: BLE001 - told in a sentence, kept in full in a file
            return _refused(unexpected(error, home))
        return CallToolResult(content=[TextContent(type="text", text=as_json(told))], structured_content=told)

    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    return Server("kgplatform", instructions=_SAYS, on_list_tools=listed, on_call_tool=called)


def _tool(operation: Operation) -> Tool:
    return Tool(
        name=operation.name,
        description=operation.says,
        input_schema=operation.takes.model_json_schema(),
        output_schema=operation.gives.model_json_schema(),
        annotations=ToolAnnotations(
            read_only_hint=operation is not PROPOSE, destructive_hint=False, idempotent_hint=operation is not PROPOSE, open_world_hint=False
        ),
    )


def _refused(error: KgError) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=str(error))], is_error=True)


def over_stdio(made: Server[Any]) -> None:
    """Serve one client until it closes its end."""

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await made.run(read, write, made.create_initialization_options())

    anyio.run(serve)


def over_http(made: Server[Any]) -> Starlette:
    """The server at ``/mcp``; who may come in, ``ui.asking.door`` says."""
    return made.streamable_http_app(transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
