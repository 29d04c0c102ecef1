# SPDX-License-Identifier: GPL-3.0-or-later
"""How near a picture is to the footage: PSNR, SSIM and sharpness."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from ..tracking.heads.head import Floats

HIGH_BAND_SIGMA = 1.5
"""Pixels: the high band is a picture minus its Gaussian blur of this width."""


def without_background(picture: np.ndarray, matte: Floats) -> Floats:
    """Return `[H, W, 3]`, 0 to 1: an RGB uint8 picture laid over black by `matte [H, W]` (0 to 1)."""
    return picture.astype(np.float32) / 255 * matte[..., None]


def psnr(picture: Floats, truth: Floats) -> float:
    """Peak signal-to-noise ratio in decibels of two `[H, W, 3]` pictures, 0 to 1; infinite when they are equal."""
    error = np.mean(np.square(picture.astype(np.float64) - truth))
    return float(-10 * np.log10(error)) if error > 0 else float("inf")


def ssim(picture: Floats, truth: Floats) -> float:
    """Structural similarity of two `[H, W, 3]` pictures, 0 to 1; 1 when they are equal."""
    own, true = (torch.from_numpy(np.ascontiguousarray(each)).permute(2, 0, 1)[None] for each in (picture, truth))
    similarity = structural_similarity_index_measure(own, true, data_range=1.0)
    assert isinstance(similarity, torch.Tensor)  # a pair only when asked for more
    return similarity.item()


def sharpness(energies: Sequence[float], true_energies: Sequence[float]) -> float:
    """Sharpness of frames from their high bands' energies: all of theirs against all of the truths'.

    1 when the pictures are as rich in detail as the truths, wherever the detail lies; nan where the truths have none.
    Frames that motion has blurred count little.
    """
    total = sum(true_energies)
    return sum(energies) / total if total > 0 else float("nan")


def high_band_energy(picture: Floats, region: np.ndarray) -> float:
    """Sum of squares of the high band of a `[H, W, 3]` picture, 0 to 1, in `region` (bool `[H, W]`)."""
    return float(np.square(high_band(picture)[region]).sum(dtype=np.float64))


def high_band(picture: Floats) -> Floats:
    """A picture minus its Gaussian blur."""
    return picture - cv2.GaussianBlur(picture, (0, 0), HIGH_BAND_SIGMA, borderType=cv2.BORDER_REFLECT)
