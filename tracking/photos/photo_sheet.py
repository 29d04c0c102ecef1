# SPDX-License-Identifier: GPL-3.0-or-later
"""The person in a photo as a soft sheet: the head carries hair, ears and neck along, the shoulders stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.spatial import cKDTree

from ..datasets.rasteriser import PlainRasteriser
from ..performances.maps import frame_vertices
from .photo_surface import PhotoSurface, inside_mouth, region, sampled
from .thin_plate import spline

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Numbers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

CELLS = 96
"""Cells of the sheet along the window's side."""

COARSER = 2
"""The sheet is so smooth that a picture of its movement needs only every second pixel."""

BEYOND = 0.15
"""The sheet reaches past the window by this share of its side."""

CONTROL_CELLS = 32
"""The window is cut into so many cells a side; each holds one control point of the face at most."""

RING_POINTS = 64
"""Control points along the outline of hair and cheeks."""

SKIN_REACH = 0.03
"""The outline within this share of the window's side from the face's surface is skin, not hair."""

CHIN, FOREHEAD, EARS = 152, 10, (234, 454)
"""MediaPipe landmarks."""

BODY_BELOW = 0.4
"""The body stays where it is from this share of the face's height below the chin."""

STIFFNESS = 1e-3
"""How far the sheet may miss its control points to stay smooth."""

STEEPEST = 0.5
"""Control points of the face face the camera with at least this cosine: nearer the outline they would fold."""


class PhotoSheet:
    """Moves a photo's pixels with the head, by a thin-plate spline through control points.

    The points of the face move as the mesh does; the outline of the hair as if it lay in the plane of the ears; the
    body and everything far from the person not at all.
    """

    def __init__(
        self, head: MorphableHead, still: Performance, surface: PhotoSurface, matte: Floats, camera: PinholeCamera
    ) -> None:
        """`matte [S, S]` and `surface` belong to the window that `camera` sees."""
        self._camera, self._still, self._surface = camera, still, surface
        self._face = face_points(head, surface, matte, camera.width)
        vertices = frame_vertices(head, still, 0)
        marks = surface.source[head.landmarks]
        self._ear_depth = float(vertices[head.landmarks[list(EARS)], 2].mean())
        self._outline, self._rigidity = outline_points(matte, marks)
        self._outline_depth = outline_depth(self._outline, head, surface, self._ear_depth, camera.width)
        fixed = fixed_points(matte, marks)
        controls = np.concatenate([surface.source[self._face], self._outline, fixed])
        self._fixed = len(fixed)
        self._nodes, self._triangles = grid(camera.width)
        self._spline = spline(controls / camera.width, self._nodes / camera.width, STIFFNESS)
        self._rasteriser = PlainRasteriser(camera.width // COARSER)

    def close(self) -> None:
        """Give the OpenGL context back."""
        self._rasteriser.close()

    def moved(self, vertices: Floats, rotation: Floats, translation: Floats) -> Floats:
        """Return `[S, S, 2]`: for each pixel of a frame, the pixel of the photo that it shows.

        Args:
            vertices: `[V, 3]` the head in the frame, camera space.
            rotation, translation: `[3, 3]`, `[3]` its pose.
        """
        surface = self._surface
        face = self._camera.project(vertices[self._face]) - surface.source[self._face]
        outline = self._moved_outline(rotation, translation) - self._outline
        movement = np.concatenate([face, outline * self._rigidity[:, None], np.zeros((self._fixed, 2))])
        nearness = np.concatenate([vertices[self._face, 2], np.full(len(self._outline) + self._fixed, self._ear_depth)])
        solved = self._spline @ np.column_stack([movement, nearness - self._ear_depth]).astype(np.float32)
        return self._drawn(self._nodes + solved[:, :2], solved[:, 2])

    def _moved_outline(self, rotation: Floats, translation: Floats) -> Floats:
        """Return `[R, 2]`: the outline moved rigidly with the head."""
        camera, depth = self._camera, self._outline_depth
        x, y = (self._outline - (camera.cx, camera.cy)).T * depth
        points = np.stack([x / camera.fx, y / camera.fy, depth], -1)
        in_head = (points - self._still.translation[0]) @ self._still.rotation[0]
        return camera.project(in_head @ rotation.T + translation)

    def _drawn(self, nodes: Floats, depth: Floats) -> Floats:
        """Return `[S, S, 2]`: the sheet with its nodes at `nodes [G, 2]`; where it folds the nearer part shows."""
        size = self._camera.width
        clip = np.ones((len(nodes), 4), np.float32)
        clip[:, 0], clip[:, 1] = nodes[:, 0] / size * 2 - 1, 1 - nodes[:, 1] / size * 2
        clip[:, 2] = np.clip(depth / 0.3, -0.99, 0.99)
        values = np.zeros((len(nodes), 8), np.float32)
        values[:, :2] = self._nodes
        values[:, 2] = 1
        drawn, _ = self._rasteriser.draw(clip, values, self._triangles)
        moved = np.where(drawn[..., 2:3] > 0, drawn[..., :2], pixel_centres(size // COARSER) * COARSER)
        large: Floats = cv2.resize(moved, (size, size), interpolation=cv2.INTER_LINEAR)
        return large


def face_points(head: MorphableHead, surface: PhotoSurface, matte: Floats, size: int) -> Numbers:
    """Return `[N]`: the vertices that lead the sheet: well seen, spread evenly, neither neck nor inner parts.

    `matte [S, S]`, 0 to 1, is that of the window, whose side is `size` pixels.
    """
    chin = head.mean[head.landmarks[CHIN], 1]
    neck = region(head, "neck") | ((head.uv_mask < 0.5) & (head.mean[:, 1] > chin - 0.02))
    leading = (surface.trust > 0.5) & (surface.facing > STEEPEST) & ~surface.inner & ~neck & ~inside_mouth(head)
    leading &= ~region(head, "lips") & (sampled(matte, surface.source) > 0.9)
    leading &= ((surface.source > 0) & (surface.source < size)).all(-1)
    candidates = np.flatnonzero(leading)
    candidates = candidates[np.argsort(-surface.facing[candidates], kind="stable")]
    cells = (surface.source[candidates] / size * CONTROL_CELLS).astype(int)
    _, first = np.unique(cells[:, 0] * CONTROL_CELLS + cells[:, 1], return_index=True)
    return candidates[first]


def outline_points(matte: Floats, marks: Floats) -> tuple[Floats, Floats]:
    """Return points `[R, 2]` of the outline above the body, and how far each follows the head, `[R]` 0 to 1."""
    contours, _ = cv2.findContours((matte > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.empty((0, 2), np.float32), np.empty(0, np.float32)
    contour = max(contours, key=len)[:, 0].astype(np.float32) + 0.5
    size = len(matte)
    inside = ((contour > 2) & (contour < size - 2)).all(-1)
    body = body_line(marks)
    mouth = marks[[13, 14], 1].mean()
    contour = contour[inside & (contour[:, 1] < body)]
    points = contour[np.linspace(0, len(contour) - 1, min(RING_POINTS, len(contour))).astype(int)]
    return points, np.clip((body - points[:, 1]) / (body - mouth), 0, 1).astype(np.float32)


def outline_depth(outline: Floats, head: MorphableHead, surface: PhotoSurface, ear_depth: float, size: int) -> Floats:
    """Return `[R]` metres: the depth in which each point of the outline turns with the head.

    Hair is taken to lie in the plane of the ears. The outline of cheeks and jaw lies between that plane and the surface
    it belongs to, because a turning head has ever other points on its outline.
    """
    skin = np.flatnonzero((head.uv_mask > 0.5) & (surface.facing > 0) & ~surface.inner)
    distance, nearest = cKDTree(surface.source[skin]).query(outline)
    share = 0.5 * np.exp(-((distance / (SKIN_REACH * size)) ** 2))
    depth: Floats = ear_depth + share * (surface.depth[skin[nearest]] - ear_depth)
    return depth


def fixed_points(matte: Floats, marks: Floats) -> Floats:
    """Return points `[F, 2]` that never move: the body, and what is far from the person."""
    size = len(matte)
    ticks = np.linspace(-BEYOND, 1 + BEYOND, 16) * size
    points = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2).astype(np.float32)
    reach = 2 * round(0.12 * size) + 1
    near = cv2.dilate((matte > 0.3).astype(np.float32), np.ones((reach, reach), np.uint8))
    far = sampled(near, points) < 0.5
    fixed: Floats = points[far | (points[:, 1] > body_line(marks))]
    return fixed


def body_line(marks: Floats) -> float:
    """Return the row below which the body stays; `marks [478, 2]` are the landmarks in the window."""
    return float(marks[CHIN, 1] + BODY_BELOW * (marks[CHIN, 1] - marks[FOREHEAD, 1]))


def grid(size: int) -> tuple[Floats, Numbers]:
    """Return nodes `[G, 2]` in pixels and triangles `[T, 3]` of the sheet at rest."""
    count = CELLS + 1
    ticks = np.linspace(-BEYOND * size, (1 + BEYOND) * size, count)
    nodes = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    corner = (np.arange(CELLS)[:, None] * count + np.arange(CELLS)).ravel()
    lower = np.stack([corner, corner + 1, corner + count], -1)
    upper = np.stack([corner + 1, corner + count + 1, corner + count], -1)
    return nodes.astype(np.float32), np.concatenate([lower, upper]).astype(np.int32)


def pixel_centres(size: int) -> Floats:
    """Return `[S, S, 2]`."""
    ticks = np.arange(size, dtype=np.float32) + 0.5
    return np.stack(np.meshgrid(ticks, ticks), -1)
