# SPDX-License-Identifier: GPL-3.0-or-later
"""In which arithmetic networks are trained and rendered: decided by what the device has instructions for."""

from __future__ import annotations

import torch

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16")
"""A processor with one of these multiplies and adds bfloat16 at once (x86, and the last two ARM); others emulate it."""


def native_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where `device` computes in it by itself, else float32; the same each time."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        has_one = any(capabilities.get(name, False) for name in BFLOAT16_INSTRUCTIONS)
        native = has_one and torch.backends.mkldnn.is_available()  # oneDNN has the kernels
    return torch.bfloat16 if native else torch.float32
