"""Arrays and texts as one file: safetensors, never a pickle, read without torch. It is written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadFile, MissingExtra
from kgplatform.texts import Texts
from kgplatform.wholefile import whole

Arrays = Mapping[str, npt.NDArray[Any]]
_ANEW = "learn the recommender anew by  kg interactions learn"


def write(path: Path, format: str, arrays: Arrays, told: Mapping[str, Any]) -> None:
    """Replace the file in one move. Raises ``BadFile`` where it cannot be written."""
    held = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(_library().save(held, {"format": format, "told": json.dumps(dict(told))}))


def read(path: Path, format: str) -> tuple[Arrays, Mapping[str, Any]]:
    """Raises ``BadFile`` for what is no such file, or of another format."""
    with _opened(path, format) as (opened, told):
        return {name: opened.get_tensor(name) for name in opened.keys()}, told  # noqa: SIM118 - no mapping


def told(path: Path, format: str) -> Mapping[str, Any]:
    """What a file tells of its arrays, none of which is read. Raises as ``read`` does."""
    with _opened(path, format) as (_, told):
        return told


@contextmanager
def _opened(path: Path, format: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    library = _library()
    try:
        with library.safe_open(path, framework="np") as opened:
            held = opened.metadata() or {}
            if held.get("format") != format:
                raise BadFile(f"{path} is of another version: {_ANEW}")
            yield opened, json.loads(held["told"])
    except (OSError, library.SafetensorError, ValueError, KeyError) as error:
        raise BadFile(f"{path} cannot be read ({' '.join(str(error).split())[:120]}): {_ANEW}") from None


def packed(name: str, texts: Texts) -> dict[str, npt.NDArray[Any]]:
    """Texts as arrays."""
    return {f"{name}/data": np.frombuffer(b"".join(texts.pieces()), np.uint8), f"{name}/lengths": np.asarray(texts.lengths)}


def unpacked(name: str, arrays: Arrays) -> Texts:
    """What was ``packed`` under that name."""
    data, lengths = arrays[f"{name}/data"], arrays[f"{name}/lengths"]
    return Texts(data.tobytes(), (np.cumsum(lengths, dtype=np.int64) - lengths).astype(np.int64), lengths)


class _library:  # noqa: N801 - stands for the module
    """safetensors, which is an extra."""

    def __init__(self) -> None:
        try:
            from safetensors import SafetensorError, safe_open
            from safetensors.numpy import save
        except ImportError:
            raise MissingExtra("safetensors", extra="reasoning", need="recommenders") from None
        self.SafetensorError, self.safe_open, self.save = SafetensorError, safe_open, save
