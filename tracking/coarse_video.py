# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse video (OPHAvatars, "Coarse Avatar Generation") without a network: a photo re-posed by its solved head.

Three layers: the background, in-painted behind the person; the person as a soft sheet that the head drags along; and
the face itself, whose lids, lips and eyes move as the mesh does and show what the photo hides.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .heads.head import Floats, MorphableHead
from .heads.maps import frame_vertices
from .heads.performance import Performance
from .heads.shading import vertex_normals
from .inpainting import fill_behind
from .photo_sheet import PhotoSheet
from .photo_surface import photo_surface, smooth
from .rasteriser import PlainRasteriser

Pixels = NDArray[np.uint8]

EDGE_ON, TURNED_TO_US = 0.05, 0.3
"""Cosines between normal and view: the face fades into the sheet where it turns away."""

FINER = 2
"""The face is drawn at so many times the picture's resolution, to smooth its edges."""

SURELY_PERSON = 200
"""Matte (of 255) from which a pixel of the photo is the person's."""

STRETCHED, TORN = 2.2, 5.0
"""Growth of lids' and mouth's area from which the photo's pixels give way to plain colour, and where they are gone."""

EVENED = 3
"""Rounds in which neighbouring triangles share their growth, so that no edge shows."""


class CoarseVideo:
    """Renders frames of one photo. Close it, or use it in a `with` statement."""

    def __init__(self, head: MorphableHead, still: Performance, window: Pixels, matte: Floats) -> None:
        """Prepare a photo.

        Args:
            head, still: the head and the one frame solved from the photo.
            window: `[S, S, 3]`, the photo cut to the enlarged window of `still.crop`.
            matte: `[S, S]`, 0 to 1.
        """
        margin = (len(window) - still.camera.width) // 2
        self._head = head
        self._camera = still.camera.padded(margin, margin, margin, margin)
        self._photo = np.ascontiguousarray(np.dstack([window, (matte * 255 + 0.5).astype(np.uint8)]))
        self._background = fill_behind(window, matte).astype(np.float32)
        self._surface = photo_surface(head, still, window, matte, self._camera)
        self._triangles_at = np.maximum(1, np.bincount(head.triangles.ravel(), minlength=len(head.mean)))
        self._areas = areas(self._surface.source, head.triangles)
        self._sheet = PhotoSheet(head, still, self._surface, matte, self._camera)
        self._rasteriser = PlainRasteriser(self._camera.width)

    def __enter__(self) -> CoarseVideo:
        return self

    def __exit__(self, *_error: object) -> None:
        self._sheet.close()
        self._rasteriser.close()

    def frame(self, performance: Performance, index: int, neutral: Floats | None = None) -> tuple[Pixels, Floats]:
        """Return the picture `[S, S, 3]` and its matte `[S, S]` (0 to 1) of one frame of a performance."""
        vertices = frame_vertices(self._head, performance, index, neutral)
        moved = self._sheet.moved(vertices, performance.rotation[index], performance.translation[index])
        sheet = self._sampled(moved)
        opacity = sheet[..., 3:] * np.float32(1 / 255)
        picture = self._background + opacity * (sheet[..., :3] - self._background)
        matte = np.ascontiguousarray(opacity[..., 0])
        self._add_face(picture, matte, vertices)
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8), matte

    def _add_face(self, picture: Floats, matte: Floats, vertices: Floats) -> None:
        """Draw the face as a mesh over a picture and its matte, anti-aliased: at twice their resolution."""
        left, top, side = self._face_window(vertices)
        camera = self._camera.padded(-left, -top, left + side - len(matte), top + side - len(matte))
        camera = camera.resized(FINER * side, FINER * side)
        surface = self._surface
        values = np.column_stack(
            [surface.source, self._trust(vertices), self._opacity(vertices), surface.colour, surface.depth]
        )
        drawn = self._rasteriser.draw(camera.clip(vertices), values, self._head.triangles)
        photo = self._sampled(drawn[..., :2])
        trust = drawn[..., 2:3] * np.minimum(1, photo[..., 3:] * np.float32(1 / SURELY_PERSON))
        face = photo
        face[..., :3] = drawn[..., 4:7] + trust * (photo[..., :3] - drawn[..., 4:7])
        face[..., 3] = 1
        face = cv2.resize(face * drawn[..., 3:4], (side, side), interpolation=cv2.INTER_AREA)
        within = slice(top, top + side), slice(left, left + side)
        picture[within] += face[..., :3] - face[..., 3:] * picture[within]
        matte[within] = np.maximum(matte[within], face[..., 3])

    def _face_window(self, vertices: Floats) -> tuple[int, int, int]:
        """Return left, top and side, in pixels, of the part of the picture in which the face is drawn."""
        size = self._camera.width
        side = size // 2
        pixels = self._camera.project(vertices[self._surface.opacity > 0])
        middle = (pixels.min(0) + pixels.max(0)) / 2
        left, top = (int(np.clip(round(corner), 0, size - side)) for corner in middle - side / 2)
        return left, top, side

    def _opacity(self, vertices: Floats) -> Floats:
        """Return `[V]`: the surface fades where it turns away, except for the parts that have nothing behind them."""
        normals = vertex_normals(vertices, self._head.triangles)
        facing = -np.einsum("va,va->v", normals, vertices / np.linalg.norm(vertices, axis=-1, keepdims=True))
        return self._surface.opacity * np.where(self._surface.inner, 1, smooth(facing, EDGE_ON, TURNED_TO_US))

    def _trust(self, vertices: Floats) -> Floats:
        """Return `[V]`: trust in the photo, less where lids or mouth have unfolded and would stretch its pixels."""
        surface, triangles = self._surface, self._head.triangles
        growth = areas(self._camera.project(vertices), triangles) / np.maximum(self._areas, 0.02 * self._areas.mean())
        for _ in range(EVENED):
            at_vertices = np.bincount(triangles.ravel(), np.repeat(growth, 3), len(vertices)) / self._triangles_at
            growth = at_vertices[triangles].mean(1)
        return surface.trust * np.where(surface.inner, 1 - smooth(at_vertices, STRETCHED, TORN), 1)

    def _sampled(self, pixels: Floats) -> Floats:
        """Return `[S, S, 4]`, 0 to 255: the photo and its matte at `pixels [S, S, 2]`."""
        x, y = pixels[..., 0] - np.float32(0.5), pixels[..., 1] - np.float32(0.5)
        return cv2.remap(self._photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def areas(points: Floats, triangles: NDArray) -> Floats:
    """Return `[T]`: areas on the screen, of either sense."""
    a, b, c = (points[corner] for corner in triangles.T)
    return 0.5 * np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
