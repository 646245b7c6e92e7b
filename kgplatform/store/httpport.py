"""The HTTP port of the local graph server: what Bolt cannot say, and rows in bulk."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from kgplatform.errors import KgError, StoreError, StoreRefused, StoreUnreachable
from kgplatform.store.endpoint import Endpoint

PATIENCE = 120.0
"""Seconds to wait for an answer."""
_EVERYTHING = (1 << 31) - 1


def query(endpoint: Endpoint, graph: str, cypher: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a reading statement, as the reader."""
    body = {"language": "opencypher", "command": cypher, "params": parameters, "limit": _EVERYTHING, "serializer": "record"}
    code, answer = _post(endpoint, f"query/{graph}", body, f"{endpoint.reader}:{endpoint.reader_password}")
    if code != 200:
        raise refusal(endpoint, answer)
    rows: list[dict[str, Any]] = answer["result"]
    return rows


def call(endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """(status, answer) of a command to the server's HTTP interface."""
    return _post(endpoint, path, body, f"{endpoint.user}:{endpoint.password}")


def _post(endpoint: Endpoint, path: str, body: Mapping[str, Any], login: str) -> tuple[int, dict[str, Any]]:
    """(status, answer); no proxy of the environment comes between."""
    secret = base64.b64encode(login.encode()).decode()
    headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(endpoint.http_uri).netloc, timeout=PATIENCE)
    try:
        connection.request("POST", f"/api/v1/{path}", orjson.dumps(body), headers)
        reply = connection.getresponse()
        return reply.status, orjson.loads(reply.read() or b"{}")
    except TimeoutError:
        raise StoreUnreachable(
            f"the local graph server at {endpoint.http_uri} did not answer within {PATIENCE:.0f} s: try again later"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StoreUnreachable(f"the local graph server at {endpoint.http_uri} broke off ({error}): try again, it is restarted") from None
    finally:
        connection.close()


def refusal(endpoint: Endpoint, answer: dict[str, Any]) -> KgError:
    if "Security" in str(answer.get("exception")):
        return StoreRefused(f"the local graph server at {endpoint.http_uri} was restarted and knows {endpoint.user!r} no more: try again")
    reason = answer.get("detail") or answer.get("error") or "no reason given"
    return StoreError(f"the local graph server at {endpoint.http_uri} failed: {str(reason)[:300]}")
