# SPDX-License-Identifier: GPL-3.0-or-later
"""A network recorded once on the GPU and replayed for every frame."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn

from ..cuda_graphs import captured
from ..device import try_convolutions

log = logging.getLogger(__name__)


class Recorded(nn.Module):
    """A network as a CUDA graph: the same work in the same memory each time, started at once.

    Raises:
        torch.OutOfMemoryError, RuntimeError: see `captured`.
    """

    def __init__(self, network: nn.Module, *inputs: Tensor) -> None:
        super().__init__()
        self.network, self.inputs = network, [each.clone() for each in inputs]
        self.graph, self.output = captured(lambda: network(*self.inputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return what the network makes of inputs of the recorded shapes, `[1, …]`; the next call overwrites it."""
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
        painted: Tensor = self.output
        return painted


def recorded(network: nn.Module, *inputs: Tensor) -> nn.Module:
    """Return a network for inputs of these shapes, `[1, …]`, as a CUDA graph; as it is where that cannot be had."""
    try_convolutions(inputs[0].device)
    try:
        return Recorded(network, *inputs)
    except RuntimeError as error:  # among them that the memory does not suffice, which it may for the network itself
        log.warning("The network could not be recorded, so frames take longer: %s", error)
        torch.cuda.empty_cache()
        return network
