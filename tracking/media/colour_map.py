# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings pictures of other primaries and transfers, HDR among them, to the colours of SDR: BT.709's and sRGB's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .colorimetry import (
    CHROMATICITIES,
    HLG_PEAK,
    REFERENCE_WHITE,
    Chromaticities,
    Primaries,
    Transfer,
    light,
    signal_of,
    to_bt709,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..heads.arrays import Floats, Image, Numbers

    Codes = NDArray[np.uint8] | NDArray[np.uint16]
    """Samples `[H, W]` of one channel, as they are stored."""

CONVERTED = frozenset(Transfer) - {Transfer.BT709, Transfer.UNSPECIFIED, Transfer.SRGB}
"""Transfers that need converting. The rest are BT.709's, or so near to it that displays show them alike; sRGB's is what
pictures have, and is kept."""
HDR = frozenset((Transfer.PQ, Transfer.HLG))
KNEE = 0.9
"""HDR's light is compressed from here on; 1 is SDR's white. Below, HDR keeps its colours exactly."""
BRIGHTEST = HLG_PEAK / REFERENCE_WHITE
"""Light from which on everything is white."""
STEPS = 8192
"""Entries of the table from the square root of light to its signal: fine enough for shadows too."""
STRIP = 1 << 16
"""Pixels worked on at once: their intermediate results stay in the processor's cache."""


@dataclass(frozen=True)
class ColourMap:
    """Converts pictures of one kind of colour to SDR.

    Attributes:
        decode: `[N]`, light of each code of the source.
        matrix: `[3, 3]`, the source's linear RGB to BT.709's.
        encode: `[STEPS]` uint8, signal of each step of the square root of light from 0 to `brightest`.
        brightest: the light of the last step.
    """

    decode: Floats
    matrix: Floats
    encode: Image
    brightest: float

    def __call__(self, planes: Sequence[Codes]) -> Image:
        """Return RGB `[H, W, 3]` of codes of R, G and B, three arrays `[H, W]`; codes beyond the table are its last."""
        height, width = planes[0].shape
        result = np.empty((height, width, 3), np.uint8)
        rows = max(1, STRIP // width)
        for top in range(0, height, rows):
            self.convert([plane[top : top + rows] for plane in planes], result[top : top + rows])
        return result

    def convert(self, planes: Sequence[Codes], out: Image) -> None:
        """Convert some rows into `out`."""
        source = cv2.merge([self.decode.take(plane, mode="clip") for plane in planes])
        linear = cv2.transform(source, self.matrix)
        np.maximum(linear, 0, out=linear)
        index = cv2.sqrt(linear)
        index *= (STEPS - 1) / self.brightest**0.5
        index += 0.5
        self.encode.take(index.astype(np.uint16), out=out, mode="clip")


def map_of(primaries: int, transfer: int, white: int) -> ColourMap | None:
    """Return what converts pictures of these code points of H.273 to SDR; None where there is nothing to convert.

    Args:
        primaries: one of `CHROMATICITIES`.
        transfer: any; unknown ones are taken as BT.709's.
        white: the source's code of the signal 1; black is 0.
    """
    if primaries == Primaries.BT709 and transfer not in CONVERTED:
        return None
    return made(light(transfer, np.arange(white + 1) / white), CHROMATICITIES[Primaries(primaries)], transfer)


def made(decode: Numbers, chromaticities: Chromaticities, transfer: int) -> ColourMap:
    """Return a map from the light of codes `[N]` and chromaticities to a transfer's signal (see `signal_of`)."""
    brightest = BRIGHTEST if transfer in HDR else 1.0
    steps = brightest * np.linspace(0, 1, STEPS) ** 2
    signal = signal_of(transfer, compressed(steps) if transfer in HDR else steps)
    return ColourMap(
        decode.astype(np.float32),
        to_bt709(chromaticities).astype(np.float32),
        np.round(255 * np.clip(signal, 0, 1)).astype(np.uint8),
        brightest,
    )


def compressed(steps: Numbers) -> Numbers:
    """Return light from 0 to any as 0 to 1, softly from `KNEE` on.

    Channel by channel, as cameras do it: what is brighter than white turns white, not into a glaring colour. It
    stays within 6 levels of cutting light off at SDR's white, but keeps the drawing of highlights.
    """
    over = np.maximum(steps - KNEE, 0) / (1 - KNEE)
    result: Numbers = np.minimum(steps, KNEE) + (1 - KNEE) * over / (1 + over)
    return result
