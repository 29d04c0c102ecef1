# SPDX-License-Identifier: GPL-3.0-or-later
"""A window about a face that is too small in the picture for FaceMesh, which needs about an eighth of its width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .quiet_mediapipe import silenced, solution

if TYPE_CHECKING:
    from ..heads.arrays import Image, Numbers

FULL_RANGE = 1
"""MediaPipe's face detector for faces up to five metres away."""
SIDE = 3.5
"""Side of the window over the width of the face."""
INNER = 0.2
"""A face whose middle is nearer than this share of the window's side to its edge needs a new window."""


@dataclass(frozen=True)
class Window:
    """A square part of a picture: `x, y` its top left corner, in pixels."""

    x: int
    y: int
    side: int

    def cut(self, rgb: Image) -> Image:
        """The part of a picture `[H, W, 3]` that lies in the window."""
        return np.ascontiguousarray(rgb[self.y : self.y + self.side, self.x : self.x + self.side])

    def holds(self, middle: Numbers) -> bool:
        """Tell whether a face about `middle [2]` (pixels of the picture) is well inside."""
        place = (middle - (self.x, self.y)) / self.side
        return bool((place > INNER).all() and (place < 1 - INNER).all())


class FaceFinder:
    """Finds the window of the most certain small face; close it after use."""

    def __init__(self) -> None:
        with silenced():
            self._detection = solution("face_detection").FaceDetection(model_selection=FULL_RANGE)
            self._detection.process(np.zeros((16, 16, 3), np.uint8))

    def close(self) -> None:
        """Give MediaPipe's graph back."""
        self._detection.close()

    def find(self, rgb: Image) -> Window | None:
        """Return a window within the picture `[H, W, 3]` about a face, or None when there is none."""
        height, width = rgb.shape[:2]
        found = self._detection.process(rgb).detections
        if not found:
            return None
        box = max(found, key=lambda detection: detection.score[0]).location_data.relative_bounding_box
        side = min(round(SIDE * box.width * width), width, height)
        x = (box.xmin + box.width / 2) * width - side / 2
        y = (box.ymin + box.height / 2) * height - side / 2
        return Window(round(np.clip(x, 0, width - side)), round(np.clip(y, 0, height - side)), side)
