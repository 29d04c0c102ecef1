# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a dataset that show the head: its mattes without clothes and the neck's end, and its posed outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.pictures import central_window, read_picture
from ..media.video import scaled
from .head_only import HeadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..datasets.dataset import Dataset
    from ..heads.arrays import Floats, Image, Integers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

AROUND_HEAD = 0.045
"""Metres about a head within which its hair is."""
ABOVE_NECK = 0.92
"""Share of a head's vertices, from the top, that are above its chin."""


def head_mattes(
    dataset: Dataset, frames: Sequence[int], head: MorphableHead, performance: Performance, side: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield `[side, side]`, 0 to 255: how far each pixel of the central window is the head's, of frames in order.

    `performance` is the dataset's, of `head`.

    Raises:
        UserError: a matte is missing or damaged.
    """
    head_only = HeadOnly(StoredMattes(dataset, frames), head, performance.at(np.asarray(frames)))
    unseen = np.zeros((dataset.image_size, dataset.image_size, 3), np.uint8)
    for _ in frames:
        enlarged = np.round(head_only(unseen) * 255).astype(np.uint8)
        yield scaled(central_window(enlarged), side)


class StoredMattes:
    """A matting that gives back a dataset's own mattes of some frames, in order, whatever it is shown."""

    def __init__(self, dataset: Dataset, frames: Sequence[int]) -> None:
        self._files = (dataset.matte(dataset.names[index]) for index in frames)

    def __call__(self, _rgb: Image, /) -> Floats:
        """Return the next matte `[H, W]`, 0 to 1.

        Raises:
            UserError: it is missing or damaged.
        """
        return read_picture(next(self._files), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255

    def close(self) -> None:
        """Nothing to free."""


def within_reach(vertices: Floats, rest: Floats, triangles: Integers, camera: PinholeCamera) -> NDArray[np.bool_]:
    """Return `[H, W]`: the pixels of a head and of hair about it; arguments as of `outline`."""
    reach = AROUND_HEAD * camera.fx / float(vertices[:, 2].mean())
    return outline(vertices, rest, triangles, camera, grown=reach)


def outline(
    vertices: Floats,
    rest: Floats,
    triangles: Integers,
    camera: PinholeCamera,
    *,
    shrunk: float = 0,
    grown: float = 0,
    only: NDArray[np.bool_] | None = None,
    neck: bool = False,
) -> NDArray[np.bool_]:
    """Return `[H, W]`: the pixels within the outline of a head, without most of its neck.

    Args:
        vertices: `[V, 3]` of the posed head, metres in camera space.
        rest: `[V, 3]` of the same person without expression, in head space.
        triangles: `[T, 3]`.
        camera: of the picture.
        shrunk, grown: pixels by which the outline is made smaller or larger.
        only: `[T]`, the triangles that count; all by default.
        neck: whether all of the neck counts, too.
    """
    above = rest[:, 1] < (np.inf if neck else np.quantile(rest[:, 1], ABOVE_NECK))
    counted = above[triangles].all(1) & (True if only is None else only)
    drawn = np.zeros((camera.height, camera.width), np.uint8)
    for triangle in np.round(camera.project(vertices)[triangles[counted]]).astype(np.int32):
        cv2.fillConvexPoly(drawn, triangle, 1)
    for change, pixels in ((cv2.erode, shrunk), (cv2.dilate, grown)):
        width = 2 * round(pixels) + 1
        drawn = change(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    return drawn > 0
