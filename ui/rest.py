"""REST: the operations as ``/v1/NAME``, described by OpenAPI; errors are problems (RFC 9457) with one sentence."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from kgplatform import errors
from ui.asking import arguments, door
from ui.asking.asking import Asking
from ui.asking.operations import OPERATIONS, Operation, answered
from ui.cli.failure import unexpected
from ui.cli.screen import as_json
from ui.shapes import Shape

_SAYS = """Ask a knowledge graph whose every fact shows where it comes from. Nothing here writes.

Where the server has a token, send it as `Authorization: Bearer …`. Errors are `application/problem+json` with a sentence in `detail`.
`/v1/facts` goes on behind the key in `next`; `/v1/facts/stream` sends all facts, a line each. Who goes away stops what was asked."""
_STATUS: tuple[tuple[type[errors.KgError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Ambiguous, 409),
    (errors.WriteRefused, 403),
    (errors.BadRequest, 400),
    (errors.LimitExceeded, 504),
    (errors.StoreError, 502),
    (errors.MissingExtra, 501),
    (errors.KgError, 500),
)
PROBLEM = "application/problem+json"
LINES = "application/x-ndjson"
_TOGETHER = 200
_LEFT = 499
"""For nobody: the client has gone."""
_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, in a sentence."},
    },
}
_WRONG = {
    400: "What was asked for cannot be done as asked.",
    401: "The token is missing or wrong.",
    403: "It would write, or comes from a page of another place.",
    404: "Nothing has that name, id or key.",
    409: "Several things have that name: give the id.",
    421: "The server does not answer by that name.",
    422: "An argument is missing, unknown or outside its limits.",
    501: "A package that this needs is not installed.",
    502: "The graph server failed.",
    504: "The query passed its limit of time.",
}


def app(asking: Asking, home: Path | None = None) -> FastAPI:
    """``home`` is the folder below which what nobody foresaw is written."""
    made = FastAPI(title="kgplatform", version="1", description=_SAYS, openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None)
    told: dict[int | str, dict[str, Any]] = {
        status: {"description": says, "content": {PROBLEM: {"schema": _SCHEMA}}} for status, says in _WRONG.items()
    }
    for operation in OPERATIONS:
        made.add_api_route(
            f"/v1/{operation.name}",
            _route(asking, operation),
            methods=["GET"] if operation.plain else ["POST"],
            operation_id=operation.name,
            summary=operation.says.partition(". ")[0].rstrip("."),
            description=operation.says,
            response_model=operation.gives,
            response_model_exclude_unset=True,
            responses=told,
        )
    lines = {"description": "A fact a line; a problem as the last line where reading breaks off.", "content": {LINES: {"schema": _TEXT}}}
    made.add_api_route(
        "/v1/facts/stream",
        _stream(asking),
        operation_id="facts_stream",
        summary="Send all facts that fit, a line of JSON each",
        response_class=StreamingResponse,
        responses={**told, 200: lines},
    )
    made.add_exception_handler(errors.KgError, _refused)
    made.add_exception_handler(RequestValidationError, _invalid)
    made.add_exception_handler(HTTPException, _nothing)

    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        return _problem(500, str(unexpected(error, home)))

    made.add_exception_handler(Exception, unforeseen)
    return made


def _route(asking: Asking, operation: Operation) -> Callable[..., Awaitable[Any]]:
    """A function whose signature says what the operation takes."""

    async def route(request: Request, asked: arguments.Arguments) -> Any:
        return await _while_there(request, answered(asking, operation, asked))

    return _taking(route, Annotated[operation.takes, Query() if operation.plain else Body()])


def _taking(route: Callable[..., Awaitable[Any]], takes: Any) -> Callable[..., Awaitable[Any]]:
    parameters = [
        inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
        inspect.Parameter("asked", inspect.Parameter.KEYWORD_ONLY, annotation=takes),
    ]
    route.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return route


async def _while_there(request: Request, work: Awaitable[Any]) -> Any:
    """What comes of the work, which is cancelled when the client goes away."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else Response(status_code=_LEFT)
    finally:
        working.cancel()
        leaving.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _stream(asking: Asking) -> Callable[..., Awaitable[Any]]:
    async def stream(request: Request, asked: arguments.Select) -> StreamingResponse:  # noqa: ARG001 - as all routes
        return StreamingResponse(_lines(await run_in_threadpool(asking.every_fact, asked)), media_type=LINES)

    return _taking(stream, Annotated[arguments.Select, Query()])


def _lines(facts: Iterator[Shape]) -> Iterator[str]:
    """Some hundred lines at a time; who goes away is sent no more, and nothing more is read."""
    try:
        while some := list(islice(facts, _TOGETHER)):
            yield "".join(f"{as_json(one)}\n" for one in some)
    except errors.KgError as error:
        yield f"{as_json(door.problem(_status(error), str(error)))}\n"


# -- errors ------------------------------------------------------------------------------------------


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse(door.problem(status, sentence), status, media_type=PROBLEM)


def _status(error: errors.KgError) -> int:
    return next(status for kind, status in _STATUS if isinstance(error, kind))


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.KgError)
    return _problem(_status(error), str(error))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return _problem(422, arguments.wrong(error.errors()))


async def _nothing(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said = {404: f"nothing is at {request.url.path[:120]}: /v1/openapi.json says what is", 405: f"{request.method} is not for this"}
    answer = _problem(error.status_code, said.get(error.status_code, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer
