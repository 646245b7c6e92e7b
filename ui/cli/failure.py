"""What nobody foresaw: one sentence for the person, the traceback in a file."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path

from kgplatform.errors import KgError


class Unexpected(KgError):
    """A mistake in the program; the message names the file with the details."""


def unexpected(error: Exception, home: Path | None) -> Unexpected:
    """Write the traceback below the data folder (or, failing that, to the temporary folder)."""
    text = "".join(traceback.format_exception(error))
    first = str(error).strip().partition("\n")[0][:200]
    kind = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return Unexpected(f"something unexpected went wrong ({kind}); details are in {_kept(text, home)}: please report it with that file")


def _kept(text: str, home: Path | None) -> Path:
    name = f"kg-{time.strftime('%Y%m%d-%H%M%S')}-"
    folders: list[Path | None] = [home / "logs", None] if home else [None]
    for folder in folders:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(prefix=name, suffix=".log", dir=folder)
        except OSError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return Path(path)
    return Path("(no file could be written)")
