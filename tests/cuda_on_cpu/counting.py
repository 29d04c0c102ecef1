# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what "cuda" tensors are put through: kernels, convolutions, waits of the processor, memory."""

from __future__ import annotations

import collections
import traceback
import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .pretence import seen

NO_KERNEL = {
    "view", "_unsafe_view", "expand", "permute", "transpose", "t", "select", "slice", "split", "split_with_sizes",
    "unsqueeze", "squeeze", "detach", "alias", "as_strided", "unbind", "_reshape_alias", "lift_fresh", "narrow",
    "chunk", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "device", "is_pinned",
}  # fmt: skip
"""Operators that only say where memory lies."""
VALUES = {"_local_scalar_dense", "nonzero", "equal", "is_nonzero", "item"}
"""Operators after which the processor knows a value of the GPU's."""
BLOCK = 512
"""Bytes in which PyTorch hands out memory."""


class Work(TorchDispatchMode):
    """Counts while it is entered.

    Attributes:
        kernels: operators on "cuda" tensors by name; recorded: those of them inside the recording of a CUDA graph.
        convolutions: how many forward convolutions, which those of a backward pass of a backward pass are too.
        waits: where the processor waited for the GPU, and how often.
        illegal: what a recording does not allow: other devices' tensors and values.
        live, peak: bytes of "cuda" tensors.
        backends: what convolutions run in, by kind and type.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._sizes: dict[int, int] = {}
        self.begin()

    def begin(self) -> None:
        """Count from nothing; what lives, lives on."""
        self.kernels: collections.Counter[str] = collections.Counter()
        self.recorded: collections.Counter[str] = collections.Counter()
        self.waits: collections.Counter[str] = collections.Counter()
        self.backends: collections.Counter[str] = collections.Counter()
        self.illegal: list[str] = []
        self.peak = self.live

    @property
    def convolutions(self) -> int:
        return self.kernels["convolution"]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[1]
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        if name == "_local_scalar_dense" and given[0].device.type == "cuda":
            self._wait(name)
            return 1.0
        made = func(*args, **kwargs)
        results = [each for each in tree_leaves(made) if isinstance(each, Tensor)]
        devices = {each.device.type for each in (*given, *results)}
        if "cuda" not in devices:
            return made
        for each in results:
            if each.device.type == "cuda":
                self._hold(each)
        if name in NO_KERNEL:
            return made
        if ("cpu" in devices and name in ("_to_copy", "copy_") and not waits_not(name, args, kwargs)) or name in VALUES:
            self._wait(name)
        self._count(name, args, devices)
        return made

    def _count(self, name: str, args: Any, devices: set[str]) -> None:
        self.kernels[name] += 1
        if not seen.recording:
            return
        self.recorded[name] += 1
        if devices != {"cuda"} or name in VALUES:
            self.illegal.append(f"{name} at {here()}")
        if name == "convolution":
            backend = str(torch._C._select_conv_backend(*args[:3], *args[3:9], None)).rsplit(".", 1)[-1]
            self.backends[f"{'depthwise' if args[8] > 1 else 'dense'} {str(args[0].dtype)[6:]} {backend}"] += 1

    def _wait(self, name: str) -> None:
        if seen.recording:
            self.illegal.append(f"{name} at {here()}")
        self.waits[f"{name} at {here()}"] += 1

    def _hold(self, tensor: Tensor) -> None:
        """Take a tensor's memory into account until it is gone."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._sizes:
            return
        self._sizes[key] = -(-storage.nbytes() // BLOCK) * BLOCK
        self.live += self._sizes[key]
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._release, key)

    def _release(self, key: int) -> None:
        self.live -= self._sizes.pop(key, 0)


def waits_not(name: str, args: Any, kwargs: Any) -> bool:
    """Whether a copy between devices lets the processor go on: it was asked to, and its memory is pinned."""
    asked = kwargs.get("non_blocking") or (name == "copy_" and len(args) > 2 and args[2])
    source = args[1] if name == "copy_" else args[0]
    return bool(asked) and (source.device.type == "cuda" or getattr(source, "lies_pinned", False))


def here() -> str:
    """The line of ours that is being executed."""
    for frame in reversed(traceback.extract_stack()[:-2]):
        if "cuda_on_cpu" not in frame.filename and "site-packages" not in frame.filename:
            return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    return "?"
