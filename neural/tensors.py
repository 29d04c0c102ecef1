# SPDX-License-Identifier: GPL-3.0-or-later
"""Between arrays, as files and requests hold them, and tensors, as networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..protocol.inputs import Inputs, Maps

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tensors_of(inputs: Inputs, device: torch.device) -> tuple[Tensor, ...]:
    """Inputs of N frames as a network takes them: maps as `[N, 3, H, W]` in [-1, 1], all else as it is, float32."""
    if isinstance(inputs, Maps):
        return as_picture(inputs.uv, device), as_picture(inputs.texture, device)
    return tuple(as_tensor(array, device) for array in inputs.arrays().values())


def as_picture(pictures: NDArray[Any], device: torch.device) -> Tensor:
    """Pictures `[N, H, W, C]`, 0 to 1, as a tensor `[N, C, H, W]`, -1 to 1."""
    return as_tensor(pictures, device).permute(0, 3, 1, 2).mul(2).sub(1)


def as_tensor(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array `[...]` as a float32 tensor of the same shape."""
    return sent(torch.from_numpy(np.ascontiguousarray(array, np.float32)), device)


def as_bytes(pictures: Tensor) -> NDArray[np.uint8]:
    """Pictures `[N, C, H, W]`, which count from -1 to 1, as uint8 `[N, H, W, C]`, contiguous."""
    rounded = pictures.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    return np.asarray(fetched(rounded.permute(0, 2, 3, 1).contiguous()))


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the processor's on `device`; a GPU fetches it when it gets there, and nobody waits."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def fetched(tensor: Tensor) -> Tensor:
    """A tensor on the processor, once the device has made it; a GPU writes it there itself, which is faster."""
    if tensor.device.type != "cuda":
        return tensor.cpu()
    held = tensor.to("cpu", non_blocking=True)  # into pinned memory
    torch.cuda.current_stream(tensor.device).synchronize()
    return held
