# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset's pictures: read from disk, and the central window of the enlarged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from ...common.errors import UserError
from ..media.video import scaled
from .dataset import ENLARGED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..heads.arrays import Floats, Image
    from .dataset import Dataset

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


def read_window(dataset: Dataset, index: int, side: int) -> Image:
    """Return the footage's central window of a frame: RGB uint8 `[side, side, 3]`.

    Raises:
        UserError: the picture is missing or damaged.
    """
    enlarged = read_picture(dataset.image(dataset.names[index]), cv2.IMREAD_COLOR)
    return scaled(central_window(cv2.cvtColor(enlarged, cv2.COLOR_BGR2RGB)), side)


def read_matte(dataset: Dataset, index: int, side: int) -> NDArray[np.uint8]:
    """Return `[side, side]`, 0 to 255: how far each pixel of a frame's central window is the person's, clothes and all.

    Raises:
        UserError: the matte is missing or damaged.
    """
    return scaled(central_window(read_picture(dataset.matte(dataset.names[index]), cv2.IMREAD_GRAYSCALE)), side)


def central_window(enlarged: NDArray[Value]) -> NDArray[Value]:
    """Return the central window `[S, S, ...]` of an enlarged picture `[1.5 S, 1.5 S, ...]`, as a view."""
    margin = window_margin(len(enlarged))
    inside = slice(margin, len(enlarged) - margin)
    return enlarged[inside, inside]


def window_margin(enlarged: int) -> int:
    """Return how far the central window lies inside an enlarged picture of so many pixels a side."""
    return (enlarged - round(enlarged / ENLARGED)) // 2
