"""Where models run: the setting ``KG_DEVICE`` read against what this machine has."""

from __future__ import annotations

from kgplatform.errors import BadSetting, MissingExtra


def resolve(setting: str) -> str:
    """A torch device name for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``auto`` takes the best there is.

    Raises ``BadSetting`` when the device asked for is not there: running on the processor instead would
    look like a hang.
    """
    kind, _, index = setting.partition(":")
    if kind == "cpu":
        return "cpu"
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="models", need="running a model") from None
    if kind == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda":
        return _cuda(setting, index, torch.cuda.device_count() if torch.cuda.is_available() else 0)
    if kind == "mps":
        if torch.backends.mps.is_available():
            return "mps"
        raise BadSetting("KG_DEVICE is mps, but torch sees no Apple GPU here: set it to auto or cpu")
    raise BadSetting(f"KG_DEVICE: {setting!r} is not auto, cpu, cuda, cuda:N or mps")


def share_cores() -> None:
    """Let torch use half of the cores, unless somebody has set another number than all of them.

    With a thread on every core, threads wait for each other by spinning as soon as anything else runs: on two shared cores
    two threads scored 8 to 32 sequences a second where one scored 60.
    """
    import os

    import torch

    if torch.get_num_threads() == (os.cpu_count() or 1):
        torch.set_num_threads(max(1, torch.get_num_threads() // 2))


def _cuda(setting: str, index: str, count: int) -> str:
    if index and not (index.isascii() and index.isdigit()):
        raise BadSetting(f"KG_DEVICE: {setting!r} is not auto, cpu, cuda, cuda:N or mps")
    if int(index or 0) < count:
        return setting if index else "cuda"
    there = f"{count} (cuda:0 to cuda:{count - 1})" if count else "none"
    raise BadSetting(f"KG_DEVICE is {setting}, but the CUDA devices that torch sees here are {there}: set it to auto or cpu")
