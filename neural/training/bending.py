# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples with faces bent a little, footage and maps alike: expressions that the footage does not show.

The published training has none of it. A short video shows few expressions, and a network that has seen a mouth only in
the middle paints it there wherever the maps say it is; bent samples teach it to follow the maps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .batches import Batch

MOST_SWELLS = 3
NARROWEST, WIDEST = 10.0, 50.0
"""Standard deviation of a swell in pixels of the maps: from a corner of the mouth to half a face."""
STEEPEST = 0.3
"""How far a swell's middle moves at most, over its standard deviation; at 1.6 the picture would fold."""
EDGE = 0.08
"""Difference of UV coordinates, in [-1, 1], in a 3x3 neighbourhood of different surfaces, which must not be mixed."""


def bends(shown: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Draw how samples are bent.

    Args:
        shown: bool `[B, S, S]`, where the maps show the face.
        share: of the samples that are bent at all.

    Returns:
        `[B, S, S, 2]` x and y, pixels: where each pixel of the bent picture comes from, relative to itself.
    """
    bent = np.zeros((*shown.shape, 2), np.float32)
    along = np.arange(shown.shape[1], dtype=np.float32)
    for sample, face in zip(bent, shown, strict=True):
        places = np.flatnonzero(face)
        if random.random() >= share or not len(places):
            continue
        for _ in range(random.integers(1, MOST_SWELLS + 1)):
            row, column = divmod(int(random.choice(places)), len(along))
            width = np.exp(random.uniform(np.log(NARROWEST), np.log(WIDEST)))
            moved, angle = random.uniform(0, STEEPEST) * width, random.uniform(0, 2 * np.pi)
            down, across = (np.exp(-((along - middle) ** 2) / (2 * width**2)) for middle in (row, column))
            swell = np.outer(down, across)[..., None].astype(np.float32)
            sample += swell * np.array([moved * np.cos(angle), moved * np.sin(angle)], np.float32)
    return bent


def bend(batch: Batch, bent: np.ndarray) -> Batch:
    """Bend the samples of a centred window; `bent` is of `bends`, of the maps' size."""
    side = bent.shape[1]
    grid = F.affine_grid(torch.eye(2, 3)[None], [1, 1, side, side], align_corners=False)
    grid = (grid + torch.from_numpy(bent) * (2 / side)).to(batch.uv.device)
    fine = F.interpolate(grid.permute(0, 3, 1, 2), batch.footage.shape[-2:], mode="bilinear", align_corners=False)
    fine = fine.permute(0, 2, 3, 1)
    texture = sampled(batch.texture, grid, "bilinear")
    return replace(
        batch,
        footage=sampled(batch.footage, fine, "bicubic"),
        matte=sampled(batch.matte, fine, "bilinear"),
        expressive=sampled(batch.expressive, fine, "bilinear"),
        uv=bent_uv(batch.uv, grid),
        window_texture=texture,
        texture=texture,
    )


def bent_uv(uv: Tensor, grid: Tensor) -> Tensor:
    """The UV map `[B, 3, S, S]` at the places `grid [B, S, S, 2]`, surfaces apart."""
    steepness = (F.max_pool2d(uv, 3, 1, 1) + F.max_pool2d(-uv, 3, 1, 1)).amax(1, keepdim=True)
    edge = sampled((steepness > EDGE).float(), grid, "nearest") > 0
    return torch.where(edge, sampled(uv, grid, "nearest"), sampled(uv, grid, "bilinear"))


def sampled(picture: Tensor, grid: Tensor, mode: str) -> Tensor:
    """`grid_sample` that repeats the border, channels last in memory."""
    taken = F.grid_sample(picture, grid, mode=mode, padding_mode="border", align_corners=False)
    return taken.contiguous(memory_format=torch.channels_last)
