# SPDX-License-Identifier: GPL-3.0-or-later
"""Which arithmetic is fastest here: measured, because processors differ (bfloat16 helps some and slows others)."""

from __future__ import annotations

import time
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812

WORTH = 1.25
"""bfloat16 must be this many times faster to be chosen for training."""
TRIES = 10
"""In turns, so that a busy moment does not decide."""
RENDERING_WORTH = 2.0
"""The same for rendering, where bfloat16 comes with merged blurs (`folding.layers`), which multiply more."""


def fastest_dtype(device: torch.device) -> torch.dtype:
    """Return float32 or bfloat16, whichever trains convolutions faster on `device`; takes a fraction of a second."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    slow, fast = (
        min(convolution_seconds(device, dtype) for _ in range(3)) for dtype in (torch.float32, torch.bfloat16)
    )
    return torch.bfloat16 if slow > WORTH * fast else torch.float32


@cache
def rendering_dtype(device: torch.device) -> torch.dtype:
    """Return float32 or bfloat16, whichever a network renders faster in on `device`; takes a moment."""
    if device.type == "cuda":
        return fastest_dtype(device)
    slow, fast = (min(forward_seconds(device, dtype) for _ in range(4)) for dtype in (torch.float32, torch.bfloat16))
    return torch.bfloat16 if slow > RENDERING_WORTH * fast else torch.float32


def convolution_seconds(device: torch.device, dtype: torch.dtype) -> float:
    """Seconds that a small convolution takes forward and backward."""
    x = torch.zeros(2, 32, 64, 64, device=device).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.zeros(32, 32, 3, 3, device=device, requires_grad=True)
    started = time.perf_counter()
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        F.conv2d(x, weight, padding=1).float().square().mean().backward()
    return time.perf_counter() - started


@torch.inference_mode()
def forward_seconds(device: torch.device, dtype: torch.dtype) -> float:
    """Seconds that a convolution takes forward."""
    x = torch.zeros(1, 128, 64, 64, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.zeros(128, 128, 3, 3, device=device, dtype=dtype)
    started = time.perf_counter()
    F.conv2d(x, weight, padding=1)
    return time.perf_counter() - started
