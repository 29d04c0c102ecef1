# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames by how far the head is turned from the camera: figures of all frames hide what happens to the turned ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .figures import COLUMNS, Figures, written
from .tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...tracking.heads.arrays import Floats
    from ...tracking.heads.camera import PinholeCamera
    from ...tracking.heads.head import MorphableHead
    from .observer import Row

BINS = {"yaw 0 to 10°": (0.0, 10.0), "yaw 10 to 20°": (10.0, 20.0), "yaw over 20°": (20.0, np.inf)}
"""Degrees to either side of the line from head to camera, from the first up to below the second."""
LEAST = 5
"""Frames without which a bin says nothing."""
SHOWN = "psnr", "keypoint_share"
"""Figures in the table."""


@dataclass(frozen=True)
class YawBin:
    """The frames of a bin: how many, and the figures of each row of pictures in them."""

    frames: int
    rows: dict[str, Figures]


def by_yaw(
    rows: Mapping[str, Row], turned: Floats, head: MorphableHead | None, camera: PinholeCamera
) -> dict[str, YawBin]:
    """Return the bins that hold enough frames.

    Args:
        rows: of the same N frames.
        turned: `[N]` degrees.
        head, camera: see `Row.figures`.
    """
    bins = {}
    for name, (low, high) in BINS.items():
        places = np.flatnonzero((turned >= low) & (turned < high)).tolist()
        if len(places) >= LEAST:
            bins[name] = YawBin(len(places), {each: row.figures(head, camera, places) for each, row in rows.items()})
    return bins


def yaw_table(bins: Mapping[str, YawBin], rows: Sequence[str]) -> Table:
    """Return a line for each bin and figure, a column for each of the rows of pictures."""
    lines = [
        (f"{COLUMNS[figure].heading}, {name} ({each.frames})", *(cell(each, row, figure) for row in rows))
        for figure in SHOWN
        for name, each in bins.items()
    ]
    few = f"By how far the head is turned from the camera (frames); bins of fewer than {LEAST} frames are left out."
    return Table("By yaw", ("", *rows), lines, few)


def cell(each: YawBin, row: str, figure: str) -> str:
    """Return the text of one figure."""
    return written(figure, getattr(each.rows[row], figure))
