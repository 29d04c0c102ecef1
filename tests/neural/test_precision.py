# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of networks is decided by what the processor can do, never by a clock."""

from __future__ import annotations

import pytest
import torch
from semblance.neural.precision import native_dtype, rendering_dtype

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


@pytest.mark.parametrize(
    ("capability", "bfloat16", "expected"),
    [
        pytest.param((9, 0), True, torch.bfloat16, id="Hopper"),
        pytest.param((8, 6), True, torch.bfloat16, id="Ampere"),
        pytest.param((7, 5), False, torch.float16, id="Turing"),
        pytest.param((7, 0), False, torch.float16, id="Volta"),
        pytest.param((6, 1), False, torch.float32, id="Pascal"),
    ],
)
def test_gpus_without_bfloat16_render_in_float16_where_they_are_fast_in_it(monkeypatch, capability, bfloat16, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert rendering_dtype(torch.device("cuda")) == expected
    assert native_dtype(torch.device("cuda")) == (torch.bfloat16 if bfloat16 else torch.float32)
