# SPDX-License-Identifier: GPL-3.0-or-later
"""How near a picture is to the footage: PSNR, SSIM, MS-SSIM, sharpness and flicker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Image

EDGE = 0.01
"""Share of a picture's side within which of the outline a pixel lies at it."""
HIGH_BAND_SIGMA = 1.5
"""Image: the high band is a picture minus its Gaussian blur of this width."""


def without_background(picture: Image, matte: Floats) -> Floats:
    """Return `[H, W, 3]`, 0 to 1: RGB uint8 `[H, W, 3]` laid over black by `matte [H, W]`, 0 to 1."""
    return picture.astype(np.float32) / 255 * matte[..., None]


def inside(matte: Floats) -> NDArray[np.bool_]:
    """Return `[H, W]`: the foreground of a matte `[H, W]`, 0 to 1, away from its outline."""
    edge = max(1, round(EDGE * max(matte.shape)))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge + 1, 2 * edge + 1))
    found: NDArray[np.bool_] = cv2.erode((matte > 0.5).astype(np.uint8), around) > 0
    return found


def psnr(picture: Floats, truth: Floats, region: NDArray[np.bool_] | None = None) -> float:
    """Return the peak signal-to-noise ratio of two pictures `[H, W, 3]`, 0 to 1, in decibels; infinite for equal ones.

    Only pixels of the `region [H, W]` count where it is given.

    >>> round(psnr(np.zeros((8, 8, 3), np.float32), np.full((8, 8, 3), 0.1, np.float32)), 2)
    20.0
    """
    squares = np.square(picture.astype(np.float64) - truth)
    error = np.mean(squares if region is None else squares[region])
    return float(-10 * np.log10(error)) if error > 0 else float("inf")


def ssim(picture: Floats, truth: Floats, region: NDArray[np.bool_] | None = None) -> float:
    """Return the structural similarity (SSIM) of two pictures `[H, W, 3]`, 0 to 1; at most 1, when they are equal.

    Only windows about pixels of the `region [H, W]` count where it is given.
    """
    pair = as_batch(picture), as_batch(truth)
    whole, everywhere = structural_similarity_index_measure(*pair, data_range=1.0, return_full_image=True)
    return whole.item() if region is None else everywhere[0].mean(0)[torch.from_numpy(region)].mean().item()


def ms_ssim(picture: Floats, truth: Floats) -> float:
    """Return the SSIM over five scales of two pictures `[H, W, 3]`, 0 to 1, of more than 160 pixels a side."""
    return multiscale_structural_similarity_index_measure(as_batch(picture), as_batch(truth), data_range=1.0).item()


def flicker(error: Floats, error_before: Floats, matte: Floats) -> float:
    """Return how much more or less a picture changes than the footage from one frame to the next, 0 to 255.

    The mean, over the foreground's pixels and channels, of |(p' - p) - (f' - f)|, where p, p' are the pictures and
    f, f' the footage: what is left of change when the footage's own is taken away.

    Args:
        error, error_before: picture minus footage `[H, W, 3]`, values 0 to 1, of a frame and the one before it.
        matte: of the frame, `[H, W]`, 0 to 1.
    """
    change = np.abs(error - error_before).mean(2, dtype=np.float64) * matte
    return float(255 * change.sum() / max(1.0, float(matte.sum(dtype=np.float64))))


def sharpness(energies: Sequence[float], true_energies: Sequence[float]) -> float:
    """Return the sharpness of T frames from their high bands' energies: all of theirs over all of the truths'.

    1 when the pictures are as rich in detail as the truths, wherever the detail lies; nan where the truths have none.
    Frames that motion has blurred count little.
    """
    total = sum(true_energies)
    return sum(energies) / total if total > 0 else float("nan")


def high_band_energy(picture: Floats, region: NDArray[np.bool_]) -> float:
    """Return the sum of squares of the high band of a picture `[H, W, 3]`, 0 to 1, in `region [H, W]`."""
    return float(np.square(high_band(picture)[region]).sum(dtype=np.float64))


def high_band(picture: Floats) -> Floats:
    """Return a picture `[H, W, 3]`, 0 to 1, minus its Gaussian blur: -1 to 1."""
    blurred: Floats = cv2.GaussianBlur(picture, (0, 0), HIGH_BAND_SIGMA, borderType=cv2.BORDER_REFLECT)
    return picture - blurred


def as_batch(picture: Floats | Image) -> torch.Tensor:
    """Return a picture `[H, W, 3]` as `[1, 3, H, W]`, its values as they are."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
