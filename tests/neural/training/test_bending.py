# SPDX-License-Identifier: GPL-3.0-or-later
"""Bent samples: footage and maps move together, and surfaces stay apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.neural.networks.windows import CENTRED
from semblance.neural.training.batches import Batch
from semblance.neural.training.bending import bend, bends

SIDE = 256
SHOWN = np.zeros((3, SIDE, SIDE), bool)
SHOWN[:, 60:200, 70:190] = True


@pytest.fixture
def batch() -> Batch:
    """Footage, twice as fine as the maps, that shows what the texture map does; a UV map of two surfaces."""
    drawn = torch.Generator().manual_seed(5)
    texture = F.interpolate(torch.rand(3, 3, 9, 9, generator=drawn) * 2 - 1, (SIDE, SIDE), mode="bicubic")
    along = torch.linspace(-1, 1, SIDE)
    uv = torch.stack([along.expand(SIDE, SIDE), along[:, None].expand(SIDE, SIDE), torch.ones(SIDE, SIDE)])
    uv = uv.repeat(3, 1, 1, 1)
    uv[:, :2, 100:120, 100:150] = 0.9 - 0.1 * uv[:, :2, 100:120, 100:150].abs()
    footage = F.interpolate(texture, (2 * SIDE, 2 * SIDE), mode="bilinear")
    return Batch(footage, footage[:, :1], footage[:, 1:2], uv, texture, texture, torch.zeros(3), CENTRED)


def test_footage_and_maps_are_bent_alike(batch):
    after = bend(batch, bends(SHOWN, 1.0, np.random.default_rng(0)))
    small = F.avg_pool2d(after.footage, 2)
    moved = (after.texture - batch.texture).abs().mean()
    assert moved > 0.02
    assert (small - after.texture).abs().mean() < moved / 10
    assert (F.avg_pool2d(after.matte, 2) - after.texture[:, :1]).abs().mean() < moved / 10
    assert (F.avg_pool2d(after.expressive, 2) - after.texture[:, 1:2]).abs().mean() < moved / 10
    assert after.window_texture is after.texture


def test_surfaces_stay_apart(batch):
    after = bend(batch, bends(SHOWN, 1.0, np.random.default_rng(0)))
    u, v = after.uv[:, 0], after.uv[:, 1]
    along = torch.linspace(-1, 1, SIDE)
    row, column = along[:, None].expand(3, SIDE, SIDE), along.expand(3, SIDE, SIDE)
    on_first = ((u - column).abs() < 0.4) & ((v - row).abs() < 0.4)
    on_second = (u > 0.8) & (v > 0.8)
    assert (on_first | on_second).all()
    assert 500 < on_second[0].sum() < 2500


def test_a_share_is_left_as_it_is(batch):
    assert not bends(SHOWN, 0.0, np.random.default_rng(0)).any()
    many = bends(np.tile(SHOWN[:1, ::4, ::4], (400, 1, 1)), 0.7, np.random.default_rng(0))
    assert 0.6 < many.any((1, 2, 3)).mean() < 0.8
    assert not bends(np.zeros((2, 64, 64), bool), 1.0, np.random.default_rng(0)).any(), "no face, nothing to bend"
    after = bend(batch, np.zeros((3, SIDE, SIDE, 2), np.float32))
    torch.testing.assert_close(after.footage, batch.footage, atol=5e-3, rtol=0)
    torch.testing.assert_close(after.uv, batch.uv, atol=1e-3, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pictures_never_fold(seed):
    bent = bends(SHOWN[:1], 1.0, np.random.default_rng(seed))[0]
    place = bent + np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1)
    across, down = np.diff(place, axis=1)[:-1], np.diff(place, axis=0)[:, :-1]
    turned = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert turned.min() > 0
