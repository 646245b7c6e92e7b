"""Any chat model that LangChain can talk to, behind our port: ``openai:gpt-5-mini``, ``ollama:qwen3``, ``anthropic:…``.

The vendors' clients neither retry nor remember here: wrappers around the port do that. An answer is bound to its schema by
the endpoint where that can be, else by JSON mode, else by words in the prompt; what an endpoint lacks is learned once.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadSetting, MissingExtra, ModelRefused
from kgplatform.lm.talk import Reply, Request, Usage
from kgplatform.lm.vendor import Provider, Rejected, told

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

_LOG = logging.getLogger(__name__)
TIMEOUT = 600.0
"""Seconds: a model on a busy machine of one's own may take minutes."""
_BINDINGS = ("schema", "json", "words")
_LIMITS = ("max_tokens", "num_predict", "max_output_tokens", "max_new_tokens")
"""What the integrations call the bound of an answer."""
_INVENTED = ("lc_", "run-")
"""How ids begin that LangChain makes up where the provider gives none."""
_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "huggingface": "HF_TOKEN",
    "azure_openai": "AZURE_OPENAI_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}


class LangChainChat:
    """A chat model of LangChain. ``count`` counts tokens where something knows them; else a token is taken for three bytes."""

    def __init__(
        self, model: BaseChatModel, provider: Provider, context: int | None = None, count: Callable[[str], int] | None = None
    ) -> None:
        self._model = model
        self._provider = provider
        self._context = context
        self._count = count
        self._binding = 0
        self._warm = _profile(model).get("temperature") is not False

    @property
    def name(self) -> str:
        return self._provider.model

    @property
    def context(self) -> int | None:
        return self._context

    @property
    def binds(self) -> bool:
        """Whether the endpoint binds answers to a schema, as far as is known yet."""
        return _BINDINGS[self._binding] == "schema"

    def count(self, text: str) -> int:
        """As the port says."""
        return self._count(text) if self._count else -(-len(text.encode("utf-8", "surrogatepass")) // 3)

    def reply(self, request: Request) -> Reply:
        """As the port says. What the endpoint rejects is asked with less, and remembered if that is taken."""
        binding, warm = (self._binding if request.schema is not None else len(_BINDINGS) - 1), self._warm
        first: Rejected | None = None
        while True:
            try:
                reply = self._ask(request, _BINDINGS[binding], warm)
            except Rejected as error:
                first = first or error
                if warm and "temperature" in str(error):
                    warm = False
                elif binding + 1 < len(_BINDINGS):
                    binding += 1
                else:
                    raise first from None
            else:
                self._learn(binding if request.schema is not None else self._binding, warm, first)
                return reply

    def _learn(self, binding: int, warm: bool, rejected: Rejected | None) -> None:
        if rejected is not None:
            lacks = "temperatures" if binding == self._binding else "these schemas"
            _LOG.warning("%s does without %s from here on: %s", self.name, lacks, rejected)
        self._binding, self._warm = binding, warm

    def _ask(self, request: Request, binding: str, warm: bool) -> Reply:
        bound = request.schema if binding != "words" else None
        words = _messages(request, told_schema=request.schema if binding != "schema" else None)
        model = _limited(self._model, request, warm)
        with told(self._provider):
            return _reply(_invoke(model, words, bound, binding))


def _limited(model: BaseChatModel, request: Request, warm: bool) -> BaseChatModel:
    """The model with the request's bounds; it shares the connection."""
    fields = type(model).model_fields
    update: dict[str, Any] = {field: request.max_tokens for field in _LIMITS if field in fields}
    if "temperature" in fields:
        update["temperature"] = request.temperature if warm else None
    return model.model_copy(update=update)


def _messages(request: Request, told_schema: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    from kgplatform.lm.text import wellformed

    roles = {"system": "system", "user": "human", "assistant": "ai"}
    messages = [(roles[message.role], wellformed(message.text)) for message in request.messages]
    if told_schema is not None:
        role, text = messages[-1]
        wish = (
            f"Answer with one JSON value that fits this JSON schema, and with nothing else:\n{json.dumps(told_schema, ensure_ascii=False)}"
        )
        messages[-1] = (role, f"{text}\n\n{wish}")
    return messages


def _invoke(model: BaseChatModel, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any] | None, binding: str) -> AIMessage:
    given: Any = list(messages)
    if schema is None:
        return model.invoke(given)
    if _speaks_openai(model):
        return _invoke_openai(model, given, schema, binding)
    try:
        bound = model.with_structured_output(dict(schema), method="json_schema" if binding == "schema" else "json_mode", include_raw=True)
    except (ValueError, NotImplementedError, TypeError) as error:
        raise Rejected(f"{type(model).__name__} cannot bind answers to a schema ({error})") from None
    answer: Any = bound.invoke(given)
    return answer["raw"]  # type: ignore[no-any-return]


def _speaks_openai(model: BaseChatModel) -> bool:
    return any(kind.__name__ == "BaseChatOpenAI" for kind in type(model).__mro__)


def _invoke_openai(model: BaseChatModel, messages: Any, schema: Mapping[str, Any], binding: str) -> AIMessage:
    """Through ``response_format`` itself: LangChain would want a title and a function's form of the schema."""
    from openai import LengthFinishReasonError

    shape: dict[str, Any] = {"type": "json_object"}
    if binding == "schema":
        named = {"name": _word(str(schema.get("title", "answer"))), "schema": dict(schema)}
        shape = {"type": "json_schema", "json_schema": named | ({"strict": True} if _is_closed(schema) else {})}
    try:
        return model.invoke(messages, response_format=shape)
    except LengthFinishReasonError as error:
        return _cut(error.completion)


def _cut(completion: Any) -> AIMessage:
    """An answer that ended for want of tokens, which the client of OpenAI makes an exception of."""
    from langchain_core.messages import AIMessage

    used = completion.usage
    usage = (
        {"input_tokens": used.prompt_tokens, "output_tokens": used.completion_tokens, "total_tokens": used.total_tokens} if used else None
    )
    details = {"id": completion.id, "finish_reason": "length"}
    return AIMessage(completion.choices[0].message.content or "", usage_metadata=usage, response_metadata=details)


def _word(title: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in title)[:60] or "answer"


def _is_closed(schema: Any) -> bool:
    """Whether every object in it lists all of its properties as required and allows no others: then it can be kept strictly."""
    if isinstance(schema, list):
        return all(_is_closed(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties", {})
    open_ended = schema.get("type") == "object" and (
        schema.get("additionalProperties", True) is not False or set(schema.get("required", ())) != set(properties)
    )
    return not open_ended and all(_is_closed(part) for part in schema.values())


def _reply(message: AIMessage) -> Reply:
    used = message.usage_metadata
    usage = Usage(used["input_tokens"], used["output_tokens"]) if used else Usage()
    details = message.response_metadata
    reason = details.get("finish_reason") or details.get("stop_reason") or details.get("done_reason")
    id = str(details.get("id") or message.id or "")
    return Reply(str(message.text), usage, "" if id.startswith(_INVENTED) else id, reason in ("length", "max_tokens"))


def connect(model: str, *, key: str = "", base_url: str = "", timeout: float = TIMEOUT) -> LangChainChat:
    """The model of a provider. ``key`` and ``base_url`` are for endpoints of the OpenAI protocol; other clients read their own variables.

    Raises ``BadSetting``, ``MissingExtra``, and ``ModelRefused`` where a key is missing.
    """
    provider, _, name = model.partition(":")
    if not importlib.util.find_spec("langchain"):
        raise MissingExtra("langchain", extra="chat", need="a chat model")
    _check(provider, name, model)
    options: dict[str, Any] = {"timeout": timeout, "max_retries": 0} | (_openai(key, base_url) if provider == "openai" else {})
    if provider == "ollama":
        options = {"client_kwargs": {"timeout": timeout}}
    if provider == "huggingface":
        options = {"backend": "endpoint", "task": "text-generation", "timeout": int(timeout)}
    known = Provider(model, _KEYS.get(provider, ""), key=key)
    made = _make(name, provider, options, known)
    known = replace(known, address=_address(getattr(made, "openai_api_base", None) or ""))
    return LangChainChat(made, known, _context(made))


def _check(provider: str, name: str, model: str) -> None:
    from langchain.chat_models.base import _BUILTIN_PROVIDERS

    if provider not in _BUILTIN_PROVIDERS:
        near = difflib.get_close_matches(provider, ["local", *_BUILTIN_PROVIDERS], n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}:{name or 'MODEL'}?" if near else "such as openai:MODEL, ollama:MODEL or local:MODEL"
        raise BadSetting(f"the chat model {model!r} names no provider that is known, {hint}")
    if not name:
        raise BadSetting(f"the chat model {model!r} names no model: it must be {provider}:MODEL")
    package = _BUILTIN_PROVIDERS[provider][0].partition(".")[0]
    if not importlib.util.find_spec(package):
        shown = package.replace("_", "-")
        raise MissingExtra(shown, extra="chat" if shown == "langchain-openai" else "", need=model)


def _openai(key: str, base_url: str) -> dict[str, Any]:
    if base_url:
        return {"base_url": base_url, "api_key": key or "none"}
    return {"api_key": key} if key else {}


def _make(name: str, provider: str, options: Mapping[str, Any], known: Provider) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        made: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
    except ImportError as error:
        raise MissingExtra(error.name or "of its provider", need=known.model) from None
    except Exception as error:
        if known.variable and any(word in str(error).lower() for word in ("api_key", "api key", "token")):
            raise ModelRefused(f"{known.model}: there is no key: set {known.variable} to one") from None
        raise
    return made


def _address(base_url: str) -> str:
    """Where it is, for a sentence; never the user and password that an address may hold."""
    from urllib.parse import urlsplit

    return f" at {urlsplit(base_url).netloc.rpartition('@')[2]}" if base_url else ""


def _profile(model: BaseChatModel) -> Mapping[str, Any]:
    """What LangChain's tables know of the model."""
    return dict(getattr(model, "profile", None) or {})


def _context(model: BaseChatModel) -> int | None:
    size = _profile(model).get("max_input_tokens")
    return size if isinstance(size, int) else None
