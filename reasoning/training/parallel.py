"""Processes that train one model together: each works on its share of every batch, and slopes are added up.

Every process has all facts and the whole model, begins with the same numbers, and takes the same steps; so the result is that of one
process, but for the order in which numbers are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from kgplatform.errors import BadRequest, ModelError
from kgplatform.settings import Processes
from kgplatform.view import Ints

if TYPE_CHECKING:
    from torch import Tensor, nn

Value = TypeVar("Value")
WAIT = timedelta(minutes=30)
"""How long one process waits for another that ranks the watched facts, or keeps a checkpoint."""


@dataclass(frozen=True, slots=True)
class Group:
    """The processes that train together, of which this is number ``rank``; the ``first`` speaks and writes for all."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, questions: Ints) -> Ints:
        """This process's part of a batch; nothing, where the batch has fewer questions than there are processes."""
        return np.array_split(questions, self.size)[self.rank]

    def add_up(self, model: nn.Module) -> None:
        """Replace the slopes by their sums over all processes."""
        if self.size == 1:
            return
        import torch.distributed as together

        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = _summed(parameter.grad, parameter, together.get_backend())

    def agreed(self, value: Value | None) -> Value:
        """What the first process says; what others pass does not count."""
        if self.size == 1:
            assert value is not None
            return value
        import torch.distributed as together

        told = [value]
        together.broadcast_object_list(told, src=0)
        assert told[0] is not None
        return told[0]


ALONE = Group()


def _summed(slope: Tensor | None, parameter: Tensor, backend: str) -> Tensor:
    """A process without questions has no slope; then, and where the backend wants it, sparse ones are made dense for all."""
    import torch
    import torch.distributed as together

    kinds = torch.tensor([slope is not None and slope.is_sparse, slope is None or not slope.is_sparse], dtype=torch.int32)
    kinds = kinds.to(parameter.device)
    together.all_reduce(kinds, op=together.ReduceOp.MAX)
    if slope is None:
        slope = torch.zeros_like(parameter)
    if slope.is_sparse and (bool(kinds[1]) or backend != "gloo"):
        slope = slope.to_dense()
    slope = slope.coalesce() if slope.is_sparse else slope.contiguous()
    together.all_reduce(slope)
    return slope


@contextmanager
def joined(processes: Processes | None, device: str) -> Iterator[tuple[Group, str]]:
    """The group of the processes that were started together, and the device of this one; alone where there are none.

    They meet where ``MASTER_ADDR`` and ``MASTER_PORT`` say, as ``torchrun`` sets them. Raises ``ModelError`` when they do not, and
    ``BadRequest`` where a process has no graphics card of its own.
    """
    if processes is None or processes.size == 1:
        yield ALONE, device
        return
    import torch
    import torch.distributed as together

    if device == "cuda":
        device = f"cuda:{processes.local}"
    cuda = device.startswith("cuda")
    if cuda:
        if processes.local >= torch.cuda.device_count():
            raise BadRequest(
                f"{torch.cuda.device_count()} graphics cards are here, one for each process: start no more, or set KG_DEVICE=cpu"
            )
        torch.cuda.set_device(device)
    try:
        together.init_process_group("nccl" if cuda else "gloo", rank=processes.rank, world_size=processes.size, timeout=WAIT)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"process {processes.rank} of {processes.size} did not find the others: {' '.join(str(error).split())[:150]}; "
            "start them with torchrun, or set MASTER_ADDR and MASTER_PORT alike for all"
        ) from None
    try:
        yield Group(processes.rank, processes.size), device
    finally:
        together.destroy_process_group()
