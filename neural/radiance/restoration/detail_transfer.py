# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring without a network: the photo's fine detail, carried over the head's surface onto a rendered view.

A point of the head is a pixel of the photo and a pixel of the view. What is finer than a share of the distance between
the eyes is taken from the photo where both see the point well and its neighbourhood has not changed its shape; all that
is coarser (light, colour) stays the view's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ....tracking.datasets.rasteriser import PlainRasteriser
from ....tracking.detection.landmarks import LEFT_IRIS, RIGHT_IRIS
from ....tracking.heads.shading import vertex_normals
from ....tracking.photos.photo_surface import eroded, eyelids, inside_mouth, links, region, sampled, smooth, visible

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Booleans, Floats, Image, Integers
    from ....tracking.heads.camera import PinholeCamera
    from ....tracking.heads.head import MorphableHead

FINE = 0.07
"""Deviation of the blur that tells coarse from fine, against the distance between the eyes in the picture."""
GRAZING, FACING = 0.2, 0.6
"""Cosines between normal and view: below the first a point is not seen, above the second it is seen well."""
STRETCH = 0.35
"""Change of a triangle's size (logarithms of its two stretches, added) after which detail fades to 1 / e."""
MOVED = 0.003
"""Metres after which detail of eyes, lids and lips does: their shadows and seams stay behind when they move."""
EVENED = 3
"""Rounds in which neighbouring vertices share their weights, so that no edge shows."""
SURELY_PERSON = 0.9
"""Matte from which a pixel of the photo is the person's."""


@dataclass(frozen=True)
class PosedPhoto:
    """A photo, and the head that was solved from it.

    Attributes:
        head: the head's topology, regions and landmarks.
        vertices: `[V, 3]` of the photo, metres in camera space; camera: of the window.
        window: `[S, S, 3]` RGB uint8; matte: `[S, S]` 0 to 1.
        pixels: `[V, 2]` where the window shows the vertices, (0.5, 0.5) being the centre of the first pixel: the
            projected vertices, or `PhotoSurface.source`, which lies on the photo's landmarks.
    """

    head: MorphableHead
    vertices: Floats
    camera: PinholeCamera
    window: Image
    matte: Floats
    pixels: Floats


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

    def restore(self, picture: Image, vertices: Floats, camera: PinholeCamera) -> Image:
        """Return a view with the photo's detail; see `Restorer`. It is unchanged where the photo shows nothing."""
        view_eyes = eye_distance(camera.project(vertices), self._photo.head.landmarks)
        photo_eyes = eye_distance(self._photo.pixels, self._photo.head.landmarks)
        places, weight = self._drawn(vertices, camera)
        photo = looked_up(self._photo.window, places, min(1.0, view_eyes / photo_eyes))
        blur = max(0.5, FINE * view_eyes)
        detail = fine(photo, weight > 0, blur) - fine(picture.astype(np.float32), weight > 0, blur)
        share = faded(weight, blur / 2)[..., None]
        restored: Image = np.clip(picture + share * detail + 0.5, 0, 255).astype(np.uint8)
        return np.where(share > 0, restored, picture)

    def _drawn(self, vertices: Floats, camera: PinholeCamera) -> tuple[Floats, Floats]:
        """Return where in the photo each pixel of a view is, `[H, W, 2]`, and how far to trust it, `[H, W]` 0 to 1."""
        side = max(camera.width, camera.height)
        if self._rasteriser is None or self._rasteriser.size != side:
            self.close()
            self._rasteriser = PlainRasteriser(side)
        square = camera.padded(0, 0, side - camera.width, side - camera.height)
        values = np.zeros((len(vertices), 8), np.float32)
        values[:, :2], values[:, 2] = self._photo.pixels, self._weights(vertices)
        drawn = self._rasteriser.draw(square.clip(vertices), values, self._photo.head.triangles)[0]
        drawn = drawn[: camera.height, : camera.width]
        return drawn[..., :2], drawn[..., 2]

    def _weights(self, vertices: Floats) -> Floats:
        """Return `[V]` 0 to 1: seen well in both, and not deformed between them."""
        head = self._photo.head
        seen = self._seen * smooth(facing(vertices, head.triangles), GRAZING, FACING)
        distance = stretch(self._photo.vertices, vertices, head.triangles) / STRETCH
        moved = np.linalg.norm(vertices - rigidly_moved(self._photo.vertices, vertices), axis=-1)
        weight = seen * np.exp(-distance - self._fragile * moved / MOVED)
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


def stretch(before: Floats, after: Floats, triangles: Integers) -> Floats:
    """Return `[V]`: how much the triangles about each vertex changed their shape from `before` to `after`, `[V, 3]`.

    Of a triangle: the absolute logarithms of its two principal stretches, added; turning and moving count nothing. Of a
    vertex: the largest of its triangles'.
    """
    shape = np.linalg.inv(in_plane(before, triangles))
    gradient = in_plane(after, triangles) @ shape
    size = (gradient**2).sum((1, 2))
    area = np.abs(np.linalg.det(gradient))
    apart = np.sqrt(np.maximum(size**2 - 4 * area**2, 0))
    large, small = np.sqrt((size + apart) / 2), np.sqrt(np.maximum((size - apart) / 2, 1e-12))
    change = (np.abs(np.log(large)) + np.abs(np.log(small))).astype(np.float32)
    most = np.zeros(len(before), np.float32)
    np.maximum.at(most, triangles.ravel(), np.repeat(change, 3))
    return most


def in_plane(vertices: Floats, triangles: Integers) -> Floats:
    """Return `[T, 2, 2]`: two edges of each triangle, as columns, in a frame of its own plane."""
    corners = vertices[triangles].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.maximum(np.linalg.norm(first, axis=-1), 1e-9)
    along = np.einsum("ta,ta->t", first, second) / length
    across = np.maximum(np.linalg.norm(np.cross(first, second), axis=-1) / length, 1e-9)
    edges: Floats = np.stack([np.stack([length, along], -1), np.stack([np.zeros_like(length), across], -1)], 1)
    return edges


def rigidly_moved(before: Floats, after: Floats) -> Floats:
    """Return `before [V, 3]`, turned and moved as a whole to lie best on `after [V, 3]` (Kabsch)."""
    middle, target = before.mean(0), after.mean(0)
    left, _, right = np.linalg.svd((before - middle).T @ (after - target))
    mirrored = np.sign(np.linalg.det(left @ right))
    moved: Floats = (before - middle) @ (left * [1, 1, mirrored]) @ right + target
    return moved


def eye_distance(pixels: Floats, landmarks: Integers) -> float:
    """Return the pixels between the irises, of the vertices' `pixels [V, 2]`; at least 1."""
    left, right = pixels[landmarks[list(LEFT_IRIS)]].mean(0), pixels[landmarks[list(RIGHT_IRIS)]].mean(0)
    return max(1.0, float(np.linalg.norm(left - right)))


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
    """Return weights `[H, W]` that fade to 0 inside their edge instead of ending there."""
    reach = cv2.distanceTransform((weight > 0).astype(np.uint8), cv2.DIST_L2, 3)
    return weight * smooth(reach, 0, 2 * way)
