"""A language model of Hugging Face and its tokenizer, out of a folder. Code and pickles in it are never run; all is float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from kgplatform.errors import MissingExtra, ModelError
from kgplatform.lm import onednn
from kgplatform.lm.device import share_cores
from kgplatform.lm.quiet import quiet
from kgplatform.lm.text import first_line


def load(folder: Path, name: str, device: str, kind: Literal["causal", "masked"]) -> tuple[Any, Any, tuple[str, ...]]:
    """The model, its tokenizer, and the names of weights that the folder lacks. Raises ``MissingExtra``, ``ModelError``."""
    try:
        import torch
        import transformers
        from safetensors import SafetensorError
    except ImportError as error:
        raise MissingExtra(error.name or "transformers", extra="models", need="scoring with a language model") from None
    reads = transformers.AutoModelForCausalLM if kind == "causal" else transformers.AutoModelForMaskedLM
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model, seen = reads.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
        model = model.to(device).eval()
        if device == "cpu":
            share_cores()
            onednn.use(model)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{name}: {folder} holds no readable {kind} language model ({first_line(error)}): fetch it again") from None
    return model, tokenizer, tuple(sorted(seen["missing_keys"]))
