"""A training or a trained model as a file: tensors and a description, never a pickle.

A file says which graph and which settings it belongs to, and is refused for any other. It is written whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadFile, MissingExtra

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "kgplatform.links.1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``tensors`` by name, and ``told``: plain values, among them the ``revision`` of settings and graph."""

    tensors: Mapping[str, Tensor]
    told: Mapping[str, Any]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the file in one move."""
    save = _library().save_file
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
        save(tensors, fresh, metadata={"format": FORMAT, "told": json.dumps(dict(checkpoint.told))})
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read(path: Path, revision: str | None = None) -> Checkpoint:
    """Raises ``BadFile`` for what is no such file, or one of another graph or other settings than ``revision`` says."""
    library = _library()
    try:
        with library.safe_open(path, framework="pt") as opened:
            held = opened.metadata() or {}
            if held.get("format") != FORMAT:
                raise BadFile(f"{path} is no checkpoint of a graph model made here: train one with kg train")
            told = json.loads(held["told"])
            if revision is not None and told.get("revision") != revision:
                raise BadFile(
                    f"{path} belongs to another graph or other settings ({told.get('revision')}, not {revision}): "
                    "name another file, or delete this one to train anew"
                )
            return Checkpoint({name: opened.get_tensor(name) for name in opened.keys()}, told)  # noqa: SIM118 - no mapping
    except (OSError, library.SafetensorError, ValueError, KeyError) as error:
        raise BadFile(f"{path} cannot be read as a checkpoint: {' '.join(str(error).split())[:120]}") from None


class _library:  # noqa: N801 - stands for the module
    """safetensors, which is an extra."""

    def __init__(self) -> None:
        try:
            from safetensors import SafetensorError, safe_open
            from safetensors.torch import save_file
        except ImportError:
            raise MissingExtra("safetensors", extra="reasoning", need="checkpoints of graph models") from None
        self.SafetensorError, self.safe_open, self.save_file = SafetensorError, safe_open, save_file
