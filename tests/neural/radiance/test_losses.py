# SPDX-License-Identifier: GPL-3.0-or-later
"""What heads in three dimensions are judged by: pixels, and how much fine detail there is."""

from __future__ import annotations

import pytest
import torch
from semblance.neural.radiance.losses import pixel_loss, texture_loss
from torch.nn.functional import avg_pool2d


def footage() -> torch.Tensor:
    return torch.rand(64, 60, 3, generator=torch.Generator().manual_seed(0))


def softened(picture: torch.Tensor) -> torch.Tensor:
    return avg_pool2d(picture.permute(2, 0, 1)[None], 5, 1, 2, count_include_pad=False)[0].permute(1, 2, 0)


def test_soft_pictures_cost_texture_and_moved_ones_hardly():
    truth, weight = footage(), torch.ones(64, 60)
    soft, moved = softened(truth), torch.roll(truth, 1, 0)
    assert pixel_loss(moved, truth, weight) > pixel_loss(soft, truth, weight), "pixels prefer the soft one"
    assert texture_loss(soft, truth, weight) > 3 * texture_loss(moved, truth, weight)
    assert texture_loss(truth, truth, weight) == 0


def test_what_counts_nothing_costs_nothing():
    truth, weight = footage(), torch.ones(64, 60)
    weight[:, 28:] = 0
    other = truth.clone()
    other[:, 44:] = 0
    assert pixel_loss(other, truth, weight) == texture_loss(other, truth, weight) == 0


@pytest.mark.parametrize("shape", [(1, 1), (3, 90), (4, 4), (7, 9)])
def test_small_windows_have_a_texture_too(shape):
    picture = torch.rand(*shape, 3, requires_grad=True)
    loss = texture_loss(picture, torch.zeros(*shape, 3), torch.ones(shape))
    assert torch.isfinite(loss)
    if min(shape) >= 4:
        (gradient,) = torch.autograd.grad(loss, picture)
        assert torch.isfinite(gradient).all()
