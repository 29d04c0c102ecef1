# SPDX-License-Identifier: GPL-3.0-or-later
"""The solved head as a surface that carries a photo: where each vertex finds its colour, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.spatial import cKDTree

from .heads.camera import PinholeCamera
from .heads.head import ARKIT_NAMES, Floats, Integers, MorphableHead
from .heads.maps import frame_vertices
from .heads.performance import Performance
from .heads.shading import shade, vertex_normals
from .rasteriser import PlainRasteriser

Pixels = NDArray[np.uint8]

DEPTH_TOLERANCE = 0.003
"""Metres that a vertex may lie behind the nearest surface and still count as seen."""

GRAZING, FACING = 0.35, 0.6
"""Cosines between normal and view: below the first the photo is not trusted, above the second it is."""

FEATHER = 0.018
"""Metres over which the surface fades out towards the edge of the face region."""

SPREADING = 150
"""Rounds in which colours spread from seen to unseen vertices."""

LIDS_MOVE = 0.25
"""A vertex that blinking moves by more than this share of the largest movement belongs to an eyelid."""

MOUTH_DEPTH = 0.025
"""Metres behind the lips at which the mouth is dark."""


@dataclass(frozen=True)
class PhotoSurface:
    """What the head's vertices know of the photo, for the window that the photo was cut to.

    Attributes:
        source: `[V, 2]` pixels of the window; (0.5, 0.5) is the centre of the first.
        depth: `[V]` metres from the camera.
        trust: `[V]` 0 to 1: share of the photo's colour; the rest is `colour`.
        colour: `[V, 3]` 0 to 255: what the photo does not show, guessed.
        opacity: `[V]` 0 to 1: 0 where the surface gives way to the sheet behind it.
        facing: `[V]` cosine between normal and view in the photo.
        inner: `[V]` bool: eyes, lids and the inside of the mouth, which hide and show.
    """

    source: Floats
    depth: Floats
    trust: Floats
    colour: Floats
    opacity: Floats
    facing: Floats
    inner: NDArray[np.bool_]


def photo_surface(
    head: MorphableHead, still: Performance, window: Pixels, matte: Floats, camera: PinholeCamera
) -> PhotoSurface:
    """Lay a photo over the head that was solved from it.

    Args:
        head, still: the head and its one frame.
        window: `[S, S, 3]`, the part of the photo that `camera` sees.
        matte: `[S, S]` of the window, 0 to 1.
        camera: intrinsics in pixels of the window.
    """
    vertices = frame_vertices(head, still, 0)
    source = camera.project(vertices).astype(np.float32)
    normals = vertex_normals(vertices, head.triangles)
    facing = -np.einsum("va,va->v", normals, vertices / np.linalg.norm(vertices, axis=-1, keepdims=True))
    seen = visible(vertices, source, head.triangles, camera) & (sampled(matte, source) > 0.5)
    eyes, mouth = region(head, "eyes"), inside_mouth(head)
    lids = eyelids(head)
    skin_trust = seen * smooth(facing, GRAZING - 0.2, FACING - 0.2)
    trust = np.where(eyes | mouth, seen * (facing > 0.1), skin_trust).astype(np.float32)
    inner = eyes | mouth | lids
    edge = smooth(distance_to_edge(head), 0, FEATHER) * smooth(facing, GRAZING, FACING) * seen
    return PhotoSurface(
        source=source,
        depth=vertices[:, 2],
        trust=trust,
        colour=unseen_colours(head, still, sampled(window, source), trust, normals),
        opacity=np.where(inner, 1, np.where(head.uv_mask > 0.5, edge, 0)).astype(np.float32),
        facing=facing.astype(np.float32),
        inner=inner,
    )


def visible(vertices: Floats, pixels: Floats, triangles: Integers, camera: PinholeCamera) -> NDArray[np.bool_]:
    """Return `[V]`: which vertices, with these `pixels [V, 2]`, no surface hides."""
    values = np.zeros((len(vertices), 8), np.float32)
    values[:, 0] = vertices[:, 2]
    with PlainRasteriser(camera.width) as rasteriser:
        depth = rasteriser.draw(camera.clip(vertices), values, triangles)[..., 0]
    farthest = cv2.dilate(np.where(depth > 0, depth, 0), np.ones((3, 3), np.uint8))
    nearest = sampled(farthest, pixels)
    return (vertices[:, 2] <= nearest + DEPTH_TOLERANCE) | (nearest == 0)


def unseen_colours(head: MorphableHead, still: Performance, photo: Floats, trust: Floats, normals: Floats) -> Floats:
    """Return `[V, 3]` 0 to 255: colours that agree with the photo where it is trusted and go on from there.

    Skin spreads over the mesh. Eyeballs and the mouth have the head's own colours in the photo's light; what the photo
    shows of an eyeball is turned about its axis to the rest.
    """
    own = head.texture(still.texture) * 255
    lit = shade(own / 255, normals) * 255
    skin = (trust > 0.9) & ~inside_mouth(head) & ~region(head, "eyes") & ~region(head, "lips")
    light = np.median(photo[skin], 0) / np.maximum(np.median(lit[skin], 0), 1) if skin.any() else np.ones(3)
    colour = spread(np.where(trust[:, None] > 0.5, photo, lit * light), trust > 0.5, head.triangles)
    mouth = inside_mouth(head)
    colour[mouth] = (own * np.clip(light, 0.3, 1.3))[mouth] * mouth_shade(head)[mouth, None]
    for eyeball in head.eyeballs:
        span = slice(eyeball.start, eyeball.stop)
        colour[span] = eyeball_colours(head.mean[span], own[span] * light.mean(), photo[span], trust[span])
    return np.clip(colour, 0, 255).astype(np.float32)


def spread(colour: Floats, known: NDArray[np.bool_], triangles: Integers) -> Floats:
    """Return `[V, 3]`: known colours, and means of neighbours elsewhere; islands without known colours stay."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    count = len(colour)
    links = coo_array((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    weight, total = known.astype(np.float32), np.where(known[:, None], colour, 0).astype(np.float32)
    for _ in range(SPREADING):
        neighbours = links @ weight
        mean = (links @ total) / np.maximum(neighbours, 1e-6)[:, None]
        reached = np.minimum(1, neighbours)
        weight = np.where(known, 1, reached)
        total = np.where(known[:, None], colour, mean * reached[:, None])
    return np.where(weight[:, None] > 0, total / np.maximum(weight, 1e-6)[:, None], colour)


def eyeball_colours(points: Floats, own: Floats, photo: Floats, trust: Floats) -> Floats:
    """Return colours `[n, 3]` of an eyeball: the photo's by the angle from the line of sight, or the head's own."""
    axis = points - points.mean(0)
    forward = np.array([0, 0, -1])
    angle = np.degrees(np.arccos(np.clip(axis @ forward / np.maximum(np.linalg.norm(axis, axis=-1), 1e-9), -1, 1)))
    shown = trust > 0.5
    if shown.sum() < 10:
        return own
    rings = np.round(angle / 6).astype(int)
    result = own.copy()
    for ring in np.unique(rings):
        of_ring, seen = rings == ring, (rings == ring) & shown
        if seen.sum() >= 3:
            result[of_ring] = np.median(photo[seen], 0)
    return result


def mouth_shade(head: MorphableHead) -> Floats:
    """Return `[V]` 0 to 1: how much light reaches a vertex inside the mouth."""
    lips = region(head, "lips")
    front = head.mean[lips, 2].mean() if lips.any() else head.mean[:, 2].min()
    return np.clip(1 - (head.mean[:, 2] - front) / MOUTH_DEPTH, 0.12, 0.9)


def distance_to_edge(head: MorphableHead) -> Floats:
    """Return `[V]` metres from the nearest vertex outside the face region; 0 outside."""
    inside = head.uv_mask > 0.5
    distance = np.zeros(len(head.mean))
    if (~inside).any():
        distance[inside] = cKDTree(head.mean[~inside]).query(head.mean[inside])[0]
    return distance


def eyelids(head: MorphableHead) -> NDArray[np.bool_]:
    """Return `[V]`: the vertices that blinking moves."""
    blinks = [ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    moved = np.linalg.norm(head.expression_basis[blinks], axis=-1).max(0)
    return (moved > LIDS_MOVE * moved.max()) & ~region(head, "eyes")


def inside_mouth(head: MorphableHead) -> NDArray[np.bool_]:
    """Return `[V]`: the mouth's inside with teeth and tongue, without lips."""
    return region(head, "mouth") | region(head, "teeth") | region(head, "tongue") | region(head, "gums")


def region(head: MorphableHead, name: str) -> NDArray[np.bool_]:
    """Return `[V]` of a region; empty when the head does not have it."""
    return head.regions.get(name, np.zeros(len(head.mean), bool))


def sampled(picture: NDArray, pixels: Floats) -> Floats:
    """Return `[N, C]` (or `[N]`) of a picture at `pixels [N, 2]`, bilinear; its edge goes on outside."""
    values = cv2.remap(
        picture, pixels[None, :, 0] - 0.5, pixels[None, :, 1] - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return values[0].astype(np.float32)


def smooth(values: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, with a soft way between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)
