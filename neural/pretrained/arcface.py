# SPDX-License-Identifier: GPL-3.0-or-later
"""ArcFace (Deng et al. 2019) from the user's ONNX file: a code of a face, by which two pictures show the same person.

Not run with the real file yet, which cannot be had on the machines that this was written on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...common.errors import UserError
from ...tracking.detection.landmarks import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Landmarks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Image

FACE_SIDE = 112
FACE_TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Where ArcFace sees the subject's right and left eye, nose tip, right and left corner of the mouth: x, y in pixels."""
NOSE_TIP, MOUTH_CORNERS = 4, (61, 291)


class ArcFace:
    """The user's ArcFace network (ONNX), by whose codes of faces CSIM is defined.

    Raises:
        UserError: the file is damaged or holds another network.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.network = cv2.dnn.readNetFromONNX(str(path))
            self.code(
                np.zeros((FACE_SIDE, FACE_SIDE, 3), np.uint8), np.random.default_rng(0).random((478, 3), np.float32)
            )
        except cv2.error as error:
            raise UserError(f"{path} is not ArcFace's ONNX file or is damaged; fetch or delete it.") from error

    def code(self, picture: Image, landmarks: Landmarks) -> Floats:
        """Return the code `[N]`, of length 1, of the face `landmarks [478, 3]` in a picture, RGB uint8 `[H, W, 3]`."""
        face = cv2.warpAffine(picture, similarity(five_points(landmarks), np.array(FACE_TEMPLATE)), (FACE_SIDE,) * 2)
        self.network.setInput(cv2.dnn.blobFromImage(face, 1 / 127.5, (FACE_SIDE,) * 2, (127.5,) * 3))
        code: Floats = self.network.forward().ravel().astype(np.float32)
        return code / max(float(np.linalg.norm(code)), 1e-8)


def five_points(landmarks: Landmarks) -> Floats:
    """Return `[5, 2]` pixels: the points of `FACE_TEMPLATE` among `landmarks [478, 3]`."""
    right, left = (landmarks[list(corners), :2].mean(0) for corners in (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS))
    return np.stack([right, left, *landmarks[[NOSE_TIP, *MOUTH_CORNERS], :2]])


def similarity(points: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """Return `[2, 3]`: turn, scale and shift that bring `points [N, 2]` nearest to `targets [N, 2]` (least squares)."""
    (x, y), one, none = points.T, np.ones(len(points)), np.zeros(len(points))
    rows = np.concatenate([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
    (a, b, right, down), *_ = np.linalg.lstsq(rows, np.concatenate([targets[:, 0], targets[:, 1]]), rcond=None)
    return np.array([[a, -b, right], [b, a, down]])
