# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait as a relief: how far each place of the photo is, and how far it follows the head.

Where the solved head is seen it says the depth. Hair beyond it, ears and neck are blown up to a round shape, from the
head to their outline, which lies in a plane behind the ears.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from ..datasets.rasteriser import PlainRasteriser
from ..heads.rotations import to_angles
from ..performances.maps import frame_vertices
from .photo_surface import sampled, smooth

if TYPE_CHECKING:
    from ..heads.arrays import Floats
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

BEYOND = 0.15
"""The relief reaches past the window by this share of its side: there the photo's edge goes on."""

SMOOTH_OUTLINE = 0.008
"""Deviation of the blur, as a share of the window's side, after which the outline is round enough for a relief."""

OUTLINE_BEHIND = 0.025
"""Metres, in head space, from the middle between the ears back to the plane of the outline: a skull is widest there."""

ROUNDNESS, RIM = 0.03, 3.0
"""Radius in metres with which the relief is round at the outline, and for how many steps of the grid, ever less."""

SEEN_FLAT = (0.25, 0.7)
"""Cosines between normal and view between which the head says the depth ever more surely."""

BESIDE_HEAD, EVENED = 0.008, 4.0
"""Metres beside the head's own outline within which the photo's outline is as near as that, and the deviation, in steps
of the grid, of the blur that evens this along the outline."""

TURNED_AWAY = (8.0, 18.0)
"""Degrees of yaw between which the head's own outline is believed. Seen from the front, hair, ears and neck are the
photo's outline, and cheeks that are nearer say nothing of them."""

HELD, HELD_AT_RIM, SURE = 3.0, 20.0, 1e4
"""How much more a known value counts than the likeness of neighbours: on the head, at the outline, and where it is
certain."""

CHIN, FOREHEAD, LIPS, EARS = 152, 10, (13, 14), (234, 454)
"""MediaPipe landmarks."""

BODY_BELOW = 0.4
"""The body stays where it is from this share of the face's height below the chin."""


def relief_depth(
    head: MorphableHead, still: Performance, facing: Floats, inwards: Floats, nodes: Floats, camera: PinholeCamera
) -> tuple[Floats, Floats]:
    """Return how far is what the photo shows at the pixels `nodes [h, w, 2]`, a regular grid.

    The first is `[h, w]` metres from the camera, the second `[h, w]` metres by which the outline beside a place is
    nearer than the plane behind the ears.

    The square of the height above the outline's plane is harmonic between the head and the outline: so what is blown
    up ends as round as a ball.

    Args:
        head, still: the head and its one frame.
        facing: `[V]` cosine between the head's normals and the view.
        inwards: `[h, w]` pixels from the outline; 0 or less outside.
        nodes, camera: pixels of the window that the camera sees.
    """
    plane = outline_plane(head, still, nodes, camera)
    depth, turned = seen_head(head, still, facing, nodes, camera)
    rim = 2 * ROUNDNESS * np.maximum(inwards, 0) * plane / camera.fx
    yaw = np.degrees(np.abs(to_angles(still.rotation[:1])[0, 1]))
    beside = smooth(yaw, *TURNED_AWAY) * height_beside(plane, depth, camera)
    rim = rim + beside**2
    at_rim = np.clip(1 - inwards / (RIM * float(nodes[0, 1, 0] - nodes[0, 0, 0])), 0, 1) ** 2
    trust_rim, trust_head = np.where(inwards > 0, HELD_AT_RIM * at_rim, SURE), HELD * smooth(turned, *SEEN_FLAT)
    trust_head = np.where(inwards > 0, trust_head * (1 - at_rim), 0)
    trust = trust_rim + trust_head
    height = (trust_rim * rim + trust_head * np.maximum(plane - depth, 0) ** 2) / np.maximum(trust, 1e-9)
    squared = harmonic(height, trust)
    depth_there: Floats = (plane - np.sqrt(np.maximum(squared, 0))).astype(np.float32)
    return depth_there, beside


def height_beside(plane: Floats, depth: Floats, camera: PinholeCamera) -> Floats:
    """Return `[h, w]` metres: by how much the head's own outline, where it is near, is nearer than the plane `[h, w]`.

    Of a face seen from the side the cheek is the outline. `depth [h, w]` is 0 beside the head.
    """
    on_head = depth > 0
    if not on_head.any():
        return np.zeros_like(plane)
    distance, nearest = distance_transform_edt(~on_head, return_indices=True)
    height = (plane - depth)[tuple(nearest)]
    step = float(plane.mean()) / camera.fx * camera.width * (1 + 2 * BEYOND) / (len(plane) - 1)
    beside = height * np.exp(-((distance * step / BESIDE_HEAD) ** 2))
    even: Floats = cv2.GaussianBlur(np.maximum(beside, 0), (0, 0), EVENED)
    return even


def outline_plane(head: MorphableHead, still: Performance, nodes: Floats, camera: PinholeCamera) -> Floats:
    """Return `[...]` metres from the camera: where the rays through `nodes [..., 2]` meet the plane of the outline."""
    forward = still.rotation[0][:, 2]
    ears = head.neutral(still.identity)[head.landmarks[list(EARS)], 2].mean()
    depth: Floats = (ears + OUTLINE_BEHIND + still.translation[0] @ forward) / (rays(nodes, camera) @ forward)
    return depth


def rays(pixels: Floats, camera: PinholeCamera) -> Floats:
    """Return `[..., 3]`: what is seen at `pixels [..., 2]`, one metre away."""
    flat = (pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    seen: Floats = np.concatenate([flat, np.ones_like(flat[..., :1])], -1)
    return seen


def seen_head(
    head: MorphableHead, still: Performance, facing: Floats, nodes: Floats, camera: PinholeCamera
) -> tuple[Floats, Floats]:
    """Return `[h, w]` metres from the camera, and `[h, w]` of `facing [V]`, at `nodes [h, w, 2]`; 0 beside the head."""
    vertices = frame_vertices(head, still, 0)
    values = np.zeros((len(vertices), 8), np.float32)
    values[:, 0], values[:, 1] = vertices[:, 2], facing
    with PlainRasteriser(camera.width) as rasteriser:
        drawn = rasteriser.draw(camera.clip(vertices), values, head.triangles)[0]
    x, y = np.floor(nodes).astype(np.float32).transpose(2, 0, 1)
    depth, turned = (cv2.remap(np.ascontiguousarray(drawn[..., i]), x, y, cv2.INTER_NEAREST) for i in (0, 1))
    return depth, turned


def share_of_head(matte: Floats, marks: Floats, nodes: Floats) -> Floats:
    """Return `[h, w]`, 0 to 1: how far what is seen at `nodes [h, w, 2]` follows the head; the body stays.

    Hair and face follow wholly, the neck the less the farther it is from them.

    Args:
        matte: `[S, S]` of the window, 0 to 1.
        marks: `[478, 2]` landmarks in the window.
        nodes: the grid.
    """
    face = np.zeros(matte.shape, np.float32)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(marks).astype(np.int32)), 1.0)
    on_face = sampled(face, nodes.reshape(-1, 2)).reshape(nodes.shape[:2]) > 0.5
    wholly = on_face | (nodes[..., 1] < marks[LIPS, 1].mean())
    still = nodes[..., 1] > body_line(marks)
    share = harmonic(wholly.astype(np.float64), np.where(wholly | still, SURE, 0))
    return np.clip(share, 0, 1).astype(np.float32)


def distance_inwards(matte: Floats) -> Floats:
    """Return `[B, B]`: pixels from the outline of `matte [S, S]`, smooth, above 0 inside.

    It is larger than the window by `BEYOND` at each side, where the outline goes on.
    """
    beyond = round(BEYOND * len(matte))
    wide = cv2.copyMakeBorder(matte, beyond, beyond, beyond, beyond, cv2.BORDER_REPLICATE)
    person = (cv2.GaussianBlur(wide, (0, 0), SMOOTH_OUTLINE * len(matte)) > 0.5).astype(np.uint8)
    inside, outside = (
        np.minimum(cv2.distanceTransform(part, cv2.DIST_L2, 5), len(matte)) for part in (person, 1 - person)
    )
    distance: Floats = cv2.GaussianBlur(inside - outside, (0, 0), SMOOTH_OUTLINE * len(matte))
    return distance


def beyond_window(picture: Floats, pixels: Floats) -> Floats:
    """Return `[...]` of a picture `[B, B]`, larger than the window by `BEYOND`, at `pixels [..., 2]` of the window."""
    beyond = round(len(picture) * BEYOND / (1 + 2 * BEYOND))
    return sampled(picture, (pixels + beyond).reshape(-1, 2).astype(np.float32)).reshape(pixels.shape[:-1])


def in_head(points: Floats, still: Performance) -> Floats:
    """Return points `[N, 3]` of the photo's camera space in head space."""
    there: Floats = ((points - still.translation[0]) @ still.rotation[0]).astype(np.float32)
    return there


def body_line(marks: Floats) -> float:
    """Return the row below which the body stays; `marks [478, 2]` are the landmarks in the window."""
    return float(marks[CHIN, 1] + BODY_BELOW * (marks[CHIN, 1] - marks[FOREHEAD, 1]))


def harmonic(values: Floats, trust: Floats) -> Floats:
    """Return `[h, w]`: the mean of the neighbours, drawn to `values [h, w]` as strongly as their `trust [h, w]` says.

    Example:
        >>> harmonic(np.array([[0.0, 0.0, 0.0, 3.0]]), np.array([[1e9, 0.0, 0.0, 1e9]])).round(3)
        array([[0., 1., 2., 3.]])
    """
    index = np.arange(values.size).reshape(values.shape)
    across, down = (index[:, :-1].ravel(), index[:, 1:].ravel()), (index[:-1].ravel(), index[1:].ravel())
    first = np.concatenate([across[0], across[1], down[0], down[1]])
    second = np.concatenate([across[1], across[0], down[1], down[0]])
    diagonal = np.bincount(first, minlength=values.size) + trust.ravel()
    rows, columns = np.concatenate([first, index.ravel()]), np.concatenate([second, index.ravel()])
    entries = np.concatenate([-np.ones(len(first)), diagonal])
    system = coo_array((entries, (rows, columns)), (values.size, values.size)).tocsc()
    solved: Floats = spsolve(system, (trust * values).ravel()).reshape(values.shape)
    return solved
