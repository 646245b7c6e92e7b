"""Ask for JSON and get a value that fits its schema, or know why not.

What is broken is mended once (fences, words around it, commas, quotes); what does not fit is left out where the caller lets it;
what cannot be mended is asked for once more with the reason, and what is unusable even then is put into quarantine: a file with
the request and the raw answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

from kgplatform.errors import AnswerUnusable, BadFile, TextTooLong
from kgplatform.lm import schemas
from kgplatform.lm.mending import values
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Message, Reply, Request, Usage
from kgplatform.lm.text import first_line
from kgplatform.wholefile import whole

Check: TypeAlias = Callable[[Any], str | None]
"""What is wrong with a value that fits the schema, in words for the model; nothing when it is right."""
_ANEW = 1_000
"""So far from a sample that was unusable is the next, which nobody else asks for."""
_QUOTED = 2000
"""Letters of an unusable answer that are shown to the model again."""


def ask(
    model: ChatModel, request: Request, quarantine: Path, check: Check | None = None, leave: schemas.Leave | None = None
) -> tuple[Any, Reply]:
    """The value, and the reply that it was read from, with the usage of all that was asked.

    What does not fit is left out of it as far as ``leave`` lets it. Of a reply that is ``cut`` the value holds what came whole: the
    caller sees that and may ask for the rest. What could not be used before, and was kept, is asked for anew. Raises
    ``AnswerUnusable``, which names the file in the folder ``quarantine``, and what the model raises.
    """
    reply = model.reply(request)
    value, wrong = read(reply, request.schema, check, leave)
    if not wrong:
        return value, reply
    anew = replace(request, sample=request.sample + _ANEW)
    try:
        second = model.reply(_again(request, reply, wrong))
    except TextTooLong:
        if reply.cached:
            return ask(model, anew, quarantine, check, leave)
        raise _unusable(model.name, request, [reply], wrong, quarantine) from None
    value, still = read(second, request.schema, check, leave)
    if still and reply.cached and second.cached:
        return ask(model, anew, quarantine, check, leave)
    if still:
        raise _unusable(model.name, request, [reply, second], still, quarantine)
    return value, replace(second, usage=reply.usage + second.usage, cached=reply.cached and second.cached)


def erase(quarantine: Path, source: str) -> int:
    """Take away what holds the text of a source that is forgotten; how many files."""
    erased = 0
    for path in quarantine.glob("*.json"):
        try:
            held = source in json.loads(path.read_text("utf-8"))["request"].get("sources", ())
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if held:
            path.unlink(missing_ok=True)
            erased += 1
    return erased


def read(reply: Reply, schema: Mapping[str, Any] | None, check: Check | None = None, leave: schemas.Leave | None = None) -> tuple[Any, str]:
    """The first value in the reply that fits, else that fits in part where that is enough, or what is wrong with it in words."""
    wrong = "it ends in the middle" if reply.cut or "{" in reply.text or "[" in reply.text else "it holds no JSON"
    found = list(values(reply.text, reply.cut))
    for number, value in enumerate(found):
        amiss = schemas.misfit(value, schema) or (check(value) if check else None)
        if not amiss:
            return value, ""
        wrong = wrong if number else amiss
    if schema and leave:
        for value in found:
            some = leave.part(value, schema)
            if some is not None and not (check and check(some)):
                return some, ""
    return None, wrong


def _again(request: Request, reply: Reply, wrong: str) -> Request:
    complaint = f"That answer cannot be used: {wrong}. Answer again, with nothing but JSON that fits the schema."
    said = Message("assistant", reply.text[:_QUOTED] or "…")
    return replace(request, messages=(*request.messages, said, Message("user", complaint)))


def _unusable(model: str, request: Request, replies: list[Reply], wrong: str, folder: Path) -> AnswerUnusable:
    text = replies[-1].text
    asked = {**asdict(request), "schema": dict(request.schema) if request.schema is not None else None}
    record = {
        "model": model,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "reason": wrong,
        "request": asked,
        "answers": [{"text": reply.text, "id": reply.id, "cut": reply.cut} for reply in replies],
    }
    name = hashlib.sha256(json.dumps([model, asked], sort_keys=True).encode()).hexdigest()[:16]
    try:
        kept = f"what it said is in {_keep(record, folder / f'{name}.json')}"
    except (OSError, BadFile) as error:
        kept = f"what it said could not be kept in {folder}: {first_line(error)}"
    took = sum((reply.usage for reply in replies), Usage())
    sentence = f"{model} gave no usable answer, also when asked again ({wrong}); {kept}"
    return AnswerUnusable(sentence, text, took.tokens, took.usd, wrong)


def _keep(record: Mapping[str, Any], path: Path) -> Path:
    """Write it whole or not at all, for its owner alone. The same failure again takes the place of the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(json.dumps(record, indent=1).encode())
    return path
