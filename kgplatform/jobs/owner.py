"""Who holds a lease: a process of a machine, in words that tell later whether it is still there."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

_PROC = Path("/proc")


def me() -> str:
    """This process: machine, id, and when it began, since ids come again."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())}"


def where(owner: str) -> str:
    """An owner as a person reads it."""
    machine, _, process = owner.partition(" ")
    return f"process {process.partition(' ')[0]} on {machine.partition('/')[0]}"


def dead(owner: str) -> bool:
    """Whether that process ended for certain. Of another machine's, or another container's, that is never known: their leases run out."""
    machine, _, process = owner.partition(" ")
    id, _, began = process.partition(" ")
    if machine != _machine() or not id.isdigit():
        return False
    try:
        return psutil.Process(int(id)).status() == psutil.STATUS_ZOMBIE or _began(int(id)) != began
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _began(id: int) -> str:
    """In ticks since the machine started where that can be had: unlike the time of day it stays the same when the clock is set."""
    try:
        return (_PROC / str(id) / "stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return f"{psutil.Process(id).create_time():.0f}"


def _machine() -> str:
    """The host, and on Linux this start of it and the space of process ids, which two containers may not share."""
    try:
        started = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()}/{started}/{(_PROC / 'self/ns/pid').readlink().name}"
    except OSError:
        return platform.node()
