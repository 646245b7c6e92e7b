"""A folder of a person's own with a language model of Hugging Face: how it reads, and what to call it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from kgplatform.errors import BadSetting

_MASKED = ("ForMaskedLM", "BertForPreTraining", "BertForPretraining")
_CAUSAL = ("ForCausalLM", "LMHeadModel")
_EDGE = 2**20


def reads(folder: Path) -> Literal["causal", "masked"]:
    """What its ``config.json`` says of the architecture. Raises ``BadSetting`` for a folder without such a model."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except OSError as error:
        raise BadSetting(f"{folder} holds no language model: its config.json cannot be read ({error.strerror})") from None
    except ValueError:
        raise BadSetting(f"{folder} holds no language model: its config.json is not JSON") from None
    architectures = config.get("architectures") if isinstance(config, dict) else None
    named = [str(one) for one in architectures] if isinstance(architectures, list) else []
    if any(name.endswith(_MASKED) for name in named):
        return "masked"
    if any(name.endswith(_CAUSAL) for name in named):
        return "causal"
    what = ", ".join(named) or "no architecture"
    raise BadSetting(f"{folder / 'config.json'} names {what}, which is neither a causal nor a masked language model: name another folder")


def revision(folder: Path) -> str:
    """``local:NAME@1a2b3c4d``: the folder's name, and digits that change with the weights or the words of the model.

    Of each file its size, first and last megabyte count; all of a large one would take a minute.
    """
    seen = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model"), *folder.glob("*.safetensors")]):
        size = path.stat().st_size
        with path.open("rb") as file:
            seen.update(b"%b %d " % (path.name.encode("utf-8", "surrogateescape"), size) + file.read(_EDGE))
            file.seek(max(0, size - _EDGE))
            seen.update(file.read(_EDGE))
    return f"local:{folder.resolve().name}@{seen.hexdigest()[:8]}"
