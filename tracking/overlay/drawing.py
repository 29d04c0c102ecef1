# SPDX-License-Identifier: GPL-3.0-or-later
"""What was tracked, drawn over the footage: mesh, lids and lips, gaze, detected landmarks and confidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from ..datasets.rasteriser import PlainRasteriser
from ..detection.landmarks import (
    LANDMARK_COUNT,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
    Landmarks,
)
from ..detection.quiet_mediapipe import solution
from ..heads.head import MorphableHead, gaze_rotation
from ..performances.maps import frame_vertices
from ..performances.performance import REGIONS, Crop, Performance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..heads.arrays import Booleans, Floats, Image, Indices, Integers
    from ..heads.camera import PinholeCamera

SHORT_SIDE = 720
"""Pixels of the overlay's shorter side, at least: smaller footage is enlarged, so that lines stay thin on it."""
VIEW_SIZE = 768
"""Pixels of the square view that tells what is visible."""
VIEW = 2.2
"""Side of that view over the crop's: the whole head."""
HIDDEN = 0.006
"""Metres that a vertex may lie behind the surface and still be seen."""
GAZE_LENGTH = 0.06
"""Metres."""
WIRE_SHARE = 0.22
"""How strongly wires cover the picture: the face must be seen through them."""
DETECTED, GAZE, DARK = (70, 235, 255), (255, 80, 200), (0, 0, 0)
DOT = 2
"""Pixels of a detected landmark's radius."""
SUB = 4
"""Binary digits of the parts of a pixel to which OpenCV draws."""

LOOPS: tuple[tuple[int, ...], ...] = (
    LEFT_EYE[:9] + LEFT_EYE[:8:-1],
    RIGHT_EYE[:9] + RIGHT_EYE[:8:-1],
    LIPS[:11] + LIPS[19:10:-1],
    LIPS[20:31] + LIPS[:30:-1],
    LEFT_IRIS[1:],
    RIGHT_IRIS[1:],
)
"""Landmarks around eyes, lips and irises, in order."""
SHOWN = tuple(dict.fromkeys((*LEFT_EYE, *RIGHT_EYE, *LIPS, *LEFT_BROW, *RIGHT_BROW, *OVAL, *LEFT_IRIS, *RIGHT_IRIS)))
"""Detected landmarks that are drawn."""


class Overlay:
    """Draws a performance over the pictures that it was tracked in; close it, or use it in a `with` statement."""

    def __init__(self, head: MorphableHead, performance: Performance) -> None:
        """`performance` belongs to `head` and has a crop.

        Raises:
            UserError: this machine has no OpenGL 3.3 without a window.
        """
        assert performance.crop is not None
        self._head, self._performance = head, performance
        self._neutral = head.neutral(performance.identity)
        self._camera = camera_of_picture(performance.camera, performance.crop)
        self._view = view_camera(self._camera, performance.crop)
        self._wires = np.array(sorted(solution("face_mesh_connections").FACEMESH_TESSELATION))
        self._rasteriser = PlainRasteriser(VIEW_SIZE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give OpenGL back."""
        self._rasteriser.close()

    def draw(self, picture: Image, index: int, landmarks: Landmarks | None = None) -> Image:
        """Return `[H, W, 3]`: frame `index` drawn over its picture, at least `SHORT_SIDE` pixels wide and high.

        `landmarks [478, 3]`, in the picture's pixels, are those detected in it.
        """
        plain = enlarged(picture)
        zoom = plain.shape[1] / picture.shape[1]
        confidence = float(self._performance.confidence[index])
        colour = confidence_colour(confidence)
        trust = self._performance.region_confidence[index][LANDMARK_REGIONS]
        vertices = frame_vertices(self._head, self._performance, index, self._neutral)
        points = self._camera.project(vertices)[self._head.landmarks] * zoom
        depth = self._depth(vertices)
        seen = self._seen(vertices[self._head.landmarks], depth)
        mesh = plain.copy()
        wires = self._wires[seen[self._wires].all(1)]
        least = trust[wires].min(1)
        for level in np.unique(least):
            draw_lines(mesh, points[wires[least == level]], confidence_colour(level))
        canvas: Image = cv2.addWeighted(mesh, WIRE_SHARE, plain, 1 - WIRE_SHARE, 0)
        for line in outlines(np.isfinite(depth)):
            draw_lines(canvas, [zoom * moved(line, self._view, self._camera)], colour, closed=True)
        for loop in LOOPS:
            draw_lines(canvas, [points[list(loop)]], confidence_colour(trust[loop[0]]), closed=True)
        if landmarks is not None:
            draw_detected(canvas, zoom * landmarks[:, :2], points)
        self._draw_gaze(canvas, index, vertices, zoom)
        time = float(self._performance.times[index])
        write(canvas, f"frame {index}   {time:.2f} s   confidence {confidence:.2f}", colour)
        return canvas

    def _depth(self, vertices: Floats) -> Floats:
        """Return `[VIEW_SIZE, VIEW_SIZE]` metres from the camera to what the view sees; infinite where nothing is."""
        values = np.zeros((len(vertices), 8), np.float32)
        values[:, 0] = vertices[:, 2]
        picture, _ = self._rasteriser.draw(self._view.clip(vertices), values, self._head.triangles)
        return np.where(picture[..., 0] > 0, picture[..., 0], np.inf)

    def _seen(self, points: Floats, depth: Floats) -> Booleans:
        """Tell which of `points [N, 3]` in camera space are not hidden by the head itself."""
        column, row = np.clip(self._view.project(points), 0, VIEW_SIZE - 1).astype(int).T
        seen: Booleans = points[:, 2] <= depth[row, column] + HIDDEN
        return seen

    def _draw_gaze(self, canvas: Image, index: int, vertices: Floats, zoom: float) -> None:
        """Draw an arrow from each eyeball to where it looks."""
        performance = self._performance
        for eyeball, (pitch, yaw) in zip(self._head.eyeballs, performance.gaze[index], strict=True):
            start = vertices[eyeball.start : eyeball.stop].mean(0)
            turn = performance.rotation[index] @ gaze_rotation(pitch, yaw)
            forward = turn @ np.array([0, 0, -GAZE_LENGTH], np.float32)
            ends = self._camera.project(np.stack([start, start + forward])) * zoom
            first, last = fixed(ends).tolist()
            cv2.arrowedLine(canvas, first, last, GAZE, 2, cv2.LINE_AA, SUB, 0.2)


def camera_of_picture(camera: PinholeCamera, crop: Crop) -> PinholeCamera:
    """Return the camera of the central window in pixels of the whole picture."""
    own = camera.resized(round(crop.side), round(crop.side))
    return replace(own, cx=own.cx + crop.x, cy=own.cy + crop.y)


def view_camera(camera: PinholeCamera, crop: Crop) -> PinholeCamera:
    """Return the camera of a square view about the crop, `VIEW_SIZE` pixels wide."""
    side = crop.side * VIEW
    left, top = crop.x + (crop.side - side) / 2, crop.y + (crop.side - side) / 2
    shifted = replace(camera, cx=camera.cx - left, cy=camera.cy - top, width=round(side), height=round(side))
    return shifted.resized(VIEW_SIZE, VIEW_SIZE)


def enlarged(picture: Image) -> Image:
    """A copy of the picture `[H, W, 3]`, at least `SHORT_SIDE` pixels wide and high."""
    height, width = picture.shape[:2]
    zoom = max(1.0, SHORT_SIDE / min(height, width))
    large: Image = cv2.resize(picture, (round(width * zoom), round(height * zoom)), interpolation=cv2.INTER_CUBIC)
    return large


def landmark_regions() -> Indices:
    """Return `[478]`: which of the `REGIONS` each landmark belongs to."""
    parts = {
        "leftEye": LEFT_EYE + LEFT_IRIS,
        "rightEye": RIGHT_EYE + RIGHT_IRIS,
        "brows": LEFT_BROW + RIGHT_BROW,
        "mouth": LIPS,
    }
    regions = np.full(LANDMARK_COUNT, REGIONS.index("skin"))
    for name, places in parts.items():
        regions[list(places)] = REGIONS.index(name)
    return regions


LANDMARK_REGIONS = landmark_regions()


def confidence_colour(confidence: float) -> tuple[int, int, int]:
    """Green for 1, yellow for a half, red for 0."""
    red, green = min(1.0, 2 - 2 * confidence), min(1.0, 2 * confidence)
    return round(255 * red), round(230 * green), 60


def outlines(mask: Booleans) -> list[Floats]:
    """Return the closed lines `[N, 2]` around a mask, in its pixels."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [line[:, 0].astype(np.float32) + 0.5 for line in found]


def moved(points: Floats, source: PinholeCamera, target: PinholeCamera) -> Floats:
    """Return `points [N, 2]` of one camera's picture in another's from the same place."""
    rays = (points - (source.cx, source.cy)) / (source.fx, source.fy)
    return (rays * (target.fx, target.fy) + (target.cx, target.cy)).astype(np.float32)


def draw_detected(canvas: Image, landmarks: Floats, points: Floats) -> None:
    """Draw detected landmarks `[478, 2]` as dots, each with a line to where the mesh has it, `points [478, 2]`."""
    shown = list(SHOWN)
    draw_lines(canvas, np.stack([landmarks[shown], points[shown]], 1), DETECTED)
    for place in fixed(landmarks[shown]).tolist():
        cv2.circle(canvas, place, DOT << SUB, DETECTED, -1, cv2.LINE_AA, SUB)


def draw_lines(canvas: Image, lines: Iterable[Floats], colour: tuple[int, int, int], closed: bool = False) -> None:
    """Draw thin smooth lines, each through points `[N, 2]`."""
    cv2.polylines(canvas, [fixed(line) for line in lines], closed, colour, 1, cv2.LINE_AA, SUB)


def fixed(points: Floats) -> Integers:
    """Points `[..., 2]` in pixels as OpenCV takes them, in parts of a pixel; its first pixel's centre is 0."""
    parts: Integers = np.round((points - 0.5) * (1 << SUB)).astype(np.int32)
    return parts


def write(canvas: Image, words: str, colour: tuple[int, int, int]) -> None:
    """Write a line in the upper left corner of `canvas [H, W, 3]`; `colour` is RGB, 0 to 255."""
    scale = min(canvas.shape[:2]) / 1100
    for shade, width in ((DARK, 4), (colour, 1)):
        cv2.putText(
            canvas, words, (12, round(12 + 30 * scale)), cv2.FONT_HERSHEY_SIMPLEX, scale, shade, width, cv2.LINE_AA
        )
