"""A file that is written whole or not at all: what stands there stays until the new one is whole and on the disk.

It is written as a draft beside its target. The writer holds a lock on the draft, which the system lets go of when it dies:
whoever writes to the same target next removes the drafts of the dead.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kgplatform.errors import BadFile

if sys.platform != "win32":  # there the drafts of the dead stay
    import fcntl


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Bytes for a file that appears when the block ends well. Symbolic links are followed.

    Raises ``BadFile`` for what is no regular file, and when it cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))
        mode = _mode(path, target)
        _clear(target)
        draft, file = _draft(target)
        try:
            with file:
                yield file
                if mode is not None:
                    draft.chmod(mode)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadFile(f"{path}: cannot be written ({error.strerror or error})") from None


def _mode(path: Path, target: Path) -> int | None:
    """The permissions of the file that is replaced. Raises ``BadFile`` for a device, a pipe, a folder, or a place in no folder."""
    if not target.parent.is_dir():
        raise BadFile(f"{path}: there is no folder {target.parent}: make it first")
    try:
        found = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found):
        raise BadFile(f"{path}: is {'a folder' if stat.S_ISDIR(found) else 'no regular file'} and is left alone: name another file")
    return stat.S_IMODE(found)


def _begin(target: Path) -> str:
    return f".{target.name[:50]}."


def _draft(target: Path) -> tuple[Path, IO[bytes]]:
    """A new draft and its file, locked as long as that is open."""
    while True:
        draft = target.with_name(f"{_begin(target)}{secrets.token_hex(6)}")
        file = draft.open("xb")
        if _locked(file, wait=True) and not os.fstat(file.fileno()).st_nlink:
            file.close()  # somebody took it for a dead one's before it was locked
            continue
        return draft, file


def _locked(file: IO[bytes], *, wait: bool = False) -> bool:
    """Whether the lock was to be had; never where there are no locks, as on some network disks."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _clear(target: Path) -> None:
    """Remove the drafts that dead writers left beside a target."""
    ours = re.compile(re.escape(_begin(target)) + r"[0-9a-f]{12}")
    with suppress(PermissionError):  # one may write in a folder that one may not list
        for one in target.parent.iterdir():
            if ours.fullmatch(one.name) and stat.S_ISREG(one.lstat().st_mode):
                _clear_dead(one)


def _clear_dead(draft: Path) -> None:
    with suppress(OSError), draft.open("rb") as file:
        if _locked(file):
            draft.unlink()
