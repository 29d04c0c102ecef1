# SPDX-License-Identifier: GPL-3.0-or-later
"""What the code points of ITU-T H.273 (ISO/IEC 23091-2) mean: primaries, transfer and matrix of a video's colours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Numbers

REFERENCE_WHITE = 203.0
"""Luminance, in cd/m2, of a white sheet in HDR pictures: SDR's white (ITU-R BT.2408, Table 1)."""
DISPLAY_GAMMA = 2.4
"""The display that SDR video is graded on (ITU-R BT.1886)."""
PQ_PEAK = 10_000.0
"""Luminance, in cd/m2, of PQ's largest signal (ITU-R BT.2100, Table 4)."""
HLG_PEAK, HLG_SYSTEM_GAMMA = 1000.0, 1.2
"""The display that HLG is graded on: peak luminance in cd/m2, and its system gamma (BT.2100, Table 5).

The gamma is BT.2100's for luminance. Here it is each channel's own, as in zimg and most players: a little more
saturated."""


class Primaries(IntEnum):
    """Code points of colour primaries (H.273, Table 2)."""

    BT709 = 1
    UNSPECIFIED = 2
    BT470_M = 4
    BT470_BG = 5
    SMPTE_170M = 6
    SMPTE_240M = 7
    FILM = 8
    BT2020 = 9
    XYZ = 10
    DCI_P3 = 11
    DISPLAY_P3 = 12
    EBU_3213 = 22


class Transfer(IntEnum):
    """Code points of transfer characteristics (H.273, Table 3) that are not BT.709's or taken as it."""

    BT709 = 1
    UNSPECIFIED = 2
    GAMMA_22 = 4
    GAMMA_28 = 5
    LINEAR = 8
    LOG_100 = 9
    LOG_316 = 10
    SRGB = 13
    PQ = 16
    ST_428 = 17
    HLG = 18


class Matrix(IntEnum):
    """Code points of matrix coefficients (H.273, Table 4) that FFmpeg's scaler knows."""

    RGB = 0
    BT709 = 1
    UNSPECIFIED = 2
    FCC = 4
    BT470_BG = 5
    SMPTE_170M = 6
    SMPTE_240M = 7
    BT2020 = 9
    BT2020_CONSTANT = 10


D65, ILLUMINANT_C, ILLUMINANT_E, DCI_WHITE = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
SMPTE_C = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)
CHROMATICITIES = {
    Primaries.BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65),
    Primaries.BT470_M: ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), ILLUMINANT_C),
    Primaries.BT470_BG: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65),
    Primaries.SMPTE_170M: SMPTE_C,
    Primaries.SMPTE_240M: SMPTE_C,
    Primaries.FILM: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), ILLUMINANT_C),
    Primaries.BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    Primaries.XYZ: ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), ILLUMINANT_E),
    Primaries.DCI_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), DCI_WHITE),
    Primaries.DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    Primaries.EBU_3213: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
"""Chromaticities x, y of red, green, blue and white (H.273, Table 2)."""

Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""x, y of red, green, blue and white."""

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""XYZ to the cone responses in which whites are adapted (linearised Bradford; ICC.1:2022, Annex E)."""


@dataclass(frozen=True)
class Tags:
    """What a picture says of its colours, nothing left open.

    Attributes:
        matrix, primaries, transfer: code points of H.273.
        full_range: whether black and white are the first and the last code, not 16 and 235 (of 8 bits).
    """

    matrix: int
    primaries: int
    transfer: int
    full_range: bool


def settled(matrix: int, primaries: int, transfer: int, full_range: bool, width: int, height: int) -> Tags:
    """Return the tags of a picture `width` x `height` that may leave some open, or say what nobody knows.

    HDR is BT.2020 where it does not say otherwise (BT.2100); other pictures without a matrix are BT.709 from HD on and
    BT.601 below, as every player takes them. Without primaries they have BT.709's.
    """
    hdr = transfer in (Transfer.PQ, Transfer.HLG)
    if primaries not in CHROMATICITIES:
        primaries = Primaries.BT2020 if hdr else Primaries.BT709
    if matrix not in set(Matrix) - {Matrix.RGB, Matrix.UNSPECIFIED}:
        matrix = presumed_matrix(primaries, max(width, height) >= 1280 or min(width, height) > 576)
    return Tags(matrix, primaries, transfer, full_range)


def presumed_matrix(primaries: int, high_definition: bool) -> Matrix:
    """Return the matrix of a picture that says none."""
    if primaries == Primaries.BT2020:
        return Matrix.BT2020
    return Matrix.BT709 if high_definition else Matrix.SMPTE_170M


def to_bt709(chromaticities: Chromaticities) -> Numbers:
    """Return the matrix `[3, 3]` from linear RGB of some primaries to linear RGB of BT.709, whites adapted."""
    adapted = adaptation(chromaticities[3], D65)
    matrix: Numbers = np.linalg.inv(to_xyz(CHROMATICITIES[Primaries.BT709])) @ adapted @ to_xyz(chromaticities)
    return matrix


def to_xyz(chromaticities: Chromaticities) -> Numbers:
    """Return the matrix `[3, 3]` from linear RGB to XYZ; white has Y = 1 (SMPTE RP 177)."""
    columns = np.stack([whole(*each) for each in chromaticities[:3]], 1)
    white = whole(*chromaticities[3])
    scales = np.linalg.solve(columns, white / white[1])
    matrix: Numbers = columns * scales
    return matrix


def whole(x: float, y: float) -> Numbers:
    """Return the chromaticity `[3]`: x, y and z."""
    return np.array([x, y, 1 - x - y])


def adaptation(source: tuple[float, float], target: tuple[float, float]) -> Numbers:
    """Return the matrix `[3, 3]` that takes XYZ seen under one white to XYZ seen under another (Bradford)."""
    before, after = (BRADFORD @ (whole(*white) / white[1]) for white in (source, target))
    matrix: Numbers = np.linalg.inv(BRADFORD) @ np.diag(after / before) @ BRADFORD
    return matrix


def light(transfer: int, signal: Numbers) -> Numbers:
    """Return the light of a display that a signal (0 to 1) stands for; 1 is SDR's white."""
    match transfer:
        case Transfer.GAMMA_22:
            return signal**2.2
        case Transfer.GAMMA_28:
            return signal**2.8
        case Transfer.LINEAR:
            return signal
        case Transfer.LOG_100:
            return np.where(signal > 0, 10 ** (2 * (signal - 1)), 0)
        case Transfer.LOG_316:
            return np.where(signal > 0, 10 ** (2.5 * (signal - 1)), 0)
        case Transfer.SRGB:
            return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
        case Transfer.PQ:
            return pq_light(signal) * (PQ_PEAK / REFERENCE_WHITE)
        case Transfer.ST_428:
            return signal**2.6 * (52.37 / 48)
        case Transfer.HLG:
            return hlg_scene(signal) ** HLG_SYSTEM_GAMMA * (HLG_PEAK / REFERENCE_WHITE)
        case _:
            return signal**DISPLAY_GAMMA


def pq_light(signal: Numbers) -> Numbers:
    """Return the display's light, 1 at 10 000 cd/m2, of a PQ signal (BT.2100, Table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    result: Numbers = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return result


def hlg_scene(signal: Numbers) -> Numbers:
    """Return the scene's light, 0 to 1, of an HLG signal (BT.2100, Table 5: inverse of the OETF)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def signal_of(transfer: int, linear: Numbers) -> Numbers:
    """Return the signal of light from 0 to 1: sRGB's where the picture was sRGB, else that of a BT.1886 display."""
    if transfer == Transfer.SRGB:
        return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    result: Numbers = linear ** (1 / DISPLAY_GAMMA)
    return result
