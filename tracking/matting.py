# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreground mattes: MediaPipe's selfie segmentation, its edges drawn to the picture's by a guided filter."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .heads.head import Floats
from .quiet_mediapipe import silenced, solution

Pixels = NDArray[np.uint8]

GENERAL_MODEL = 0
"""The 256 x 256 model; the other one (144 x 256) is for landscape pictures."""

NETWORK_SIDE = 256
WINDOWS_SIDE = 128
"""Side of the picture on which the guided filter's windows lie: a pixel of it is six of the usual crop."""

RADIUS = 2
"""Pixels of that picture from the middle of a window to its side."""

REACH = 4
"""Pixels of the network's grid about an edge in which the picture may move it."""

SMOOTHNESS = 2e-4
"""Variance of the guide (0 to 1) below which a window counts as flat."""

PLAIN = 0.02
"""Scores this near to 0 or 1 are plain background or foreground: the edge is elsewhere."""

FLOOR, CEILING = 0.12, 0.88
"""Scores below and above which a pixel is plain background or foreground."""

MEMORY = 0.35
"""Share of the former frame in a still pixel: calms the edge's flicker."""

STILL = 0.12
"""Difference of scores at which a pixel counts as moving, and keeps nothing of the former frame."""


class Matting:
    """Mattes for the frames of one video, in order; make a new one for another video or a photo.

    It remembers the former frame to calm the edges.
    """

    def __init__(self) -> None:
        selfie_segmentation = solution("selfie_segmentation")
        with silenced():
            self._segmentation = selfie_segmentation.SelfieSegmentation(model_selection=GENERAL_MODEL)
        self._former: Floats | None = None

    def __call__(self, rgb: Pixels) -> Floats:
        """Return the matte `[H, W]`, 0 background to 1 foreground, of a picture `[H, W, 3]`."""
        score = self._scores(rgb)
        return sharpened(guided(score, rgb))

    def close(self) -> None:
        """Free the network."""
        self._segmentation.close()

    def _scores(self, rgb: Pixels) -> Floats:
        """Return the network's scores `[256, 256]`, calmed over time."""
        small = cv2.resize(rgb, (NETWORK_SIDE, NETWORK_SIDE), interpolation=cv2.INTER_AREA)
        score = np.asarray(self._segmentation.process(small).segmentation_mask, np.float32)
        if self._former is not None:
            change = np.abs(score - self._former)
            keep = MEMORY * np.clip(1 - change / STILL, 0, 1)
            score = score + keep * (self._former - score)
        self._former = score
        return score


def guided(matte: Floats, rgb: Pixels) -> Floats:
    """Return `matte [h, w]` at the size of the picture `[H, W, 3]` and with the picture's edges: `[H, W]`.

    The fast guided filter with a colour guide (He and Sun 2015): about each pixel the matte is a linear function of
    red, green and blue; the functions are found on a small picture and applied to the large one's pixels near edges.
    """
    height, width = rgb.shape[:2]
    small = (WINDOWS_SIDE, WINDOWS_SIDE)
    guide = cv2.resize(rgb, small, interpolation=cv2.INTER_AREA)
    target = cv2.resize(matte, small, interpolation=cv2.INTER_AREA)
    functions = window_functions(np.moveaxis(guide, -1, 0).astype(np.float32) / 255, target)
    result = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
    edge = cv2.resize(near_edges(matte), (width, height), interpolation=cv2.INTER_NEAREST)
    pixels = np.flatnonzero(edge.view(np.bool_))
    x, y = ((place + 0.5) * WINDOWS_SIDE for place in (pixels % width, pixels // width))
    slopes_and_offset = sampled(functions, x / width - 0.5, y / height - 0.5)
    colours = rgb.reshape(-1, 3)[pixels].astype(np.float32) / 255
    refined = np.einsum("nc,nc->n", slopes_and_offset[:, :3], colours) + slopes_and_offset[:, 3]
    result.reshape(-1)[pixels] = refined
    return result


def near_edges(matte: Floats) -> Pixels:
    """Return where a matte is not plain or is near to such a place: 0 or 1."""
    uncertain = ((matte > PLAIN) & (matte < 1 - PLAIN)).astype(np.uint8)
    return cv2.dilate(uncertain, np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8))


def sampled(picture: Floats, x: Floats, y: Floats) -> Floats:
    """Return `[N, C]`: a picture `[h, w, C]` at N points, bilinear (integers are pixel centres)."""
    rows = -(-len(x) // 1024)  # OpenCV takes no picture of more than 32767 rows or columns
    if rows == 0:
        return np.empty((0, picture.shape[2]), np.float32)
    grid_x, grid_y = (np.resize(places.astype(np.float32), (rows, 1024)) for places in (x, y))
    values = cv2.remap(picture, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(-1, picture.shape[2])[: len(x)]


def window_functions(guide: Floats, target: Floats) -> Floats:
    """Return slopes and offset `[h, w, 4]`: about each pixel `target [h, w]` is slopes . `guide [3, h, w]` + offset."""
    mr, mg, mb = (box(channel) for channel in guide)
    mean_target = box(target)
    red, green, blue = guide
    means = (mr, mg, mb)
    r, g, b = (box(channel * target) - mean * mean_target for channel, mean in zip(guide, means, strict=True))
    variances: list[Floats] = [
        box(channel**2) - mean**2 + SMOOTHNESS for channel, mean in zip(guide, means, strict=True)
    ]
    rr, gg, bb = variances
    rg, gb, br = box(red * green) - mr * mg, box(green * blue) - mg * mb, box(blue * red) - mb * mr
    # The inverse of the symmetric 3 x 3 covariance, by its cofactors.
    c_rr, c_gg, c_bb = gg * bb - gb * gb, rr * bb - br * br, rr * gg - rg * rg
    c_rg, c_gb, c_br = br * gb - rg * bb, br * rg - rr * gb, rg * gb - gg * br
    scale = 1 / (rr * c_rr + rg * c_rg + br * c_br)
    slope_r = (c_rr * r + c_rg * g + c_br * b) * scale
    slope_g = (c_rg * r + c_gg * g + c_gb * b) * scale
    slope_b = (c_br * r + c_gb * g + c_bb * b) * scale
    offset = mean_target - slope_r * mr - slope_g * mg - slope_b * mb
    return box(cv2.merge([slope_r, slope_g, slope_b, offset]))


def box(values: Floats) -> Floats:
    """Return the means over windows of `2 RADIUS + 1` pixels."""
    return cv2.blur(values, (2 * RADIUS + 1, 2 * RADIUS + 1), borderType=cv2.BORDER_REFLECT)


def sharpened(matte: Floats) -> Floats:
    """Return a matte whose nearly plain pixels are plain."""
    return np.clip((matte - FLOOR) / (CEILING - FLOOR), 0, 1)
