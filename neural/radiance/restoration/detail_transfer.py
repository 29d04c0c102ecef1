# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring without a network: the photo's fine detail, carried over the head's surface onto a rendered view.

A point of the head is a pixel of the photo and a pixel of the view. What is finer than a share of the distance between
the eyes is taken from the photo where both see the point well and its neighbourhood has not changed its shape; all that
is coarser (light, colour) stays the view's. Hair is carried along as a relief that turns with the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ....tracking.datasets.rasteriser import PlainRasteriser
from ....tracking.detection.landmarks import LEFT_IRIS, RIGHT_IRIS
from ....tracking.heads.shading import vertex_normals
from ....tracking.photos.photo_surface import eroded, eyelids, inside_mouth, links, region, sampled, smooth, visible
from .deformation import Stretch, skull, turn_between
from .hair_relief import SURELY_PERSON, hair_relief

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Booleans, Floats, Image, Integers
    from ....tracking.heads.camera import PinholeCamera
    from ....tracking.heads.head import MorphableHead
    from .posed_photo import PosedPhoto

FINE = 0.07
"""Deviation of the blur that tells coarse from fine, against the distance between the eyes in the picture."""
GRAZING, FACING = 0.2, 0.6
"""Cosines between normal and view: below the first a point is not seen, above the second it is seen well."""
STRETCH = 0.35
"""Change of a triangle's size (logarithms of its two stretches, added) after which detail fades to 1 / e."""
MOVED = 0.003
"""Metres after which detail of eyes, lids and lips does: their shadows and seams stay behind when they move."""
HAIR_TURN = np.radians(25)
"""Turn of the head after which detail of the hair fades to 1 / e: the relief is a guess."""
EVENED = 3
"""Rounds in which neighbouring vertices share their weights, so that no edge shows."""


class DetailTransfer:
    """Carries one photo's detail onto views of its head; a `Restorer`. Close it, or use it in a `with` statement."""

    def __init__(self, photo: PosedPhoto) -> None:
        """Prepare a photo.

        Raises:
            UserError: this machine has no OpenGL 3.3 without a window.
        """
        self._photo = photo
        self._links = links(photo.head.triangles, len(photo.vertices))
        self._seen = seen_in_photo(photo)
        self._fragile = fragile(photo.head)
        self._skull = skull(photo.head)
        self._stretch = Stretch(photo.vertices, photo.head.triangles)
        self._hair = hair_relief(photo)
        self._pixels = np.concatenate([photo.pixels, self._hair.pixels])
        self._triangles = np.concatenate([photo.head.triangles, self._hair.triangles + len(photo.vertices)])
        self._rasteriser: PlainRasteriser | None = None

    def __enter__(self) -> DetailTransfer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give OpenGL back."""
        if self._rasteriser:
            self._rasteriser.close()
            self._rasteriser = None

    def restore(self, picture: Image, alpha: Floats, vertices: Floats, camera: PinholeCamera) -> Image:
        """Return a view with the photo's detail; see `Restorer`. It is unchanged where the photo shows nothing."""
        landmarks = self._photo.head.landmarks
        view_eyes = eye_distance(vertices, landmarks, camera)
        photo_eyes = eye_distance(self._photo.vertices, landmarks, self._photo.camera)
        places, weight = self._drawn(vertices, camera)
        weight = weight * alpha
        photo = looked_up(self._photo.window, places, min(1.0, view_eyes / photo_eyes))
        blur = max(0.5, FINE * view_eyes)
        detail = fine(photo - picture, weight > 0, blur)
        share = faded(weight, blur)[..., None]
        restored: Image = np.clip(picture + share * detail + 0.5, 0, 255).astype(np.uint8)
        return np.where(share > 0, restored, picture)

    def _drawn(self, vertices: Floats, camera: PinholeCamera) -> tuple[Floats, Floats]:
        """Return where in the photo each pixel of a view is, `[H, W, 2]`, and how far to trust it, `[H, W]` 0 to 1."""
        side = max(camera.width, camera.height)
        if self._rasteriser is None or self._rasteriser.size != side:
            self.close()
            self._rasteriser = PlainRasteriser(side)
        square = camera.padded(0, 0, side - camera.width, side - camera.height)
        rotation, translation = turn_between(self._photo.vertices[self._skull], vertices[self._skull])
        still = self._photo.vertices @ rotation.T + translation
        hair = self._hair.vertices @ rotation.T + translation
        weights = [self._skin_weights(vertices, still), self._hair.seen * kept_through(rotation)]
        values = np.zeros((len(self._pixels), 8), np.float32)
        values[:, :2], values[:, 2] = self._pixels, np.concatenate(weights)
        clip = square.clip(np.concatenate([vertices, hair.astype(np.float32)]))
        drawn = self._rasteriser.draw(clip, values, self._triangles)[0][: camera.height, : camera.width]
        return drawn[..., :2], drawn[..., 2]

    def _skin_weights(self, vertices: Floats, still: Floats) -> Floats:
        """Return `[V]` 0 to 1: seen well in both, and not deformed; `still` are the photo's vertices, turned along."""
        seen = self._seen * smooth(facing(vertices, self._photo.head.triangles), GRAZING, FACING)
        moved = np.linalg.norm(vertices - still, axis=-1)
        weight = seen * np.exp(-self._stretch.to(vertices) / STRETCH - self._fragile * moved / MOVED)
        count = np.maximum(1, self._links.sum(1))
        for _ in range(EVENED):
            weight = np.minimum(weight, (self._links @ weight) / count)
        evened: Floats = weight.astype(np.float32)
        return evened


def seen_in_photo(photo: PosedPhoto) -> Floats:
    """Return `[V]` 0 to 1: how well the photo shows each vertex of the person; 0 in the mouth."""
    triangles = photo.head.triangles
    in_front = visible(photo.vertices, photo.camera.project(photo.vertices), triangles, photo.camera)
    on_person = smooth(sampled(photo.matte, photo.pixels), 0.5, SURELY_PERSON)
    seen = in_front * on_person * smooth(facing(photo.vertices, triangles), GRAZING, FACING)
    seen[inside_mouth(photo.head)] = 0
    return eroded(seen.astype(np.float32), links(triangles, len(seen)))


def fragile(head: MorphableHead) -> Booleans:
    """Return `[V]`: eyes, lids, lips and the mouth, whose look depends on where they are."""
    found: Booleans = region(head, "eyes") | region(head, "lips") | eyelids(head) | inside_mouth(head)
    return found


def facing(vertices: Floats, triangles: Integers) -> Floats:
    """Return `[V]`: the cosine between each vertex's normal and the way to the camera."""
    towards = -vertices / np.linalg.norm(vertices, axis=-1, keepdims=True)
    cosine: Floats = np.einsum("va,va->v", vertex_normals(vertices, triangles), towards)
    return cosine


def kept_through(rotation: Floats) -> float:
    """Return 0 to 1: how far a relief is trusted after a `rotation [3, 3]`."""
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    return float(np.exp(-((angle / HAIR_TURN) ** 2)))


def eye_distance(vertices: Floats, landmarks: Integers, camera: PinholeCamera) -> float:
    """Return the pixels that the distance between the irises has, seen straight; at least 1."""
    left, right = (vertices[landmarks[list(iris)]].mean(0) for iris in (LEFT_IRIS, RIGHT_IRIS))
    away = max(float(left[2] + right[2]) / 2, 1e-3)
    return max(1.0, float(np.linalg.norm(left - right)) * camera.fx / away)


def looked_up(window: Image, places: Floats, scale: float) -> Floats:
    """Return `[H, W, 3]`: a photo at `places [H, W, 2]`, averaged first where the view is smaller (`scale` below 1)."""
    size = [max(1, round(side * scale)) for side in window.shape[1::-1]]
    smaller = cv2.resize(window, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    x, y = (places[..., axis] * size[axis] / window.shape[1 - axis] - 0.5 for axis in range(2))
    picture: Floats = cv2.remap(smaller, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return picture


def fine(picture: Floats, where: Booleans, blur: float) -> Floats:
    """Return `[H, W, 3]`: what a blur takes away from a picture; pixels that are not `where [H, W]` do not count."""
    inside = where.astype(np.float32)
    weight = cv2.GaussianBlur(inside, (0, 0), blur)
    coarse: Floats = cv2.GaussianBlur(picture * inside[..., None], (0, 0), blur) / np.maximum(weight, 1e-3)[..., None]
    return picture - coarse


def faded(weight: Floats, way: float) -> Floats:
    """Return weights `[H, W]` that fade to 0 over some pixels inside their edge instead of ending there."""
    reach = cv2.distanceTransform((weight > 0).astype(np.uint8), cv2.DIST_L2, 3)
    return weight * smooth(reach, 0, way)
