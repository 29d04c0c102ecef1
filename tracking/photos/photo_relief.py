# SPDX-License-Identifier: GPL-3.0-or-later
"""The person in a photo as a relief that turns with the head, and the hair that then comes round from behind.

The front is the photo on a grid that has its depth: hair, ears and neck turn as what they are, hide each other, and
keep the photo's detail and outline. The back is a rounded hull behind the outline that shows more of the same hair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.rasteriser import PlainRasteriser
from ..performances.maps import frame_vertices
from .photo_surface import inside_mouth, region, sampled, smooth
from .relief_depth import (
    BEYOND,
    CHIN,
    beyond_window,
    body_line,
    distance_inwards,
    in_head,
    rays,
    relief_depth,
    share_of_head,
)
from .relief_sides import Side, back_of, strips
from .thin_plate import spline

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Floats, Integers, Numbers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from .photo_light import PhotoLight
    from .photo_surface import PhotoSurface

CELLS = 112
"""Cells of the grid along the window's side."""

CONTROL_CELLS = 32
"""The window is cut into so many cells a side; each holds one control point of the face at most."""

STIFFNESS = 1e-3
"""How far the grid may miss the face's control points to stay smooth."""

STEEPEST = 0.5
"""Control points of the face face the camera with at least this cosine: nearer the outline they would fold."""

EVEN_LIGHT = 1.5
"""Deviation, in steps of the grid, of the blur that evens the change of light on the relief."""

EMERGING = (0.03, 0.15)
"""Metres by which the back comes out from behind the outline, for each metre that it lies deeper, between which it
closes up to the front."""

SOFT_EDGE = 1.2 / 768
"""Deviation of the blur that softens the edges where the relief turns away, in windows."""


@dataclass(frozen=True)
class Layer:
    """One side of the person in a frame.

    Attributes:
        pixels: `[S, S, 2]`: what pixel of the photo (or of its hair) each pixel of the frame shows.
        places: `[S, S, 2]`: at what pixel of the photo it lies.
        emerging: `[S, S]`, 0 to 1: how far it has come out from behind the outline.
        cover: `[S, S]`, 0 to 1: where it shows any.
        light: `[S, S]`: by how much its colours grow.
    """

    pixels: Floats
    places: Floats
    emerging: Floats
    cover: Floats
    light: Floats


class PhotoRelief:
    """Turns a photo's pixels with the head; the body and everything far from the person do not move."""

    def __init__(
        self,
        head: MorphableHead,
        still: Performance,
        surface: PhotoSurface,
        matte: Floats,
        marks: Floats,
        camera: PinholeCamera,
        light: PhotoLight,
    ) -> None:
        """Prepare a photo.

        Args:
            head, still: the head and its one frame.
            surface: what the head knows of the photo.
            matte: `[S, S]`, 0 to 1, of the window that `camera` sees; marks: `[478, 2]` landmarks in it.
            light: of the photo.
        """
        self._camera, self._still, self._light = camera, still, light
        nodes = grid(camera.width)
        inwards = distance_inwards(matte)
        depth, beside = relief_depth(head, still, surface.facing, beyond_window(inwards, nodes), nodes, camera)
        share = share_of_head(matte, marks, nodes)
        flat = nodes.reshape(-1, 2)
        self._front = Side.of(flat, depth.ravel(), share.ravel(), cells(near(matte, nodes)), camera, still)
        self._normals = grid_normals(self._front.at_rest)
        self._back = back_of(head, still, inwards, marks, nodes, share, beside, camera)
        self._face = face_points(head, surface, matte, camera.width)
        vertices = frame_vertices(head, still, 0)[self._face]
        source = surface.source[self._face]
        self._face_at_rest = in_head(rays(source, camera) * vertices[:, 2:], still)
        held = held_points(matte, marks)
        self._held = len(held)
        controls = np.concatenate([source, held])
        self._spline = spline(controls / camera.width, flat / camera.width, STIFFNESS)
        self._rasteriser = PlainRasteriser(camera.width)

    def close(self) -> None:
        """Give the OpenGL context back."""
        self._rasteriser.close()

    def layers(self, vertices: Floats, rotation: Floats, translation: Floats) -> tuple[Layer, Layer]:
        """Return the back and the front of the person in a frame.

        Args:
            vertices: `[V, 3]` the head in the frame, camera space.
            rotation, translation: `[3, 3]`, `[3]` its pose.
        """
        moved = (vertices[self._face] - translation) @ rotation - self._face_at_rest
        bent = self._spline @ np.concatenate([moved, np.zeros((self._held, 3))]).astype(np.float32)
        deeper = (rotation @ self._still.rotation[0].T)[:2, 2]
        front = self._placed(self._front, bent, rotation, translation)
        back = self._placed(self._back, None, rotation, translation)
        grown = self._light.change(self._normals, grid_normals(front)).reshape(self._normals.shape[:2])
        light = cv2.GaussianBlur(grown, (0, 0), EVEN_LIGHT).ravel()
        unlit = np.ones(len(back), np.float32)
        return self._drawn(self._back, back, deeper, unlit), self._drawn(self._front, front, deeper, light)

    def _placed(self, side: Side, bent: Floats | None, rotation: Floats, translation: Floats) -> Floats:
        """Return `[N, 3]`: a side in the frame, `bent [N, 3]` in head space, turned as far as it follows the head."""
        points = side.in_head if bent is None else side.in_head + bent
        turned = points @ rotation.T + translation
        placed: Floats = side.at_rest + side.share[:, None] * (turned - side.at_rest)
        return placed

    def _drawn(self, side: Side, points: Floats, deeper: Floats, light: Floats) -> Layer:
        """Draw a side.

        Args:
            side: the side; points: `[N, 3]` where its points are in the frame.
            deeper: `[2]` where on the screen what lies deeper moves to.
            light: `[N]` by how much colours grow.
        """
        emerging = smooth(side.outwards @ deeper, *EMERGING)
        values = np.column_stack([side.source, side.places, np.ones(len(points)), emerging, light, light])
        first, second = self._rasteriser.draw(self._camera.clip(points), values, side.triangles)
        cover = np.ascontiguousarray(second[..., 0])
        soft = cv2.GaussianBlur(cover, (0, 0), max(0.5, SOFT_EDGE * len(cover)))
        return Layer(first[..., :2], first[..., 2:], second[..., 1], np.clip(2 * soft - 1, 0, 1), second[..., 2])


def grid_normals(points: Floats) -> Floats:
    """Return `[h, w, 3]` unit normals, towards the camera, of the grid with its nodes at `points [h * w, 3]`."""
    surface = points.reshape(CELLS + 1, CELLS + 1, 3)
    down, across = np.gradient(surface, axis=(0, 1))
    normals = np.cross(down, across)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    units: Floats = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    return units


def face_points(head: MorphableHead, surface: PhotoSurface, matte: Floats, size: int) -> Numbers:
    """Return `[N]`: the vertices that lead the relief: well seen, spread evenly, neither neck nor inner parts.

    `matte [S, S]`, 0 to 1, is that of the window, whose side is `size` pixels.
    """
    chin = head.mean[head.landmarks[CHIN], 1]
    neck = region(head, "neck") | ((head.uv_mask < 0.5) & (head.mean[:, 1] > chin - 0.02))
    leading = (surface.trust > 0.5) & (surface.facing > STEEPEST) & ~surface.inner & ~neck & ~inside_mouth(head)
    leading &= sampled(matte, surface.source) > 0.9
    leading &= ((surface.source > 0) & (surface.source < size)).all(-1)
    candidates = np.flatnonzero(leading)
    candidates = candidates[np.argsort(-surface.facing[candidates], kind="stable")]
    places = (surface.source[candidates] / size * CONTROL_CELLS).astype(int)
    _, first = np.unique(places[:, 0] * CONTROL_CELLS + places[:, 1], return_index=True)
    return candidates[first]


def held_points(matte: Floats, marks: Floats) -> Floats:
    """Return points `[H, 2]` that no expression moves: the body, and what is beyond hair and ears."""
    size = len(matte)
    ticks = np.linspace(-BEYOND, 1 + BEYOND, 20) * size
    points = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2).astype(np.float32)
    outside = sampled(matte, points) < 0.5
    held: Floats = points[outside | (points[:, 1] > body_line(marks))]
    return held


def near(matte: Floats, nodes: Floats) -> Booleans:
    """Return `[h, w]`: the nodes that show anything of the person, or have a neighbour that does."""
    reach = 2 * round(1.5 * len(matte) / CELLS) + 1
    grown = cv2.dilate(matte, np.ones((reach, reach), np.uint8))
    shown: Booleans = sampled(grown, nodes.reshape(-1, 2)).reshape(nodes.shape[:2]) > 0.02
    return shown


def grid(size: int) -> Floats:
    """Return `[h, w, 2]`: the pixels of the grid's nodes."""
    ticks = np.linspace(-BEYOND * size, (1 + BEYOND) * size, CELLS + 1, dtype=np.float32)
    return np.stack(np.meshgrid(ticks, ticks), -1)


def cells(kept: Booleans) -> Integers:
    """Return `[T, 3]`: the triangles of a grid whose corners are all `kept [h, w]`."""
    triangles = strips(*kept.shape)
    whole: Integers = triangles[kept.ravel()[triangles].all(1)]
    return whole
