# SPDX-License-Identifier: GPL-3.0-or-later
"""How many threads PyTorch uses: as many as there are free cores, so that a busy program beside it does not hold it up.

Of two threads on two cores, one of which somebody else keeps busy, the one there gets half of that core, and the other
waits for it; a single thread has a whole core to itself.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..common.cores import free_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..common.progress import Listener, Progress

_kept = threading.local()
"""`threads`: as many as the calling thread keeps to, where it does."""


@contextmanager
def kept_to(threads: int) -> Iterator[None]:
    """Have PyTorch use so many threads, and no more or less, for what the calling thread asks of it."""
    import torch

    before, outer = torch.get_num_threads(), getattr(_kept, "threads", None)
    torch.set_num_threads(threads)
    _kept.threads = threads
    try:
        yield
    finally:
        _kept.threads = outer
        torch.set_num_threads(before)


def give_way(beside: int = 0) -> None:
    """Have PyTorch, where it is imported, use as many threads as there are free cores for what the calling thread asks
    of it next. Takes no time; call it now and then.

    `beside` are the cores that other threads of the caller keep busy: these count as his own, and are not free.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_num_threads") or getattr(_kept, "threads", None) is not None:
        return
    if torch.get_num_threads() != (free := max(1, free_cores() - beside)):
        torch.set_num_threads(free)


def giving_way(listener: Listener) -> Listener:
    """The listener, which gives way whenever it hears something of the task."""

    def listen(progress: Progress) -> None:
        give_way()
        listener(progress)

    return listen
