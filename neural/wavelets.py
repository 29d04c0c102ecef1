# SPDX-License-Identifier: GPL-3.0-or-later
"""The Haar wavelet: a picture as four half-size pictures, and back, without loss (Sec. 3.3, after SWAGAN)."""

from __future__ import annotations

import torch
from torch import Tensor


def haar(picture: Tensor) -> Tensor:
    """Return `[B, 4 C, H/2, W/2]` of `[B, C, H, W]`: all channels of LL, then of LH, HL and HH. Orthonormal.

    LH holds differences between rows, HL between columns, HH both. H and W are even.

    >>> haar(torch.ones(1, 3, 8, 8)).shape
    torch.Size([1, 12, 4, 4])
    """
    top_left, top_right = picture[..., 0::2, 0::2], picture[..., 0::2, 1::2]
    bottom_left, bottom_right = picture[..., 1::2, 0::2], picture[..., 1::2, 1::2]
    top, bottom = top_left + top_right, bottom_left + bottom_right
    top_step, bottom_step = top_left - top_right, bottom_left - bottom_right
    return torch.cat([top + bottom, top - bottom, top_step + bottom_step, top_step - bottom_step], 1) * 0.5


def inverse_haar(bands: Tensor) -> Tensor:
    """Return `[B, C, 2 H, 2 W]` of `[B, 4 C, H, W]`: the exact inverse of `haar`."""
    batch, channels, height, width = bands.shape
    low, rows, columns, both = (bands * 0.5).chunk(4, 1)
    top_sum, bottom_sum = low + rows, low - rows
    top_step, bottom_step = columns + both, columns - both
    pixels = torch.stack(
        [top_sum + top_step, top_sum - top_step, bottom_sum + bottom_step, bottom_sum - bottom_step], 2
    )
    pixels = pixels.view(batch, channels // 4, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3)
    return pixels.reshape(batch, channels // 4, 2 * height, 2 * width)
