# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of an evaluation: what they are and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Figure = float | str
"""A number, or a text that says why there is none."""

WEIGHTS_MISSING = "not measured: weights missing"
NO_FACE = "not measured: no face found"
NO_DETECTOR = "not measured: MediaPipe missing"
NO_HEAD = "not measured: the head's file is missing"
STILL_MOUTH = "not measured: the mouth keeps still"
TOO_FEW = "not measured: too few frames"
NOBODY = "not measured: nobody is large enough in the picture"


@dataclass(frozen=True)
class Figures:
    """How near the pictures of some frames are to the footage: means over the frames unless said otherwise.

    Attributes:
        psnr: peak signal-to-noise ratio in decibels; psnr_inside: the same away from the outline (`metrics.inside`);
            ssim, ms_ssim: structural similarity, single and multi-scale, up to 1.
        sharpness: energy of the face's high band over the footage's, of all frames together.
        flicker: see `metrics.flicker`, 0 to 255, over neighbouring frames.
        expression (AED), pose (APD), keypoint, keypoint_share (AKD), mouth_gain, mouth_likeness: see
            `retracking.Distances`.
        found: share of the frames whose face is found where the footage's is.
        lpips: learned perceptual distance; fid: Fréchet inception distance, of all frames together.
        csim: cosine similarity of the identity, of ArcFace's codes of the faces, -1 to 1.
    """

    psnr: float
    psnr_inside: Figure
    ssim: float
    ms_ssim: float
    sharpness: float
    flicker: Figure
    expression: Figure
    pose: Figure
    keypoint: Figure
    keypoint_share: Figure
    mouth_gain: Figure
    mouth_likeness: Figure
    found: Figure
    lpips: Figure
    fid: Figure
    csim: Figure


@dataclass(frozen=True)
class Column:
    """How a figure is shown: heading, digits after the point, and the factor that brings it to the heading's unit."""

    heading: str
    digits: int
    factor: float = 1.0


COLUMNS = {
    "psnr": Column("PSNR dB ↑", 2),
    "psnr_inside": Column("PSNR inside dB ↑", 2),
    "ssim": Column("SSIM ↑", 3),
    "ms_ssim": Column("MS-SSIM ↑", 3),
    "sharpness": Column("sharpness → 1", 2),
    "flicker": Column("flicker /255 ↓", 2),
    "expression": Column("AED ↓", 3),
    "pose": Column("APD ° ↓", 2),
    "keypoint": Column("AKD px ↓", 2),
    "keypoint_share": Column("AKD % of eyes ↓", 2, 100.0),
    "mouth_gain": Column("mouth opens → 1", 2),
    "mouth_likeness": Column("mouth follows ↑", 3),
    "found": Column("faces found % ↑", 0, 100.0),
    "lpips": Column("LPIPS ↓", 3),
    "fid": Column("FID ↓", 1),
    "csim": Column("CSIM ↑", 3),
}
"""Of every figure, in the tables' order."""

EXPLANATION = (
    "“PSNR inside” leaves out what is nearer to the outline than a hundredth of the picture's side: pictures that fill "
    "the window are cut out by the footage's own outline, heads in 3D have theirs. Sharpness is the energy of the "
    "face's fine detail over the footage's; flicker what changes from frame to frame "
    "beyond the footage's own change; AED, APD and AKD are distances of expression (norm of 52 coefficients), head "
    "rotation and landmarks when the pictures are tracked anew; “mouth opens” is how far the mouth opens for each unit "
    "that the footage's does, “mouth follows” the correlation of both openings over time."
)


def written(name: str, figure: Figure) -> str:
    """Return a figure as it is shown, in the unit of its column's heading; `name` is that of a field of `Figures`.

    >>> written("keypoint_share", 0.0123), written("fid", WEIGHTS_MISSING)
    ('1.23', 'not measured: weights missing')
    """
    column = COLUMNS[name]
    return figure if isinstance(figure, str) else f"{figure * column.factor:.{column.digits}f}"


def by_figure(rows: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    """Return the table for few rows of pictures: a line for each figure, of its heading and the rows' cells."""
    return [
        (column.heading, *(written(name, getattr(figures, name)) for figures in rows.values()))
        for name, column in COLUMNS.items()
    ]
