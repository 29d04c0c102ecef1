# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed square crop of a take and pictures cut by it (Sec. 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.dataset import ENLARGED
from ..heads.camera import PinholeCamera
from ..performances.performance import Crop

if TYPE_CHECKING:
    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Image

CENTRE, UPPER_LIP, LOWER_LIP = 197, 13, 14
SIDE = 2 * 4.2 / 2 * 1.25
"""Side of the central window over the distance from landmark 197 to the mouth (StyleAvatar's preprocessing)."""
SHRUNK_MUCH = 1.25
"""A picture shrunk by more than this is averaged, else interpolated (sharper, and faster)."""
GRID = 4
"""Sides are whole multiples of this many pixels, so that the enlarged window's edges are whole pixels too."""


def choose_crop(landmarks: Landmarks) -> Crop:
    """Return the central window of a take from `landmarks [T, 478, 3]` (or `[478, 3]`), all of frames with a face.

    The original takes the first frame; here the window is centred on the range through which the head moves, and
    its size follows the median, so that one odd frame changes nothing.
    """
    points = np.atleast_3d(landmarks)[..., :2] if landmarks.ndim == 3 else landmarks[None, :, :2]
    mouth = points[:, [UPPER_LIP, LOWER_LIP]].mean(1)
    distance = float(np.median(np.linalg.norm(points[:, CENTRE] - mouth, axis=-1)))
    x, y = np.quantile(points[:, CENTRE], (0.02, 0.98), axis=0).mean(0)
    side = GRID * max(1, round(SIDE * distance / GRID))
    return Crop(float(round(x - side / 2)), float(round(y - side / 2)), float(side))


def picture_camera(crop: Crop) -> PinholeCamera:
    """The camera of the central window, `PinholeCamera.default`, in pixels of the whole picture."""
    camera = PinholeCamera.default(round(crop.side))
    return PinholeCamera(
        camera.fx, camera.fy, camera.cx + crop.x, camera.cy + crop.y, round(crop.side), round(crop.side)
    )


def window_camera(camera: PinholeCamera, crop: Crop, size: int) -> PinholeCamera:
    """A camera of the whole picture, in pixels of the central window when it is `size` pixels square.

    Example:
        >>> crop = Crop(x=40, y=20, side=80)
        >>> camera = window_camera(picture_camera(crop), crop, 256)
        >>> camera.cx, camera.cy, camera.width
        (128.0, 128.0, 256)
    """
    side = round(crop.side)
    inside = PinholeCamera(camera.fx, camera.fy, camera.cx - crop.x, camera.cy - crop.y, side, side)
    return inside.resized(size, size)


def cut(image: Image, crop: Crop, size: int, enlarged: float = ENLARGED) -> Image:
    """Return the window, enlarged about its centre, `[S, S, 3]` with `S = round(size * enlarged)`.

    `image` is the whole picture `[H, W, 3]`. Where the window reaches past the picture, the picture's edge is repeated.

    Example:
        >>> picture = np.zeros((120, 160, 3), np.uint8)
        >>> cut(picture, Crop(x=40, y=20, side=80), size=64).shape
        (96, 96, 3)
    """
    side = round(crop.side * enlarged)
    left = round(crop.x + (crop.side - side) / 2)
    top = round(crop.y + (crop.side - side) / 2)
    window = with_edges(image, left, top, side)
    target = round(size * enlarged)
    interpolation = cv2.INTER_AREA if target < side / SHRUNK_MUCH else cv2.INTER_CUBIC
    picture: Image = cv2.resize(window, (target, target), interpolation=interpolation)
    return picture


def with_edges(image: Image, left: int, top: int, side: int) -> Image:
    """Return `[side, side, 3]` of the picture from `left, top`, its edge repeated outside."""
    height, width = image.shape[:2]
    x0, x1 = np.clip((left, left + side), (0, 1), (width - 1, width))
    y0, y1 = np.clip((top, top + side), (0, 1), (height - 1, height))
    beyond = max(0, y0 - top), max(0, top + side - y1), max(0, x0 - left), max(0, left + side - x1)
    inside = image[y0:y1, x0:x1]
    return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE) if any(beyond) else inside


def resampled(image: Image, crop: Crop, scale: float, size: int) -> Image:
    """Return the central window, not enlarged, interpolated to `[size, size, 3]`.

    `image [H, W, 3]` is the whole picture shrunk by `scale` (0 to 1): `crop` is in pixels of the unshrunk one. Where
    the window reaches past the picture, the picture's edge is repeated.
    """
    step = scale * crop.side / size
    corner = np.array([[crop.x], [crop.y]]) * scale + 0.5 * step - 0.5
    placed = np.hstack([np.eye(2) * step, corner])
    options = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    window: Image = cv2.warpAffine(image, placed, (size, size), flags=options, borderMode=cv2.BORDER_REPLICATE)
    return window
