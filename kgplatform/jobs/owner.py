"""Who holds a lease: a process of a machine, in words that tell later whether it is still there."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil


def me() -> str:
    """This process: machine, id, and the hundredth of a second in which it began, since ids come again."""
    return f"{_machine()} {os.getpid()} {_began(psutil.Process())}"


def dead(owner: str) -> bool:
    """Whether that process ended for certain; of another machine's nobody can tell, their leases run out."""
    machine, _, rest = owner.rpartition(" ")[0].rpartition(" ")
    began = owner.rpartition(" ")[2]
    if machine != _machine() or not rest.isdigit():
        return False
    try:
        process = psutil.Process(int(rest))
        return process.status() == psutil.STATUS_ZOMBIE or _began(process) != began
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _began(process: psutil.Process) -> str:
    return f"{process.create_time():.2f}"


def _machine() -> str:
    """The host, and where there are containers the space of process ids, which two of them may not share."""
    try:
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        space = ""
    return f"{platform.node()}/{space}" if space else platform.node()
