# SPDX-License-Identifier: GPL-3.0-or-later
"""In which arithmetic networks are trained and rendered: decided by what the device has instructions for."""

from __future__ import annotations

import torch

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16")
"""A processor with one of these multiplies and adds bfloat16 at once (x86, and the last two ARM); others emulate it."""

TENSOR_CORES = (7, 0)
"""Compute capability from which a GPU multiplies float16 fast: Volta. Turing, too, has no bfloat16 of its own."""


def rendering_dtype(device: torch.device) -> torch.dtype:
    """Return in what to render: as `native_dtype`, and float16 on GPUs that have that and no bfloat16.

    Training keeps to float32 on these: its gradients would be too small for float16.
    """
    native = native_dtype(device)
    if native == torch.float32 and device.type == "cuda" and torch.cuda.get_device_capability(device) >= TENSOR_CORES:
        return torch.float16
    return native


def native_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where `device` computes in it by itself, else float32; the same each time."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        has_one = any(capabilities.get(name, False) for name in BFLOAT16_INSTRUCTIONS)
        native = has_one and torch.backends.mkldnn.is_available()  # oneDNN has the kernels
    return torch.bfloat16 if native else torch.float32
