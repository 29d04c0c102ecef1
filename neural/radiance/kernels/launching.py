# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts Warp, says where its kernels run, and launches them on every core.

One launch on the processor uses one thread but lets others run: each thread launches its share of the work. Additions
from two threads to one number are not safe there (Warp's `atomic_add` is not atomic on the processor), so that no two
shares of a launch may add to the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch
import warp as wp
from torch import Tensor

from ....common.cores import free_cores, own_cores
from ....common.home import Home, default_home
from ....tracking.detection.quiet_mediapipe import silenced
from ...processor import kept_to

MOST_THREADS = 8
"""More do not help: what lies between launches is done by one."""
WORTH_SHARING = 2048
"""Launches of fewer light items take less time than handing them out."""


Made = TypeVar("Made")
SHARE = threading.local()
"""`threads`: how many the launches of this thread may use, where it is one of several that work at once."""


@dataclass(frozen=True)
class KernelDevice:
    """Where kernels run.

    Attributes:
        device: PyTorch's device; tensors given to kernels lie there.
        threads: how many share a launch.
        fallbacks: sentences that say what is missing and what is done instead.
    """

    device: torch.device
    threads: int
    fallbacks: tuple[str, ...] = ()


@cache
def kernel_device() -> KernelDevice:
    """Start Warp and choose: the GPU if PyTorch and Warp can both use it, else the processor."""
    wp.config.log_level = wp.LOG_ERROR
    wp.config.kernel_cache_dir = str(Home(default_home()).kernels)
    with silenced():  # it complains of missing drivers; what that means is said in a sentence of ours
        wp.init()  # type: ignore[no-untyped-call]
    if not torch.cuda.is_available():
        return KernelDevice(torch.device("cpu"), processor_threads())
    if wp.get_cuda_device_count():
        return KernelDevice(torch.device("cuda", torch.cuda.current_device()), 1)
    missing = (
        f"NVIDIA Warp cannot use {torch.cuda.get_device_name()} (it needs a GPU of 2018 or later and driver 580 or "
        "later): radiance avatars run on the processor, many times slower."
    )
    return KernelDevice(torch.device("cpu"), processor_threads(), (missing,))


def processor_threads() -> int:
    """Cores that this process may use, within reason."""
    return min(own_cores(), MOST_THREADS)


def free_threads() -> int:
    """How many threads share a launch now: those of cores that others keep busy would hold up the rest."""
    return min(kernel_device().threads, free_cores())


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep PyTorch to one thread: its pool and the kernels' threads slow each other down to a fifth."""
    with kept_to(1):
        yield


@cache
def helpers() -> ThreadPoolExecutor:
    """The threads that share a launch with the one that asks for it."""
    return ThreadPoolExecutor(max(1, kernel_device().threads - 1), thread_name_prefix="kernels")


def launch(kernel: wp.Kernel, count: int, inputs: Sequence[Any], *, heavy: bool = False) -> None:
    """Run `kernel` for the items 0 to `count` - 1; tensors among `inputs` tell its device.

    The kernel's last two parameters are `first: int` and `step: int`: thread i works on item `first + i * step`. Items
    that are `heavy` (tiles of a picture) are dealt out in turn, so that each thread gets some of the busy ones; light
    ones are shared out in runs, so that threads do not write to the same lines of memory.
    """
    if count == 0:
        return
    device: Any = next(value.device for value in inputs if isinstance(value, wp.array))
    threads = getattr(SHARE, "threads", None) or free_threads()
    parts = threads if device.is_cpu and (heavy or count >= WORTH_SHARING) else 1
    if parts == 1:
        wp.launch(kernel, count, [*inputs, 0, 1], device=device, record_tape=False)
        return
    edges = [count * part // parts for part in range(parts + 1)]
    shares = [
        (len(range(part, count, parts)), part, parts) if heavy else (edges[part + 1] - edges[part], edges[part], 1)
        for part in range(parts)
    ]
    commands = [
        wp.launch(kernel, size, [*inputs, first, step], device=device, record_tape=False, record_cmd=True)
        for size, first, step in shares
        if size
    ]
    others = [helpers().submit(command.launch) for command in commands[1:]]
    commands[0].launch()
    for other in others:
        other.result()


def side_by_side(tasks: Sequence[Callable[[], Made]]) -> list[Made]:
    """Do `tasks` at once, each with its share of the processor's threads, and return what they return.

    What lies between launches takes one thread: two tasks are done in little more time than one. On a GPU they are done
    one after the other.
    """
    threads = free_threads()
    if threads == 1 or len(tasks) == 1:
        return [task() for task in tasks]
    share = max(1, threads // len(tasks))
    others = [helpers().submit(with_threads, share, task) for task in tasks[1:]]
    return [with_threads(share, tasks[0]), *(other.result() for other in others)]


def with_threads(threads: int, task: Callable[[], Made]) -> Made:
    """Do a task whose launches use so many threads."""
    SHARE.threads = threads
    try:
        return task()
    finally:
        del SHARE.threads


def numbers(tensor: Tensor) -> Any:
    """The same memory as an array of scalars, with the tensor's own shape `[...]` and type."""
    kernel_device()  # starts Warp, the first time
    return wp.from_torch(tensor.detach().contiguous())


def vectors(tensor: Tensor) -> Any:
    """The same memory of a tensor `[..., 2]`, `[..., 3]` or `[..., 4]` as an array of vectors."""
    kernel_device()
    return wp.from_torch(tensor.detach().contiguous(), dtype=VECTORS[tensor.shape[-1]])


VECTORS = {2: wp.vec2, 3: wp.vec3, 4: wp.vec4}
