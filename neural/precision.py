# SPDX-License-Identifier: GPL-3.0-or-later
"""In which arithmetic networks are trained and rendered: decided by what the device has instructions for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16")
"""A processor with one of these multiplies and adds bfloat16 at once (x86, and the last two ARM); others emulate it."""
BFLOAT16_CARDS, FLOAT16_CARDS = (8, 0), (7, 0)
"""Compute capabilities from which NVIDIA's GPUs multiply bfloat16 (Ampere) and float16 (Volta, then Turing) fast."""


def native_dtype(device: torch.device) -> torch.dtype:
    """Return in what to train and render on `device`: the short arithmetic that it has, else float32.

    The same each time. No float16 has run on a card yet, neither in training nor in rendering.
    """
    if device.type == "cuda":
        return gpu_dtype(torch.cuda.get_device_capability(device))
    return processor_dtype(torch.cpu.get_capabilities(), torch.backends.mkldnn.is_available())


def gpu_dtype(capability: tuple[int, int]) -> torch.dtype:
    """The arithmetic of a GPU of this compute capability."""
    if capability >= BFLOAT16_CARDS:
        return torch.bfloat16
    return torch.float16 if capability >= FLOAT16_CARDS else torch.float32


def processor_dtype(capabilities: Mapping[str, object], has_kernels: bool) -> torch.dtype:
    """The arithmetic of a processor, by its instructions as PyTorch names them; oneDNN `has_kernels` or not."""
    has_instructions = any(capabilities.get(name, False) for name in BFLOAT16_INSTRUCTIONS)
    return torch.bfloat16 if has_instructions and has_kernels else torch.float32
