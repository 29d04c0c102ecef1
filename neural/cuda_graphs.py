# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that is recorded once on the GPU and then replayed: a network for every frame, a training for every step."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")

WARM_UP = 3
"""How often work is done before it is recorded, as PyTorch asks for."""
RECORDING = threading.Lock()
"""PyTorch records one graph of a process at a time."""


def captured(work: Callable[[], Made], pool: Any = None) -> tuple[torch.cuda.CUDAGraph, Made]:
    """Do work some times, then record it; return the CUDA graph, and what replaying it overwrites.

    The graph draws other random numbers each time, as the work does. `pool` is memory that is shared with other
    graphs, none of which may need what it made when another is replayed.

    Raises:
        torch.OutOfMemoryError: the memory does not suffice.
        RuntimeError: the work cannot be recorded: it waits for the GPU, or brings something there.
    """
    before, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call,unused-ignore]
    aside.wait_stream(before)
    try:
        # What fails while it is recorded leaves its own stream the current one; the outer `with` ends that, too.
        with RECORDING, torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                work()
            graph = torch.cuda.CUDAGraph()
            # Other threads may take memory meanwhile: a training's reader, another avatar's first frame.
            with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                made = work()
    finally:
        before.wait_stream(aside)
    return graph, made
