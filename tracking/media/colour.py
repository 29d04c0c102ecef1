# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of any pixel format and colour to RGB as screens show it: BT.709 or sRGB, without rounding down.

FFmpeg's scaler takes the colour differences of 4:2:0 from the nearest neighbour and rounds every term down, unless told
otherwise; pictures come out 1 to 2 levels dark. Planar RGB with `EXACT` is right, and quick.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from .colorimetry import Matrix, Tags, settled
from .colour_map import map_of

if TYPE_CHECKING:
    import av

    from ..heads.arrays import Image
    from .colour_map import Codes, ColourMap

EXACT = Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
"""Colour differences are interpolated, and sums rounded once. Goes with a way of scaling."""
DEEP_BITS = 12
"""Bits of a sample before it is converted to SDR: PQ asks for no more."""
STRETCHED = np.clip(np.round((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
"""Limited range to full: FFmpeg's scaler takes all grey for full."""
MATRICES = {
    Matrix.BT709: Colorspace.ITU709,
    Matrix.FCC: Colorspace.FCC,
    Matrix.BT470_BG: Colorspace.ITU601,
    Matrix.SMPTE_170M: Colorspace.ITU601,
    Matrix.SMPTE_240M: Colorspace.SMPTE240M,
    Matrix.BT2020: Colorspace.BT2020,
    Matrix.BT2020_CONSTANT: Colorspace.BT2020,
}


def rgb_of(frame: av.VideoFrame, width: int, height: int) -> Image:
    """Return a decoded frame, scaled, as RGB `[height, width, 3]` in SDR's colours; neither turned nor mirrored."""
    tags = tags_of(frame)
    colours = colour_map(tags.primaries, tags.transfer, white_code(frame, tags))
    if colours is None:
        picture: Image = cv2.merge(planes(frame, width, height, tags, "gbrp"))
        limited_grey = frame.format.name.startswith("gray") and frame.color_range == ColorRange.MPEG
        return cv2.LUT(picture, STRETCHED) if limited_grey else picture
    return colours(planes(frame, width, height, tags, f"gbrp{DEEP_BITS}le"))


def planes(frame: av.VideoFrame, width: int, height: int, tags: Tags, pixels: str) -> list[Codes]:
    """Return R, G and B, `[height, width]` each, in the frame's own primaries and transfer, of planar `pixels`."""
    scaled = frame.reformat(
        width,
        height,
        format=pixels,
        interpolation=Interpolation.BILINEAR | EXACT,
        src_colorspace=MATRICES[Matrix(tags.matrix)],
        src_color_range=ColorRange.JPEG if tags.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    sample: np.dtype[Any] = np.dtype(np.uint8 if pixels == "gbrp" else np.uint16)
    rows = [np.frombuffer(memoryview(plane), sample).reshape(height, -1) for plane in scaled.planes]
    green, blue, red = (each[:, :width] for each in rows)
    return [red, green, blue]


def tags_of(frame: av.VideoFrame) -> Tags:
    """Return what a frame says of its colours; the rest is presumed (see `settled`)."""
    full = frame.format.is_rgb or frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return settled(frame.colorspace, frame.color_primaries, frame.color_trc, full, frame.width, frame.height)


def white_code(frame: av.VideoFrame, tags: Tags) -> int:
    """Return the code of white in planar RGB of `DEEP_BITS`: not the last, as FFmpeg's scaler shifts samples left."""
    bits = frame.format.components[0].bits if tags.full_range else 8
    return int((2**bits - 1) * 2.0 ** (DEEP_BITS - bits)) if bits <= 16 else 2**DEEP_BITS - 1


@lru_cache(8)
def colour_map(primaries: int, transfer: int, white: int) -> ColourMap | None:
    """Return what converts a kind of colour to SDR, made once; None: nothing does."""
    return map_of(primaries, transfer, white)
