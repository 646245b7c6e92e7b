"""What a provider's client raises, told in our errors.

The clients that LangChain stands on differ in their classes, but nearly all carry the HTTP status and the response. So
a status decides where there is one, LangChain's own kinds where there is none. What is neither is a mistake in a program
and passes through untouched.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from kgplatform.errors import KgError, ModelBusy, ModelError, ModelRefused, ModelUnreachable, TextTooLong
from kgplatform.lm.text import first_line

_LONG = re.compile(
    r"context.{0,40}(length|size|window|limit)|(prompt|request|input).{0,40}(too long|too large|exceed)|maximum context", re.I
)
_SECRET = re.compile(r"\b(sk|pk|hf|gsk)[-_][\w*.-]{6,}|(?i:bearer)\s+\S+|(?<=//)[^/@\s]+@")
_UNPAID = re.compile(r"insufficient_quota|billing|credit balance", re.I)
_READING = {"parse", "_create_chat_result", "_format_output", "_convert_dict_to_message"}
"""Where the clients read an answer: what goes wrong there is the fault of the answer."""


class Rejected(ModelError):
    """The endpoint calls the request wrong (400, 422, 501); perhaps it lacks something that was asked of it."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Whom the sentences speak of: the model's name, the variable of its key, and where it is reached."""

    model: str
    variable: str = ""
    address: str = ""
    key: str = ""

    def clean(self, words: str) -> str:
        """What a provider says, in a line and without secrets."""
        hidden = words.replace(self.key, "…") if self.key else words
        return _SECRET.sub("…", hidden).strip()[:300]

    @property
    def set_key(self) -> str:
        return f"set {self.variable} to a valid key" if self.variable else "set its key"


@contextmanager
def told(provider: Provider) -> Iterator[None]:
    """Inside, what a client raises becomes a ``ModelError``."""
    try:
        yield
    except KgError:
        raise
    except Exception as error:
        if (translated := _translated(error, provider)) is None:
            raise
        raise translated from None


def _translated(error: Exception, provider: Provider) -> KgError | None:
    from langchain_core import exceptions as kinds

    status = _status(error)
    words = provider.clean(_words(error))
    if isinstance(error, kinds.ContextOverflowError) or (status in (400, 413, 422) and _LONG.search(words)):
        return TextTooLong(f"{provider.model}: the request does not fit into the model's context ({words})")
    if status is not None:
        return _by_status(status, error, words, provider)
    if isinstance(error, kinds.ModelTimeoutError | TimeoutError) or "Timeout" in type(error).__name__:
        return ModelUnreachable(f"{provider.model}: no answer in time{provider.address}")
    if isinstance(error, kinds.ModelConnectionError | ConnectionError) or _broke_off(error):
        sentence = f"{provider.model} cannot be reached{provider.address}: is it running, and the address right? ({words})"
        return ModelUnreachable(sentence, lost=not _never_met(error))
    if _is_unreadable(error):
        ours = isinstance(error, AttributeError | TypeError | KeyError | IndexError | UnicodeError)  # words of Python help nobody
        told = "" if ours else f" ({words})"
        return ModelUnreachable(f"{provider.model} sent what is no answer{provider.address}: is the address right?{told}")
    return None


def _by_status(status: int, error: Exception, words: str, provider: Provider) -> KgError:
    where = f"{provider.model}{provider.address}"
    if status == 429 and not _UNPAID.search(_words(error)):
        return ModelBusy(f"{where}: too many requests ({words})", _after(error))
    if status in (402, 429):
        return ModelRefused(f"{where}: the account has no credit left ({words}): see to its billing")
    if status in (401, 407):
        return ModelRefused(f"{where}: the key is missing or not accepted: {provider.set_key}")
    if status == 403:
        return ModelRefused(f"{where}: the key has no right to this model: choose another, or {provider.set_key}")
    if status == 404:
        return ModelRefused(f"{where}: there is no such model or no such address ({words}): check KG_CHAT_MODEL and the address")
    if status in (400, 405, 409, 413, 415, 422, 501):
        return Rejected(f"{where} does not take the request ({words})")
    if status in (408, 425) or status >= 500:
        return ModelUnreachable(f"{where} is in trouble (status {status}: {words})", lost=status == 504)
    return ModelError(f"{where} answers with status {status} ({words})")


def _status(error: Exception) -> int | None:
    """The HTTP status of a failure; an answer of 200 that could not be read has none."""
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None) or getattr(holder, "status", None)
        if isinstance(status, int) and status >= 300:
            return status
    return None


def _words(error: Exception) -> str:
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    said = inner.get("message") if isinstance(inner, dict) else inner
    code = inner.get("code") if isinstance(inner, dict) else None
    return " ".join(str(part) for part in (said if isinstance(said, str) else first_line(error), code) if isinstance(part, str))


def _broke_off(error: Exception) -> bool:
    """Whether the transport below the client failed, in words of httpx or requests."""
    return any(kind.__name__ in ("TransportError", "RequestException", "APIConnectionError") for kind in type(error).__mro__)


def _never_met(error: BaseException | None) -> bool:
    """Whether no connection came about, so that nothing was asked."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError) or type(error).__name__ in ("ConnectError", "ConnectTimeout", "NewConnectionError"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_unreadable(error: Exception) -> bool:
    """Whether the client failed at reading what came, not at being called."""
    if type(error).__name__ in ("APIResponseValidationError", "JSONDecodeError", "DecodingError", "RemoteProtocolError"):
        return True
    trace: Any = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name in _READING:
            return True
        trace = trace.tb_next
    return False


def _after(error: Exception) -> float | None:
    """Seconds until the provider wants to be asked again, from ``Retry-After``: a number, or a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        if exact := headers.get("retry-after-ms"):
            return max(0.0, float(exact) / 1000)
        said = headers.get("retry-after") or headers.get("Retry-After")
        if not said:
            return None
        if said.replace(".", "", 1).isdigit():
            return float(said)
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
