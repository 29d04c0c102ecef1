# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of networks is decided by what the processor can do, never by a clock."""

from __future__ import annotations

import pytest
import torch
from semblance.neural.precision import gpu_dtype, native_dtype, processor_dtype


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
def test_bfloat16_where_the_processor_and_pytorch_have_it(capabilities, expected):
    assert processor_dtype(capabilities, has_kernels=True) == expected
    assert processor_dtype(capabilities, has_kernels=False) == torch.float32


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        pytest.param((6, 1), torch.float32, id="Pascal"),
        pytest.param((7, 0), torch.float16, id="Volta"),
        pytest.param((7, 5), torch.float16, id="Turing"),
        pytest.param((8, 0), torch.bfloat16, id="Ampere"),
        pytest.param((8, 9), torch.bfloat16, id="Ada"),
        pytest.param((9, 0), torch.bfloat16, id="Hopper"),
        pytest.param((12, 0), torch.bfloat16, id="Blackwell"),
    ],
)
def test_gpus_compute_in_what_they_are_fast_in(monkeypatch, capability, expected):
    assert gpu_dtype(capability) == expected
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert native_dtype(torch.device("cuda")) == expected
