# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of networks is decided by what the processor can do, never by a clock."""

from __future__ import annotations

import pytest
import torch
from semblance.neural.precision import native_dtype

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_f": True}, torch.float32),
        ({"architecture": "x86_64", "avx512_bf16": True}, torch.bfloat16),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"architecture": "aarch64", "neon": True, "bf16": False}, torch.float32),
        ({"architecture": "aarch64", "bf16": True}, torch.bfloat16),
    ],
)
def test_bfloat16_where_the_processor_has_it(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert native_dtype(CPU) == expected


def test_float32_where_pytorch_lacks_the_kernels(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert native_dtype(CPU) == torch.float32
