# SPDX-License-Identifier: GPL-3.0-or-later
"""Words on rendered pictures that say to everybody what they are, such as “synthetic”."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from ...common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.choices import CornerName
    from ...tracking.heads.arrays import Floats, Image

FONT = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
MARGIN, PADDING = 0.6, 0.35
"""Between the label and the picture's edge, and around the words in it, in heights of its letters."""
DARKNESS = 0.6
"""Opacity of the black box behind the white letters: they are read over any picture."""
LEAST_PIXELS = 9
"""Height of letters that can still be read."""


@dataclass(frozen=True)
class Label:
    """What to write.

    Attributes:
        text: the words, in Latin, Greek, Cyrillic or another script that DejaVu Sans has.
        corner: where they stand.
        size: height of the letters, as a share of the picture's height.
    """

    text: str
    corner: CornerName = "bottom-left"
    size: float = 0.04


def labelling(label: Label | None) -> Callable[[Image], Image]:
    """Return what writes a label onto pictures, `[H, W, 3]` or `[H, W, 4]` with straight alpha; it leaves them alone
    without one. The label is opaque enough to be read also where the picture is transparent.

    Raises:
        UserError: the font has no letters for the words.
    """
    if label is None:
        return lambda picture: picture
    absent = sorted({each for each in label.text if not each.isspace() and ord(each) not in letters()})
    if absent:
        raise UserError(f"The label's font has no letters for {' '.join(absent)}; choose other words for the label.")
    return lambda picture: written(picture, label)


def written(picture: Image, label: Label) -> Image:
    """Return a picture with the label on it; one that is too wide is made smaller until it fits."""
    height, width = picture.shape[:2]
    ink = inked(label, height, width)
    margin = round(MARGIN * label.size * height)
    down, across = height - ink.shape[0], width - ink.shape[1]  # how far it can be moved
    top = min(margin, down) if label.corner.startswith("top") else max(0, down - margin)
    left = min(margin, across) if label.corner.endswith("left") else max(0, across - margin)
    place = np.s_[top : top + ink.shape[0], left : left + ink.shape[1]]
    out = picture.copy()
    behind = out[place].astype(np.float32) / 255
    alpha = behind[..., 3:] if picture.shape[2] == 4 else np.ones_like(behind[..., :1])
    cover = ink + DARKNESS * (1 - ink)
    both = cover + alpha * (1 - cover)
    colour = (ink + behind[..., :3] * alpha * (1 - cover)) / np.maximum(both, 1e-6)
    layers = [colour, both] if picture.shape[2] == 4 else [colour]
    out[place] = np.rint(np.concatenate(layers, -1) * 255).astype(np.uint8)
    return out


@cache
def inked(label: Label, height: int, width: int) -> Floats:
    """Return how much white ink, `[h, w, 1]` from 0 to 1, a label's box has in a picture of a size."""
    pixels = max(LEAST_PIXELS, round(label.size * height))
    while True:
        font = ImageFont.truetype(str(FONT), pixels)
        left, top, right, bottom = font.getbbox(label.text)
        padding = round(PADDING * pixels)
        wide, high = round(right - left) + 2 * padding, round(bottom - top) + 2 * padding
        if (wide <= width and high <= height) or pixels <= LEAST_PIXELS:
            break
        pixels -= 1
    drawn = Pillow.new("L", (min(wide, width), min(high, height)))
    ImageDraw.Draw(drawn).text((padding - left, padding - top), label.text, fill=255, font=font)
    return np.asarray(drawn, np.float32)[..., None] / 255


@cache
def letters() -> frozenset[int]:
    """The code points that the font has."""
    return frozenset(FT2Font(str(FONT)).get_charmap())
