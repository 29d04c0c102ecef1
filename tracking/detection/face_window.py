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
MOVED = 0.25
"""Share of a window's side by which another one is off before it takes its place."""


@dataclass(frozen=True)
class Window:
    """A square part of a picture: `x, y` its top left corner, in pixels."""

    x: int
    y: int
    side: int

    @classmethod
    def about(cls, middle: Numbers, side: float, picture: tuple[int, int]) -> Window:
        """The window about `middle [2]`, in pixels, within a picture of a height and width, which bound its side."""
        height, width = picture
        side = min(round(side), width, height)
        x, y = np.clip(np.round(middle - side / 2), 0, (width - side, height - side)).astype(int)
        return cls(int(x), int(y), side)

    def cut(self, rgb: Image) -> Image:
        """The part of a picture `[H, W, 3]` that lies in the window."""
        return np.ascontiguousarray(rgb[self.y : self.y + self.side, self.x : self.x + self.side])

    def holds(self, middle: Numbers) -> bool:
        """Tell whether a face about `middle [2]` (pixels of the picture) is well inside."""
        place = (middle - (self.x, self.y)) / self.side
        return bool((place > INNER).all() and (place < 1 - INNER).all())

    def resembles(self, other: Window) -> bool:
        """Tell whether the other window shows much the same: to move there is not worth the while."""
        apart = max(abs(self.x - other.x), abs(self.y - other.y))
        return apart <= MOVED * self.side and abs(self.side - other.side) <= MOVED * self.side


class FaceFinder:
    """Finds the windows of small faces; close it after use."""

    def __init__(self) -> None:
        with silenced():
            self._detection = solution("face_detection").FaceDetection(model_selection=FULL_RANGE)
            self._detection.process(np.zeros((16, 16, 3), np.uint8))

    def close(self) -> None:
        """Give MediaPipe's graph back."""
        self._detection.close()

    def find(self, rgb: Image) -> Window | None:
        """Return a window within the picture `[H, W, 3]` about the most certain face, or None when there is none."""
        return next(iter(self.find_all(rgb)), None)

    def find_all(self, rgb: Image) -> list[Window]:
        """Return a window within the picture `[H, W, 3]` about each face, the most certain first."""
        height, width = rgb.shape[:2]
        found = sorted(self._detection.process(rgb).detections or (), key=lambda each: -each.score[0])
        boxes = [each.location_data.relative_bounding_box for each in found]
        corners = [np.array([box.xmin, box.ymin]) * (width, height) for box in boxes]
        sizes = [np.array([box.width, box.height]) * (width, height) for box in boxes]
        pairs = zip(corners, sizes, strict=True)
        return [Window.about(corner + size / 2, SIDE * size[0], (height, width)) for corner, size in pairs]
