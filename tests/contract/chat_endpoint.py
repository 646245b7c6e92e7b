"""A small endpoint that speaks OpenAI's chat protocol on loopback, and Ollama's, and can misbehave as real ones do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-right-key-0123456789"
ANSWER = '{"capital": "Paris"}'


class Endpoint:
    """``mode`` says how it behaves, but for the first requests, which are behaved to as ``first`` says; ``reply`` what it answers.

    ``seen`` are the bodies of the requests that came.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.mode = "well"
        self.first: list[str] = []
        self.reply: Callable[[dict[str, Any]], str] = lambda _: ANSWER
        self.retry_after: str | None = None
        self.rejects: tuple[str, ...] = ()
        self.seen: list[dict[str, Any]] = []
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{self.address}/v1"

    def answer(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and bytes."""
        self.seen.append(body)
        ollama = path == "/api/chat"
        if key != f"Bearer {KEY}" and not ollama:
            return _error(401, f"Incorrect API key provided: {key.removeprefix('Bearer ')}", "invalid_api_key")
        shape = body.get("response_format", {}).get("type", "") or ("json_schema" if isinstance(body.get("format"), dict) else "")
        if shape in self.rejects or ("temperature" in self.rejects and body.get("temperature") is not None):
            return _error(400, f"{shape if shape in self.rejects else 'temperature'} is not supported here")
        match self.first.pop(0) if self.first else self.mode:
            case "hang":
                self.release.wait(30)
            case "busy":
                status, headers, raw = _error(429, f"Rate limit reached for {KEY}")
                return status, headers | ({"Retry-After": self.retry_after} if self.retry_after else {}), raw
            case "unpaid":
                return _error(429, "You exceeded your current quota", "insufficient_quota")
            case "down":
                return _error(500, "the engine is overloaded")
            case "forbidden":
                return _error(403, "not for you")
            case "unknown":
                return _error(404, "The model `gpt-nine` does not exist", "model_not_found")
            case "long":
                return _error(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded")
            case "html":
                return 200, {"Content-Type": "text/html"}, b"<html>please log in</html>"
            case "garbage":
                return 200, {"Content-Type": "application/json"}, b"\x00\xff{{{ data: nonsense"
            case "other json":
                return 200, {"Content-Type": "application/json"}, b'{"hello": "world"}'
            case "nothing":
                return 200, {"Content-Type": "application/json"}, b'{"choices": null}'
            case "broken off":
                return 200, {"Content-Type": "application/json", "Content-Length": "5000"}, b'{"id": "x", "choi'
        return 200, {"Content-Type": "application/json"}, (_ollama if ollama else _completion)(body, self.reply(body))


def _error(status: int, message: str, code: str | None = None) -> tuple[int, dict[str, str], bytes]:
    body = {"error": {"message": message, "type": "some_error", "code": code}}
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _ollama(body: dict[str, Any], said: str) -> bytes:
    """The same as Ollama says it: a line for each token."""
    text, cut, words = _cut(said, body["options"].get("num_predict"), body)
    lines = [{"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": one}} for one in text]
    last = {"done": True, "done_reason": "length" if cut else "stop", "prompt_eval_count": words, "eval_count": len(text)}
    return b"".join(json.dumps({"done": False, **line} | (last if line is lines[-1] else {})).encode() + b"\n" for line in lines)


def _cut(said: str, limit: int | None, body: dict[str, Any]) -> tuple[str, bool, int]:
    return said[:limit], limit is not None and len(said) > limit, sum(len(message["content"].split()) for message in body["messages"])


def _completion(body: dict[str, Any], said: str) -> bytes:
    """An answer of one token a letter, cut at the bound that was asked for."""
    text, cut, words = _cut(said, body.get("max_completion_tokens"), body)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length" if cut else "stop"}
    usage = {"prompt_tokens": words, "completion_tokens": len(text), "total_tokens": words + len(text)}
    made = {"id": "chatcmpl-42", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return json.dumps(made).encode()


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """One that runs inside."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, raw = made.answer(self.path, body, self.headers.get("Authorization", ""))
            try:
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(raw)), "Connection": "close"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)
            except OSError:  # who asked has gone
                pass
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Tests say what they saw themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Endpoint(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        made.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
