# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset's pictures: read from disk, and the central window of the enlarged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ...common.errors import UserError
from ..heads.arrays import Floats
from .dataset import ENLARGED

Value = TypeVar("Value", bound=np.generic)


def read_picture(path: Path, flags: int) -> NDArray[Any]:
    """Decode one picture with OpenCV's `flags`: `[H, W]` or `[H, W, 3]`, channels in OpenCV's order, BGR.

    Raises:
        UserError: the picture is missing or damaged.
    """
    picture: NDArray[Any] | None = cv2.imread(str(path), flags)
    if picture is None:
        raise UserError(f"{path} is missing or damaged; run `semblance track` again to make the dataset anew.")
    return picture


def read_map(path: Path) -> Floats:
    """Decode a map of 8 or 16 bits a channel: `[256, 256, 3]`, 0 to 1.

    Raises:
        UserError: the map is missing or damaged.
    """
    picture = read_picture(path, cv2.IMREAD_UNCHANGED)
    rgb: Floats = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.float32) / np.iinfo(picture.dtype).max
    return rgb


def central_window(enlarged: NDArray[Value]) -> NDArray[Value]:
    """Return the central window `[S, S, ...]` of an enlarged picture `[1.5 S, 1.5 S, ...]`, as a view."""
    margin = window_margin(len(enlarged))
    inside = slice(margin, len(enlarged) - margin)
    return enlarged[inside, inside]


def window_margin(enlarged: int) -> int:
    """Return how far the central window lies inside an enlarged picture of so many pixels a side."""
    return (enlarged - round(enlarged / ENLARGED)) // 2
