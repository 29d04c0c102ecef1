# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinhole camera: OpenCV's axes, intrinsics in pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .arrays import Floats

NEAR, FAR = 0.05, 10.0
"""Clip planes in metres; a head is between them at any sensible distance."""


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of a window of `width` x `height` pixels; x right, y down, z forward.

    `cx, cy` count from the window's top left corner, where the centre of the first pixel is (0.5, 0.5).
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @classmethod
    def default(cls, size: int) -> PinholeCamera:
        """A square window with the focal length that FaceVerse v3 assumes: 1315/512 of its side."""
        focal = 1315 / 512 * size
        return cls(focal, focal, size / 2, size / 2, size, size)

    def resized(self, width: int, height: int) -> PinholeCamera:
        """The same view on another grid of pixels."""
        x, y = width / self.width, height / self.height
        return PinholeCamera(self.fx * x, self.fy * y, self.cx * x, self.cy * y, width, height)

    def padded(self, left: int, top: int, right: int, bottom: int) -> PinholeCamera:
        """The same pixels in a window that is larger by so many pixels at each side."""
        return replace(
            self,
            cx=self.cx + left,
            cy=self.cy + top,
            width=self.width + left + right,
            height=self.height + top + bottom,
        )

    def project(self, points: Floats) -> Floats:
        """Return `[..., 2]` pixels of `[..., 3]` points in camera space (metres, z > 0).

        Example:
            >>> PinholeCamera.default(512).project(np.array([[0.0, 0.0, 0.7]], np.float32))
            array([[256., 256.]], dtype=float32)
        """
        z = points[..., 2]
        return np.stack([self.fx * points[..., 0] / z + self.cx, self.fy * points[..., 1] / z + self.cy], -1)

    def clip(self, points: Floats) -> Floats:
        """Return `[..., 4]` OpenGL clip coordinates (row 0 of the picture at the top, y up) of `[..., 3]` points."""
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        clip_x = (2 * self.fx * x + (2 * self.cx - self.width) * z) / self.width
        clip_y = -(2 * self.fy * y + (2 * self.cy - self.height) * z) / self.height
        clip_z = ((FAR + NEAR) * z - 2 * FAR * NEAR) / (FAR - NEAR)
        clip: Floats = np.stack([clip_x, clip_y, clip_z, z], -1).astype(np.float32)
        return clip
