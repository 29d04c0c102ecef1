# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse video (OPHAvatars, "Coarse Avatar Generation") without a network: a photo re-posed by its solved head.

Three layers: the background, in-painted behind the person; the person as a soft sheet that the head drags along; and
the face itself, whose lids, lips and eyes move as the mesh does and show what the photo hides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.rasteriser import PlainRasteriser
from ..heads.shading import vertex_normals
from ..performances.maps import frame_vertices
from ..plates.inpainting import fill_behind, unmixed
from .hair import back_of_head, parts_of
from .photo_light import LEAST
from .photo_relief import Layer, PhotoRelief
from .photo_surface import inside_mouth, photo_surface, region, smooth, teeth_depth

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image, Numbers
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

EDGE_ON, TURNED_TO_US = 0.05, 0.3
"""Cosines between normal and view: the face fades into the sheet where it turns away."""

INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""MediaPipe landmarks round the inner edge of the lips, from corner to corner."""

MOUTH_ENDS = (13, 14, 308, 78)
"""MediaPipe landmarks of the inner lips: upper, lower, left, right."""

LET_LIGHT_IN, SHADOW = (0.04, 0.2), 0.45
"""Opening of the lips, against their width, over which the mouth's inside appears, and brightness of the line that is
seen before, against the lips."""

OPEN = 0.06
"""Area between the lips, against the square of the mouth's width, from which the photo shows teeth."""

FINER = 2
"""The face is drawn at so many times the picture's resolution, to smooth its edges."""

LEAST_MIRRORED = 0.01
"""The other side of the face is looked at when it gives at least this share of the face."""

IN_MOUTH = 0.0
"""Stands in the place of the change of light for what is inside the mouth."""

SURELY_PERSON = 200
"""Matte (of 255) from which a pixel of the photo is the person's."""

STRETCHED, TORN = 2.2, 5.0
"""Growth of lids' and mouth's area from which the photo's pixels give way to plain colour, and where they are gone."""

EVENED = 3
"""Rounds in which neighbouring triangles share their growth, so that no edge shows."""


BEHIND_FRINGE = (0.5, 0.9)
"""Mattes between which the back of the head shows through the photo's fringe of hair while it has not come out."""


STREAKS, SOFTNESS = (0.15, 0.45), 0.004
"""Pixels of the photo to a pixel of the frame between which its detail is drawn out into streaks and gives way to the
photo blurred (hair may have streaks), and the blur's deviation as a share of the window's side."""


COARSER = 2
"""Streaks are looked for at so many times less than the picture's resolution."""

NOT_SEEN = 0.01
"""Opacity that changes no pixel."""

ROW = 1024
"""Pixels in a row when single ones are sampled: OpenCV takes no row of any length."""


class CoarseVideo:
    """Renders frames of one photo. Close it, or use it in a `with` statement."""

    def __init__(
        self, head: MorphableHead, still: Performance, window: Image, matte: Floats, landmarks: Floats
    ) -> None:
        """Prepare a photo.

        Args:
            head, still: the head and the one frame solved from the photo.
            window: `[S, S, 3]`, the photo cut to the enlarged window of `still.crop`.
            matte: `[S, S]`, 0 to 1.
            landmarks: `[478, 2]` in pixels of the window.
        """
        margin = (len(window) - still.camera.width) // 2
        self._head = head
        self._camera = still.camera.padded(margin, margin, margin, margin)
        background = fill_behind(window, matte)
        self._background = background.astype(np.float32)
        parts = parts_of(window, background, matte, landmarks)
        alone = matte * (1 - cv2.GaussianBlur(parts.gaps.astype(np.float32), (0, 0), 1.0))
        person = unmixed(window, alone, background)
        self._photo = np.ascontiguousarray(np.dstack([person, (alone * 255 + 0.5).astype(np.uint8)]))
        soft = cv2.GaussianBlur(person, (0, 0), SOFTNESS * len(window))
        self._soft = np.where(parts.hair[..., None], person, soft)
        self._outline = matte
        self._behind = back_of_head(person, parts.hair, landmarks)
        self._surface = photo_surface(head, still, window, matte, landmarks, self._camera)
        self._triangles_at = np.maximum(1, np.bincount(head.triangles.ravel(), minlength=len(head.mean)))
        self._areas = areas(self._surface.source, head.triangles)
        self._still, self._teeth_depth = still, teeth_depth(head)
        self._mouth = inner_mouth(landmarks, len(window))
        self._normals = vertex_normals(frame_vertices(head, still, 0), head.triangles)
        lips = self._surface.colour[region(head, "lips")]
        self._lip_shadow = (SHADOW * lips.mean(0)).astype(np.float32) if len(lips) else np.zeros(3, np.float32)
        self._light = self._surface.light
        hidden = (self._surface.from_mirror * self._surface.opacity)[head.uv_mask > 0.5]
        self._has_mirrored = bool(hidden.mean() > LEAST_MIRRORED)
        self._relief = PhotoRelief(head, still, self._surface, matte, landmarks, self._camera, self._light)
        self._rasteriser = PlainRasteriser(self._camera.width)

    def __enter__(self) -> CoarseVideo:
        return self

    def __exit__(self, *_error: object) -> None:
        self._relief.close()
        self._rasteriser.close()

    def frame(self, performance: Performance, index: int, neutral: Floats | None = None) -> tuple[Image, Floats]:
        """Return the picture `[S, S, 3]` and its matte `[S, S]` (0 to 1) of one frame of a performance."""
        vertices = frame_vertices(self._head, performance, index, neutral)
        rotation, translation = performance.rotation[index], performance.translation[index]
        back, front = self._relief.layers(vertices, rotation, translation)
        photo = self._sampled(front.pixels)
        self._soften(photo, front)
        photo[..., :3] *= front.light[..., None]
        opacity = photo[..., 3] * front.cover * np.float32(1 / 255)
        picture, matte = self._background.copy(), np.zeros(opacity.shape, np.float32)
        self._lay_back(picture, matte, back, opacity)
        picture += opacity[..., None] * (photo[..., :3] - picture)
        matte += opacity * (1 - matte)
        self._add_face(picture, matte, vertices, rotation, translation)
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8), matte

    def _soften(self, photo: Floats, front: Layer) -> None:
        """Take streaks out of `photo [S, S, 4]` as it is seen on the front of the person."""
        worn = stretched(front.pixels) * front.cover
        places = worn > NOT_SEEN
        soft = sampled_at(self._soft, front.pixels[places])
        photo[places, :3] += worn[places, None] * (soft - photo[places, :3])

    def _lay_back(self, picture: Floats, matte: Floats, back: Layer, front: Floats) -> None:
        """Lay the back of the head over a picture, where the front with its opacity `[S, S]` leaves it to be seen.

        Where it comes out it fills the photo's fringe of hair.
        """
        places = (back.cover > NOT_SEEN) & (front < 1 - NOT_SEEN)
        own = smooth(sampled_at(self._outline, back.places[places]), *BEHIND_FRINGE)
        opacity = back.cover[places] * np.maximum(own, back.emerging[places])
        picture[places] += opacity[:, None] * (sampled_at(self._behind, back.pixels[places]) - picture[places])
        matte[places] = opacity

    def _add_face(
        self, picture: Floats, matte: Floats, vertices: Floats, rotation: Floats, translation: Floats
    ) -> None:
        """Draw the face as a mesh over a picture and its matte, anti-aliased: at twice their resolution."""
        left, top, side = self._face_window(vertices)
        right, bottom = left + side - len(matte), top + side - len(matte)
        camera = self._camera.padded(-left, -top, right, bottom).resized(FINER * side, FINER * side)
        surface = self._surface
        mouth = inside_mouth(self._head)
        source = surface.source.copy()
        source[mouth] = self._teeth_in_photo(vertices[mouth], rotation, translation)
        normals = vertex_normals(vertices, self._head.triangles)
        light = np.where(surface.inner, 1, self._light.change(self._normals, normals))
        light[mouth] = IN_MOUTH
        opacity = self._opacity(vertices, normals)
        values = np.column_stack([source, self._trust(vertices), opacity, surface.colour, light])
        where, colour = self._rasteriser.draw(camera.clip(vertices), values, self._head.triangles)
        photo = self._sampled(where[..., :2])
        if self._has_mirrored:
            self._add_mirrored(photo, camera.clip(vertices))
        trust = where[..., 2:3] * np.minimum(1, photo[..., 3:] * np.float32(1 / SURELY_PERSON))
        in_mouth = colour[..., 3] < (1 + IN_MOUTH) / 2
        trust[in_mouth, 0] = sampled_at(self._mouth, where[in_mouth, :2])
        shown = colour[..., :3] + trust * (photo[..., :3] - colour[..., :3])
        inside = self._in_mouth(shown[in_mouth], vertices)
        shown *= np.maximum(colour[..., 3:], LEAST)
        shown[in_mouth] = inside
        face = np.dstack([shown * where[..., 3:], where[..., 3]])
        face = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        within = slice(top, top + side), slice(left, left + side)
        picture[within] += face[..., :3] - face[..., 3:] * picture[within]
        matte[within] = np.maximum(matte[within], face[..., 3])

    def _add_mirrored(self, photo: Floats, clip: Floats) -> None:
        """Show the other side of the face in `photo [S, S, 4]` where the photo hides this one; `clip [V, 4]`."""
        surface = self._surface
        values = np.column_stack([surface.mirrored, surface.from_mirror, surface.from_mirror, surface.mirror_gain])
        where, gain = self._rasteriser.draw(clip, np.column_stack([values, surface.trust]), self._head.triangles)
        other = self._sampled(where[..., :2])
        other[..., :3] *= gain[..., :3]
        photo += where[..., 2:3] * (other - photo)

    def _in_mouth(self, shown: Floats, vertices: Floats) -> Floats:
        """Return `[N, 3]`: what is in the mouth, `shown [N, 3]`, or the lips' shadow while they hardly part."""
        share = np.float32(self._open(vertices))
        lit: Floats = self._lip_shadow + share * (shown - self._lip_shadow)
        return lit

    def _open(self, vertices: Floats) -> float:
        """Return 0 to 1: how far light falls between the lips."""
        upper, lower, left, right = vertices[self._head.landmarks[list(MOUTH_ENDS)]]
        return float(smooth(np.linalg.norm(upper - lower) / np.linalg.norm(left - right), *LET_LIGHT_IN))

    def _teeth_in_photo(self, vertices: Floats, rotation: Floats, translation: Floats) -> Floats:
        """Return `[N, 2]`: the photo's pixels behind which lie `vertices [N, 3]` of the mouth's inside.

        The photo's teeth are a picture in the plane of the upper teeth, which turns with the head.
        """
        eye, rays = -translation @ rotation, vertices @ rotation
        points = eye + rays * ((self._teeth_depth - eye[2]) / rays[:, 2])[:, None]
        return self._camera.project(points @ self._still.rotation[0].T + self._still.translation[0])

    def _face_window(self, vertices: Floats) -> tuple[int, int, int]:
        """Return left, top and side, in pixels, of the part of the picture in which the face is drawn."""
        size = self._camera.width
        side = size // 2
        pixels = self._camera.project(vertices[self._surface.opacity > 0])
        middle = (pixels.min(0) + pixels.max(0)) / 2
        left, top = (int(np.clip(round(corner), 0, size - side)) for corner in middle - side / 2)
        return left, top, side

    def _opacity(self, vertices: Floats, normals: Floats) -> Floats:
        """Return `[V]`: the surface fades where it turns away, except for the parts that have nothing behind them."""
        facing = -np.einsum("va,va->v", normals, vertices / np.linalg.norm(vertices, axis=-1, keepdims=True))
        opacity: Floats = self._surface.opacity * np.where(
            self._surface.inner, 1, smooth(facing, EDGE_ON, TURNED_TO_US)
        )
        return opacity

    def _trust(self, vertices: Floats) -> Floats:
        """Return `[V]`: trust in the photo, less where lids or mouth have unfolded and would stretch its pixels."""
        surface, triangles = self._surface, self._head.triangles
        growth = areas(self._camera.project(vertices), triangles) / np.maximum(self._areas, 0.02 * self._areas.mean())
        for _ in range(EVENED):
            at_vertices = np.bincount(triangles.ravel(), np.repeat(growth, 3), len(vertices)) / self._triangles_at
            growth = at_vertices[triangles].mean(1)
        trust: Floats = surface.trust * np.where(surface.inner, 1 - smooth(at_vertices, STRETCHED, TORN), 1)
        return trust

    def _sampled(self, pixels: Floats) -> Floats:
        """Return `[S, S, 4]`, 0 to 255: the photo and its matte at `pixels [S, S, 2]`."""
        return sampled_picture(self._photo, pixels).astype(np.float32)


def stretched(pixels: Floats) -> Floats:
    """Return `[S, S]`, 0 to 1: where a picture sampled at `pixels [S, S, 2]` is drawn out into streaks."""
    coarse = np.ascontiguousarray(pixels[::COARSER, ::COARSER])
    across, down = (cv2.Sobel(coarse, cv2.CV_32F, *way, ksize=1, scale=0.5 / COARSER) for way in ((1, 0), (0, 1)))
    steps = (cv2.magnitude(*cv2.split(way)) for way in (across, down))
    worn = 1 - smooth(np.minimum(*steps), *STREAKS)
    large: Floats = cv2.resize(worn, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return large


def sampled_at(picture: Numbers, pixels: Floats) -> Floats:
    """Return `[N]` or `[N, C]` of a picture at `pixels [N, 2]`, bilinear, however many there are."""
    rows = -(-max(1, len(pixels)) // ROW)
    padded = np.zeros((rows * ROW, 2), np.float32)
    padded[: len(pixels)] = pixels
    samples = sampled_picture(picture, padded.reshape(rows, ROW, 2))
    flat: Floats = samples.reshape(rows * ROW, *samples.shape[2:])[: len(pixels)].astype(np.float32)
    return flat


def sampled_picture(picture: Numbers, pixels: Floats) -> Numbers:
    """Return `[S, S]` or `[S, S, C]`: a picture at `pixels [S, S, 2]`, bilinear; its edge goes on outside."""
    x, y = pixels[..., 0] - np.float32(0.5), pixels[..., 1] - np.float32(0.5)
    samples: Numbers = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return samples


def inner_mouth(landmarks: Floats, size: int) -> Floats:
    """Return `[S, S]` 0 to 1: what the photo shows between the lips; nothing when they are closed."""
    ring = landmarks[list(INNER_LIPS)]
    width = np.linalg.norm(ring[0] - ring[len(ring) // 2])
    mask = np.zeros((size, size), np.uint8)
    if cv2.contourArea(ring) > OPEN * width**2:
        cv2.fillPoly(mask, [np.round(ring * 16 - 8).astype(np.int32)], 255, cv2.LINE_AA, 4)
    soft: Floats = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.02 * float(width))).astype(np.float32) / 255
    return soft


def areas(points: Floats, triangles: Numbers) -> Floats:
    """Return `[T]`: areas on the screen, of either sense."""
    a, b, c = (points[corner] for corner in triangles.T)
    sizes: Floats = 0.5 * np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
    return sizes
