# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of any pixel format and colour to RGB as screens show it: BT.709 or sRGB, without rounding down.

FFmpeg's scaler takes the colour differences of 4:2:0 from the nearest neighbour and rounds every term down, unless told
otherwise; pictures come out 1 to 2 levels dark. Planar RGB with `EXACT` is right, and quick.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from .colorimetry import Matrix, Tags, settled
from .colour_map import map_of

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

    from ..heads.arrays import Image
    from .colour_map import ColourMap

EXACT = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
"""Colour differences are interpolated, and sums rounded once."""
DEEP_BITS = 12
"""Bits of a sample before it is converted to SDR: PQ asks for no more."""
MATRICES = {
    Matrix.BT709: Colorspace.ITU709,
    Matrix.FCC: Colorspace.FCC,
    Matrix.BT470_BG: Colorspace.ITU601,
    Matrix.SMPTE_170M: Colorspace.ITU601,
    Matrix.SMPTE_240M: Colorspace.SMPTE240M,
    Matrix.BT2020: Colorspace.BT2020,
    Matrix.BT2020_CONSTANT: Colorspace.BT2020,
}


class RgbConverter:
    """Converts the frames of one video, each by its own colour tags."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def rgb(self, frame: av.VideoFrame, width: int, height: int) -> Image:
        """Return a frame as RGB `[height, width, 3]`, scaled, as stored: neither turned nor mirrored."""
        tags = tags_of(frame)
        colours = colour_map(tags.primaries, tags.transfer, white_code(frame, tags))
        red, green, blue = self._planes(frame, width, height, tags, "gbrp" if colours is None else f"gbrp{DEEP_BITS}le")
        return cv2.merge([red, green, blue]) if colours is None else colours([red, green, blue])

    def _planes(
        self, frame: av.VideoFrame, width: int, height: int, tags: Tags, pixels: str
    ) -> tuple[NDArray[np.unsignedinteger], ...]:
        """Return R, G and B, `[height, width]` each, in the frame's own primaries and transfer."""
        scaled = self._scaler.reformat(
            frame,
            width,
            height,
            format=pixels,
            interpolation=EXACT,
            src_colorspace=MATRICES[Matrix(tags.matrix)],
            src_color_range=ColorRange.JPEG if tags.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
        )
        sample = np.uint8 if pixels == "gbrp" else np.uint16
        green, blue, red = (np.frombuffer(plane, sample).reshape(height, -1)[:, :width] for plane in scaled.planes)
        return red, green, blue


def tags_of(frame: av.VideoFrame) -> Tags:
    """Return what a frame says of its colours; the rest is presumed (see `settled`)."""
    full = frame.format.is_rgb or frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return settled(frame.colorspace, frame.color_primaries, frame.color_trc, full, frame.width, frame.height)


def white_code(frame: av.VideoFrame, tags: Tags) -> int:
    """Return the code of white in planar RGB of `DEEP_BITS`: FFmpeg's scaler shifts samples left, so it is not the last."""
    bits = frame.format.components[0].bits if tags.full_range else 8
    return int((2**bits - 1) * 2.0 ** (DEEP_BITS - bits)) if bits <= 16 else 2**DEEP_BITS - 1


@lru_cache(8)
def colour_map(primaries: int, transfer: int, white: int) -> ColourMap | None:
    """Return what converts a kind of colour to SDR, made once; None: nothing does."""
    return map_of(primaries, transfer, white)
