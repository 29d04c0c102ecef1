# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes this process believe in a GPU. Only for a process of its own: it changes PyTorch for good."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("guard.cpp")


def compiled(compiler: str, library: Path) -> None:
    """Compile the device guard against the installed PyTorch; some seconds."""
    libraries, headers = torch_folder() / "lib", torch_folder() / "include"
    command = [
        compiler, "-std=c++20", "-shared", "-fPIC", str(SOURCE), "-o", str(library),
        f"-I{headers}", f"-I{headers / 'torch/csrc/api/include'}", f"-L{libraries}", "-lc10", "-ltorch_cpu",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)


def torch_folder() -> Path:
    """Where PyTorch is installed; does not import it."""
    found = importlib.util.find_spec("torch")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def pretend(library: Path) -> None:
    """Load the guard and have PyTorch's Python side say that there is a GPU.

    PyTorch must not have been imported yet: it looks for devices once.
    """
    for file in (torch_folder() / "lib/libc10.so", torch_folder() / "lib/libtorch_cpu.so", library):
        ctypes.CDLL(str(file), ctypes.RTLD_GLOBAL)
    import torch
    import torch.cuda.amp.common

    answers: dict[str, Callable[..., Any]] = {
        "is_available": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "get_device_name": lambda *_: "a pretended GPU",
        "get_device_capability": lambda *_: (9, 0),
        "empty_cache": lambda: None,
        "synchronize": lambda *_: None,
        "current_stream": lambda *_: Stream(),
        "stream": lambda _: contextlib.nullcontext(),
        "Stream": Stream,
        "CUDAGraph": Graph,
        "graph_pool_handle": object,
        "get_rng_state": lambda *_: None,
        "set_rng_state": lambda *_: None,
        "graph": recording,
    }
    for name, answer in answers.items():
        setattr(torch.cuda, name, answer)
    torch.cuda.amp.common.amp_definitely_not_available = lambda: False
    fit_for_fakes()


def fit_for_fakes() -> None:
    """Change what PyTorch does by values that fake tensors do not have."""
    import torch
    from torch import nn
    from torch._subclasses import FakeTensor, FakeTensorMode

    def moved(self: nn.Module, change: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> nn.Module:
        for child in self.children():
            moved(child, change)
        for name, parameter in self._parameters.items():
            if parameter is not None:
                with torch.no_grad():
                    new = change(parameter).detach()
                self._parameters[name] = nn.Parameter(new, parameter.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = change(buffer)
        return self

    on_processor = torch.tensor

    def tensor(data: Any, *, device: Any = None, **options: Any) -> torch.Tensor:
        made = on_processor(data, **options)
        return made if device is None else made.to(device)

    def pinned(self: torch.Tensor) -> torch.Tensor:
        copied = self.clone()
        copied.lies_pinned = True  # type: ignore[attr-defined]
        return copied

    def array(self: torch.Tensor, *_: Any, **__: Any) -> NDArray[Any]:
        kind = np.dtype(str(self.dtype).removeprefix("torch."))
        strides = [stride * kind.itemsize for stride in self.stride()]
        return np.lib.stride_tricks.as_strided(np.zeros(self.numel(), kind), tuple(self.shape), strides)

    for changed, name, change in (
        (FakeTensor, "tolist", lambda self: array(self.cpu()).tolist()),
        (FakeTensorMode, "may_turn_const", lambda self, _: False),
        (torch.Tensor, "numpy", array),
        (torch.Tensor, "__array__", array),
        (torch.Tensor, "pin_memory", pinned),
        (nn.Module, "_apply", moved),  # the usual one swaps storages, which fakes have not
        (torch, "tensor", tensor),
    ):
        setattr(changed, name, change)


class Stream:
    """A stream on which nothing happens."""

    cuda_stream = 0

    def wait_stream(self, other: Stream) -> None:
        pass

    def synchronize(self) -> None:
        seen.waits += 1


class Graph:
    """A recording of nothing."""

    def replay(self) -> None:
        pass


class Seen:
    """What streams and recordings were asked for: `waits` for a stream, and whether something is being recorded."""

    waits = 0
    recording = False


seen = Seen()


@contextlib.contextmanager
def recording(graph: Graph, **options: Any) -> Iterator[None]:
    seen.recording = True
    try:
        yield
    finally:
        seen.recording = False
