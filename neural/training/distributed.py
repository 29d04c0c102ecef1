# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes that train one avatar, each on its own GPU; started by `torchrun`.

Every process draws other samples; gradients are averaged, so that all hold the same weights. The first one alone tells
progress and writes files, and what it decides (how far the plan is, whether to stop) holds for all.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import nn

from ..device import try_convolutions

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_WAIT = timedelta(hours=3)
"""For another process. The first one decodes the footage while the others wait; `torchrun` ends all when one dies."""


@dataclass(frozen=True)
class DistributedGroup:
    """The processes that train together: this one is number `rank` of `world_size`, on `device`."""

    rank: int
    world_size: int
    device: torch.device

    @classmethod
    @contextmanager
    def joined(cls, device: torch.device) -> Iterator[DistributedGroup]:
        """Join the processes that `torchrun` started (it sets the environment); a group of one without it."""
        world_size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        if world_size == 1:
            try_convolutions(device)
            yield cls(0, 1, device)
            return
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        try_convolutions(device)
        if device.type == "cuda":
            dist.init_process_group("nccl", timeout=LONGEST_WAIT, device_id=device)
        else:
            dist.init_process_group("gloo", timeout=LONGEST_WAIT)
        try:
            yield cls(rank, world_size, device)
        finally:
            dist.destroy_process_group()

    @property
    def is_main(self) -> bool:
        """Whether this is the process that tells and writes."""
        return self.rank == 0

    def broadcast(self, value: float) -> float:
        """The first process's `value`, in all."""
        if self.world_size == 1:
            return value
        shared = torch.tensor([value], device=self.device)
        dist.broadcast(shared, 0)
        return float(shared)

    def all(self, true: bool) -> bool:
        """Whether `true` holds in every process."""
        if self.world_size == 1:
            return true
        shared = torch.tensor([float(true)], device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MIN)
        return bool(shared)

    def average_gradients(self, module: nn.Module) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.world_size == 1:
            return
        gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.world_size
        for gradient, part in zip(gradients, torch.split(flat, [each.numel() for each in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """Do the body in the first process, then in the others: they find what it made."""
        if not self.is_main:
            self.barrier()
        yield
        if self.is_main:
            self.barrier()

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world_size > 1:
            dist.barrier()
