"""Serving HTTP until Ctrl-C: ``kg api`` and ``kg mcp --http``."""

from __future__ import annotations

import logging
import socket
import sys
from typing import TYPE_CHECKING

from kgplatform.errors import BadRequest
from ui.asking import door

if TYPE_CHECKING:
    from starlette.types import ASGIApp


_GRACE = 3
"""Seconds for answers that are under way when the server is stopped."""


def serve(app: ASGIApp, host: str, port: int, token: str, says: str) -> None:
    """Raises ``BadRequest`` when the port cannot be had. ``says`` stands before the address. Nothing that is asked is logged."""
    import uvicorn

    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"{says} http://{shown}:{listening.getsockname()[1]}  (stop it with Ctrl-C)\n")
    sys.stderr.flush()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    within = door.Door(app, host, token)
    config = uvicorn.Config(within, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE)
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise BadRequest(f"--host: {host[:80]!r} is no address of this machine") from None
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise BadRequest(f"port {port} of {host} cannot be had ({error.strerror}): choose another with --port") from None
    return listening
