# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon: what its steps are like."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.neural.training.checkpoints import TrainingState, load_checkpoint, save_checkpoint
from semblance.neural.training.muon import Muon, orthogonalised
from torch import nn


@settings(max_examples=30)
@given(st.integers(4, 40), st.integers(4, 40), st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_singular_values_come_near_one_whatever_their_size(rows, columns, seed, size):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    even = left @ torch.diag(values.clamp_min(values[0] / 10)) @ right
    found = torch.linalg.svdvals(*orthogonalised([even * size]))
    assert found.min() > 0.5
    assert found.max() < 1.3


def test_singular_vectors_stay_and_matrices_do_not_meet():
    drawn = torch.Generator().manual_seed(4)
    matrices = [torch.randn(shape, generator=drawn) for shape in ((8, 24), (24, 8), (8, 8), (12, 30), (8, 24))]
    together = orthogonalised(matrices)
    for matrix, made in zip(matrices, together, strict=True):
        torch.testing.assert_close(made, orthogonalised([matrix])[0], atol=1e-3, rtol=1e-3)
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        inner = left.T @ made @ right.T
        assert (inner - torch.diag(inner.diagonal())).abs().max() < 0.01


def test_a_step_is_as_large_as_the_learning_rate_says():
    weight = nn.Parameter(torch.zeros(16, 8, 3, 3))
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) * 1e-4
    Muon([weight], rate=0.01, update_rms=0.2).step()
    assert weight.square().mean().sqrt().item() == pytest.approx(0.01 * 0.2, rel=0.3)


def test_a_checkpoint_keeps_the_momentum(tmp_path):
    def made():
        return nn.Parameter(torch.ones(8, 8, 3, 3))

    weight, again = made(), made()
    first, second = Muon([weight], 0.01, 0.2), Muon([again], 0.01, 0.2)
    gradients = torch.randn(2, *weight.shape, generator=torch.Generator().manual_seed(2))
    weight.grad = gradients[0]
    first.step()
    save_checkpoint(tmp_path / "c", TrainingState("label", 1, 1.0), {}, {"muon": first})
    load_checkpoint(tmp_path / "c", {}, {"muon": second})
    again.data.copy_(weight.data)
    weight.grad, again.grad = gradients[1], gradients[1].clone()
    first.step()
    second.step()
    torch.testing.assert_close(again, weight)
