# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as cells: the pixels of each square of `by` become channels of one, all channels of a pixel side by side.

PyTorch's `pixel_shuffle` keeps the pixels of each channel side by side instead. So ordered, what lies channels last is
moved in runs and not one number after the other, in a quarter of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def spread(cells: Tensor, by: int = 2) -> Tensor:
    """Return `[B, C, by H, by W]` of cells `[B, by * by * C, H, W]`."""
    batch, channels, height, width = cells.shape
    pixels = cells.permute(0, 2, 3, 1).reshape(batch, height, width, by, by, channels // by**2)
    rows = pixels.permute(0, 1, 3, 2, 4, 5).reshape(batch, by * height, by * width, channels // by**2)
    return rows.permute(0, 3, 1, 2)


def gathered(picture: Tensor, by: int = 2) -> Tensor:
    """Return the cells `[B, by * by * C, H, W]` of a picture `[B, C, by H, by W]`."""
    batch, channels, height, width = picture.shape
    pixels = picture.permute(0, 2, 3, 1).reshape(batch, height // by, by, width // by, by, channels)
    rows = pixels.permute(0, 1, 3, 2, 4, 5).reshape(batch, height // by, width // by, by**2 * channels)
    return rows.permute(0, 3, 1, 2)


def as_cells(shuffled: Tensor) -> Tensor:
    """Return weights or biases `[4 C, ...]` whose outputs `pixel_shuffle` takes, for `spread`."""
    return shuffled.reshape(-1, 4, *shuffled.shape[1:]).transpose(0, 1).reshape(shuffled.shape)


def doubling_kernel(channels: int, phases: Sequence[Sequence[float]]) -> Tensor:
    """Return the kernel `[4 C, C, 3, 3]` that makes the cells of a doubled picture, each channel by itself.

    `phases` are the three taps along a side for the first and for the second of two pixels.
    """
    taps = torch.tensor(phases)
    by_pixel = torch.einsum("ri,cj->rcij", taps, taps)
    return torch.einsum("rcij,oa->rcoaij", by_pixel, torch.eye(channels)).reshape(4 * channels, channels, 3, 3)
