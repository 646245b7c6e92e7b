"""Turn a quantised GGUF file into a folder that transformers loads in a second.

Reading a GGUF dequantises every weight, which takes half a minute for 135M parameters; so it is done once, when
the model is fetched, in a process of its own that gives its memory back. The weights are kept as bfloat16, half
the size of float32 and as fast to load.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from kgplatform.errors import MissingExtra, ModelError


def convert(gguf: Path, into: Path) -> None:
    """Write weights, configuration and tokenizer into a new folder. Raises ``MissingExtra``, ``ModelError``."""
    for package in ("accelerate", "gguf", "torch", "transformers"):
        if not importlib.util.find_spec(package):
            raise MissingExtra(package, extra="models", need=f"preparing {gguf.name}")
    command = [sys.executable, "-m", __name__, str(gguf), str(into)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        last = next((line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "")
        reason = "it was ended from outside, perhaps for want of memory" if done.returncode < 0 else last[:300]
        raise ModelError(f"{gguf.name} could not be prepared for transformers: {reason}")


def _convert(gguf: Path, into: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **place)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, **place, dtype=torch.bfloat16)
    # It is an ordinary model from here on; save_pretrained would otherwise try to keep it quantised.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
