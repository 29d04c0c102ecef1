# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as cells and back."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from semblance.neural.styleavatar.folding.cells import as_cells, doubling_kernel, gathered, spread
from semblance.neural.styleavatar.folding.layers import DOUBLED
from semblance.neural.styleavatar.networks.layers import upsample

PICTURE = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))


def test_a_picture_in_cells_comes_back():
    for by in (1, 2, 4):
        torch.testing.assert_close(spread(gathered(PICTURE, by), by), PICTURE, atol=0, rtol=0)


def test_outputs_in_the_order_of_pixel_shuffle_become_cells():
    weight = torch.randn(12, 3, 1, 1, generator=torch.Generator().manual_seed(1))
    expected = F.pixel_shuffle(F.conv2d(PICTURE, weight), 2)
    torch.testing.assert_close(spread(F.conv2d(PICTURE, as_cells(weight))), expected)


def test_doubling_in_cells_is_the_networks_doubling():
    doubled = spread(F.conv2d(PICTURE, doubling_kernel(3, DOUBLED), padding=1))
    torch.testing.assert_close(doubled, upsample(PICTURE))
