# SPDX-License-Identifier: GPL-3.0-or-later
"""A network recorded once on the GPU and replayed for every frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WARM_UP = 3
"""Frames before a CUDA graph is recorded, as PyTorch asks for."""


class Recorded(nn.Module):
    """A network as a CUDA graph: the same work in the same memory each time, started at once.

    Raises:
        torch.OutOfMemoryError: the memory does not suffice.
    """

    def __init__(self, network: nn.Module, *inputs: Tensor) -> None:
        super().__init__()
        self.inputs = [each.clone() for each in inputs]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call,unused-ignore]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                network(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self.network, self.graph = network, torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.output = network(*self.inputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return what the network makes of inputs of the recorded shapes, `[1, …]`; the next call overwrites it."""
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
        painted: Tensor = self.output
        return painted
