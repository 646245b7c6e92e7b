"""Who may come in over HTTP: on loopback a program of this machine, elsewhere who has the token.

A page in a browser could send requests to an address of this machine, under a name that it made lead there; so on loopback the
``Host`` must be this machine's own, and so must the ``Origin`` if there is one.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
from typing import TYPE_CHECKING

from kgplatform.errors import BadSetting

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN = "KG_API_TOKEN"  # noqa: S105 - the name of the setting
_OWN = re.compile(r"(https?://)?(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(host: str, token: str) -> None:
    """Raises ``BadSetting`` where anybody could come in."""
    if not token and not is_loopback(host):
        raise BadSetting(f"{host} can be reached from other machines: set {TOKEN} to a token that programs must send, or leave out  --host")


def problem(status: int, sentence: str) -> dict[str, object]:
    """An error as ``application/problem+json`` (RFC 9457)."""
    from http import HTTPStatus

    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence}


class Door:
    """Before a server's other end: lets in who may, and answers the others with a problem."""

    def __init__(self, app: ASGIApp, host: str, token: str) -> None:
        self.app, self.loopback, self.token = app, is_loopback(host), token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(dict(scope["headers"]))):
            await _answer(send, *refusal)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        if self.loopback and not _OWN.fullmatch(headers.get(b"host", b"").decode("latin-1")):
            return 421, "this server answers on this machine only, by the name localhost or its address"
        if self.loopback and (origin := headers.get(b"origin")) and not _OWN.fullmatch(origin.decode("latin-1")):
            return 403, "pages of other places may not ask this server"
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if self.token and not (scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.token)):
            return 401, f"send the token of this server as  Authorization: Bearer …  (it is set there as {TOKEN})"
        return None


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem(status, sentence), ensure_ascii=False).encode()})
