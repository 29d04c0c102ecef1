# SPDX-License-Identifier: GPL-3.0-or-later
"""A face cut out of a picture as restoring networks want it, and put back softly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...pretrained.arcface import five_points, similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Floats, Image, Numbers

SIDE = 512
TEMPLATE = (
    (192.98138, 239.94708),
    (318.90277, 240.1936),
    (256.63416, 314.01935),
    (201.26117, 371.41043),
    (313.08905, 371.15118),
)
"""Where FFHQ's faces have the subject's right and left eye, nose tip, right and left corner of the mouth, in a crop of
`SIDE` pixels: x, y; the centre of the first pixel is at 0."""
KEPT_MARGIN, FEATHER = 24, 20.0
"""Pixels of the crop at its border that are not put back, and the deviation of the soft way to it."""


@dataclass(frozen=True)
class FaceCrop:
    """How a face lies in a picture.

    Attributes:
        matrix: `[2, 3]` brings pixels of the picture (the first one's centre is at 0) to the crop's.
    """

    matrix: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: Floats) -> FaceCrop:
        """Lay a face like FFHQ's by one turn, scale and shift: of MediaPipe's landmarks `[478, 2 or more]` in pixels,
        where the centre of the first pixel is (0.5, 0.5), or of the five points `[5, 2]`.
        """
        points = landmarks[:, :2] if len(landmarks) == len(TEMPLATE) else five_points(landmarks)
        return cls(similarity(points - 0.5, np.array(TEMPLATE)))

    @property
    def scale(self) -> float:
        """Pixels of the crop for one of the picture."""
        return float(np.hypot(*self.matrix[:, 0]))

    def cut(self, picture: Image) -> Image:
        """Return the face `[SIDE, SIDE, 3]` of a picture, RGB uint8 `[H, W, 3]`; its edge goes on outside."""
        matrix: NDArray[np.float64] = self.matrix
        source: Numbers = picture
        if self.scale < 1:  # made smaller without aliasing: first by averaging, then by the rest
            source, matrix = averaged(picture, matrix, self.scale)
        face: Image = cv2.warpAffine(
            source, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return face

    def put_back(self, face: Image, picture: Image, alpha: Floats) -> Image:
        """Return a picture with a `face [SIDE, SIDE, 3]` in its place, where `alpha [H, W]` (0 to 1) says; it fades out
        towards the crop's border.
        """
        height, width = picture.shape[:2]
        inverse = cv2.invertAffineTransform(self.matrix)
        source: Numbers = np.dstack([face.astype(np.float32), soft_mask()])
        if self.scale > 1:
            source, inverse = averaged(source, inverse, 1 / self.scale)
        laid = cv2.warpAffine(source, inverse, (width, height), flags=cv2.INTER_LINEAR)
        colour, share = laid[..., :3], laid[..., 3:] * alpha[..., None]
        restored: Image = np.clip(picture + share * (colour - picture) + 0.5, 0, 255).astype(np.uint8)
        return np.where(share > 0, restored, picture)


def averaged(picture: Numbers, matrix: NDArray[np.float64], scale: float) -> tuple[Numbers, NDArray[np.float64]]:
    """Return a picture made smaller by averaging, `scale` below 1, and what `matrix [2, 3]` becomes for it."""
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    times = np.array([picture.shape[1] / size[0], picture.shape[0] / size[1]])
    shift = (times - 1) / 2  # between the centres of the first pixels
    return smaller, np.column_stack([matrix[:, :2] * times, matrix[:, 2] + matrix[:, :2] @ shift])


def soft_mask() -> Floats:
    """Return `[SIDE, SIDE]`: 1 in the middle of a crop, 0 at its border, with a soft way between."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    inner = round(KEPT_MARGIN + 2 * FEATHER)
    mask[inner:-inner, inner:-inner] = 1
    soft: Floats = cv2.GaussianBlur(mask, (0, 0), FEATHER)
    soft[[*range(KEPT_MARGIN), *range(-KEPT_MARGIN, 0)]] = 0
    soft[:, [*range(KEPT_MARGIN), *range(-KEPT_MARGIN, 0)]] = 0
    return soft
