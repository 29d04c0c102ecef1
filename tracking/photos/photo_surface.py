# SPDX-License-Identifier: GPL-3.0-or-later
"""The solved head as a surface that carries a photo: where each vertex finds its colour, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from ..datasets.rasteriser import PlainRasteriser
from ..detection.landmarks import LEFT_IRIS, OVAL, RIGHT_IRIS
from ..heads.head import BLINKS, MorphableHead
from ..heads.shading import shade, vertex_normals
from ..performances.maps import frame_vertices
from .photo_light import PhotoLight
from .thin_plate import spline

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Floats, Image, Integers, Numbers
    from ..heads.camera import PinholeCamera
    from ..performances.performance import Performance

DEPTH_TOLERANCE = 0.001
"""Metres that a vertex may lie behind the nearest surface and still count as seen."""

GRAZING, FACING = 0.35, 0.6
"""Cosines between normal and view: below the first the photo is not trusted, above the second it is."""

HARDLY_SEEN = (0.2, 0.5)
"""Cosines between which the photo of a place gives way to the photo of its twin on the other side of the face."""

BROAD, BOTH_SEEN = 0.008, 0.3
"""Deviation of the blur, in windows, after which both sides' colours are compared, where they are seen so well."""

UNLIKE = (25.0, 50.0)
"""Steps of colour, of 255, between which the other side shows what this one has not: a strand of hair, a shadow."""

MIRROR_GAINS, EVENED = (0.6, 1.6), 8
"""Bounds of how much brighter one side of a face is than the other, and rounds in which this is evened."""

FEATHER = 0.018
"""Metres over which the surface fades out towards the edge of the face region."""

FACING_LANDMARK = 0.35
"""Landmarks that face the camera less than this slide along the outline, and pin nothing."""

PIN_SOFTNESS = 1e-4
"""How far the mesh may miss the landmarks to stay smooth."""

SPREADING = 150
"""Rounds in which colours spread from seen to unseen vertices."""

LIDS_MOVE = 0.12
"""A vertex that blinking moves by more than this share of the largest movement belongs to an eyelid."""

RING_WIDTH = 6
"""Degrees of an eyeball about its line of sight that share a colour where the photo does not show them."""

SHADED_WHITE = 0.85
"""Brightness, against what the photo shows, of the white of the eye that lids hide in it."""

ABOUT_LIDS = 0.015
"""Metres around the lids in which the surface stays opaque."""

INSIDE_LIPS = 0.75
"""Brightness of the lips' inside against what the photo shows of them."""

MOUTH_DEPTH = 0.05
"""Metres behind the teeth (or the lips, for a head without teeth) at which the mouth is dark."""

TEETH_BEHIND_LIPS = 0.006
"""Metres, for a head without teeth."""


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
        mirrored: `[V, 2]` pixels where the photo shows the other side of the face.
        from_mirror: `[V]` 0 to 1: share of the photo's colour that is taken from there.
        mirror_gain: `[V, 3]` by how much the own side is brighter than the other, in each colour.
        inner: `[V]` bool: eyes, lids, lips and the inside of the mouth, which hide and show.
        light: of the photo.
    """

    source: Floats
    depth: Floats
    trust: Floats
    colour: Floats
    opacity: Floats
    facing: Floats
    mirrored: Floats
    from_mirror: Floats
    mirror_gain: Floats
    inner: Booleans
    light: PhotoLight


def photo_surface(
    head: MorphableHead,
    still: Performance,
    window: Image,
    matte: Floats,
    landmarks: Floats,
    camera: PinholeCamera,
) -> PhotoSurface:
    """Lay a photo over the head that was solved from it.

    Args:
        head, still: the head and its one frame.
        window: `[S, S, 3]`, the part of the photo that `camera` sees.
        matte: `[S, S]` of the window, 0 to 1.
        landmarks: `[478, 2]` in pixels of the window.
        camera: intrinsics in pixels of the window.
    """
    vertices = frame_vertices(head, still, 0)
    projected = camera.project(vertices).astype(np.float32)
    normals = vertex_normals(vertices, head.triangles)
    facing = -np.einsum("va,va->v", normals, vertices / np.linalg.norm(vertices, axis=-1, keepdims=True))
    source = pinned(head, projected, landmarks, facing, camera.width)
    seen = visible(vertices, projected, head.triangles, camera) & (sampled(matte, source) > 0.5)
    eyes, mouth = region(head, "eyes"), inside_mouth(head)
    lids = eyelids(head)
    skin_trust = seen * smooth(facing, GRAZING - 0.2, FACING - 0.2)
    trust = np.where(eyes, seen * (facing > 0.1), skin_trust).astype(np.float32)
    trust[mouth] = 0
    trust = eroded(trust, links(head.triangles, len(vertices)))
    inner = eyes | mouth | lids | region(head, "lips")
    shown = (smooth(facing, GRAZING, FACING) * seen).astype(np.float32)
    twin = twins(head)
    usable = smooth(facing, *HARDLY_SEEN) * seen
    colours = sampled(window, source)
    light = PhotoLight.of(*skin(head, inner, trust, colours, normals))
    guess = unseen_colours(head, still, colours, trust, normals)
    broad = sampled(cv2.GaussianBlur(window, (0, 0), BROAD * len(window)), source)
    gain = mirror_gain(broad, broad[twin], np.minimum(shown, shown[twin]) > BOTH_SEEN, head.triangles)
    unlike = np.abs(broad[twin] * gain - guess).mean(-1)
    from_mirror = np.where(inner, 0, shown[twin] * (1 - usable) * (1 - smooth(unlike, *UNLIKE))).astype(np.float32)
    edge = smooth(distance_to_edge(head), 0, FEATHER) * np.maximum(shown, from_mirror)
    return PhotoSurface(
        source=source,
        depth=vertices[:, 2],
        trust=np.maximum(trust, trust[twin] * from_mirror),
        colour=guess,
        opacity=np.where(inner, 1, np.where(head.uv_mask > 0.5, np.maximum(edge, about(head, lids)), 0)),
        facing=facing.astype(np.float32),
        mirrored=source[twin],
        from_mirror=from_mirror,
        mirror_gain=gain,
        inner=inner,
        light=light,
    )


def mirror_gain(own: Floats, other: Floats, both: Booleans, triangles: Integers) -> Floats:
    """Return `[V, 3]`: the ratio of the colours of a side and the other, `[V, 3]` each, smooth over the face.

    It is known where `both [V]` are seen, and goes on from there.
    """
    linked = links(triangles, len(own))
    ratio = np.where(both[:, None], np.clip((own + 10) / (other + 10), *MIRROR_GAINS), 1).astype(np.float32)
    weight = both.astype(np.float32)
    for _ in range(EVENED):
        total = weight + linked @ weight
        ratio = (ratio * weight[:, None] + linked @ (ratio * weight[:, None])) / np.maximum(total, 1e-6)[:, None]
        weight = np.minimum(total, 1)
    return spread(np.where(weight[:, None] > 0, ratio, 1), weight > 0, triangles)


def twins(head: MorphableHead) -> Integers:
    """Return `[V]`: for each vertex the one nearest to its mirror image on the other side of the head."""
    nearest: Integers = cKDTree(head.mean).query(head.mean * np.array([-1, 1, 1]))[1].astype(np.int32)
    return nearest


def skin(
    head: MorphableHead, inner: Booleans, trust: Floats, colours: Floats, normals: Floats
) -> tuple[Floats, Floats]:
    """Return colours `[N, 3]`, 0 to 255, and normals `[N, 3]` of the skin that a photo shows well.

    Args:
        head: its regions.
        inner, trust: `[V]`, as in `PhotoSurface`.
        colours: `[V, 3]` what the photo shows; normals: `[V, 3]` in camera space.
    """
    shown = (trust > 0.9) & (head.uv_mask > 0.5) & ~inner & ~region(head, "brows")
    return colours[shown], normals[shown]


def pinned(head: MorphableHead, projected: Floats, landmarks: Floats, facing: Floats, size: int) -> Floats:
    """Return `[V, 2]`: `projected [V, 2]`, bent a little so that lids, lips and irises lie on the photo's landmarks."""
    at = head.landmarks
    residual = landmarks - projected[at]
    usable = (facing[at] > FACING_LANDMARK) & ~region(head, "eyes")[at]
    usable[list(OVAL)] = False
    _, usable_once = np.unique(np.where(usable, at, -1), return_index=True)
    marks = usable_once[usable[usable_once]]
    bend = spline(projected[at[marks]] / size, projected / size, PIN_SOFTNESS) @ residual[marks]
    nearness = cKDTree(projected[at[marks]]).query(projected)[0] / size
    source = projected + bend * (1 - smooth(nearness, 0.03, 0.12))[:, None]
    for eyeball, iris in zip(head.eyeballs, (LEFT_IRIS, RIGHT_IRIS), strict=True):
        source[eyeball.start : eyeball.stop] = projected[eyeball.start : eyeball.stop] + residual[list(iris)].mean(0)
    places: Floats = source.astype(np.float32)
    return places


def visible(vertices: Floats, pixels: Floats, triangles: Integers, camera: PinholeCamera) -> Booleans:
    """Return `[V]`: which vertices, with these `pixels [V, 2]`, no surface hides."""
    values = np.zeros((len(vertices), 8), np.float32)
    values[:, 0] = vertices[:, 2]
    with PlainRasteriser(camera.width) as rasteriser:
        depth = rasteriser.draw(camera.clip(vertices), values, triangles)[0][..., 0]
    farthest = cv2.dilate(np.where(depth > 0, depth, 0), np.ones((3, 3), np.uint8))
    nearest = sampled(farthest, pixels)
    in_front: Booleans = (vertices[:, 2] <= nearest + DEPTH_TOLERANCE) | (nearest == 0)
    return in_front


def unseen_colours(head: MorphableHead, still: Performance, photo: Floats, trust: Floats, normals: Floats) -> Floats:
    """Return `[V, 3]` 0 to 255: colours that agree with the photo where it is trusted and go on from there.

    Skin spreads over the mesh. The mouth has the head's own colours in the photo's light; what the photo shows of an
    eyeball goes round its line of sight to the rest.
    """
    own = head.texture(still.texture) * 255
    lit = shade(own / 255, normals) * 255
    skin = (trust > 0.9) & ~inside_mouth(head) & ~region(head, "eyes") & ~region(head, "lips")
    light = np.median(photo[skin], 0) / np.maximum(np.median(lit[skin], 0), 1) if skin.any() else np.ones(3)
    mouth = inside_mouth(head)
    known = (trust > 0.5) & ~eyelids(head) & ~mouth
    colour = spread(np.where(known[:, None], photo, lit * light), known, head.triangles)
    colour[mouth] = (own * np.clip(light, 0.3, 1.3))[mouth] * mouth_shade(head)[mouth, None]
    hidden_lips = (region(head, "lips") & ~known) | before_teeth(head)
    colour[hidden_lips] = lip_colour(head, photo, known, colour) * INSIDE_LIPS
    for eyeball in head.eyeballs:
        span = slice(eyeball.start, eyeball.stop)
        colour[span] = eyeball_colours(head.mean[span], own[span] * light.mean(), photo[span], trust[span])
    return np.clip(colour, 0, 255).astype(np.float32)


def before_teeth(head: MorphableHead) -> Booleans:
    """Return `[V]`: the walls of the mouth in front of the teeth, which are the lips' inside."""
    walls = inside_mouth(head) & ~region(head, "teeth") & ~region(head, "tongue") & ~region(head, "gums")
    before: Booleans = walls & (head.mean[:, 2] < teeth_depth(head))
    return before


def lip_colour(head: MorphableHead, photo: Floats, known: Booleans, colour: Floats) -> Floats:
    """Return `[3]`, 0 to 255: the lips' in `photo [V, 3]`, where `known [V]`, else in `colour [V, 3]`."""
    lips = region(head, "lips")
    shown = photo[lips & known] if (lips & known).any() else colour[lips]
    own: Floats = np.median(shown, 0) if lips.any() else np.zeros(3, np.float32)
    return own


def spread(colour: Floats, known: Booleans, triangles: Integers) -> Floats:
    """Return `[V, 3]`: known colours, and means of neighbours elsewhere; islands without known colours stay."""
    neighbours_of = links(triangles, len(colour))
    weight, total = known.astype(np.float32), np.where(known[:, None], colour, 0).astype(np.float32)
    for _ in range(SPREADING):
        neighbours = neighbours_of @ weight
        mean = (neighbours_of @ total) / np.maximum(neighbours, 1e-6)[:, None]
        reached = np.minimum(1, neighbours)
        weight = np.where(known, 1, reached)
        total = np.where(known[:, None], colour, mean * reached[:, None])
    return np.where(weight[:, None] > 0, total / np.maximum(weight, 1e-6)[:, None], colour)


def links(triangles: Integers, count: int) -> csr_array:
    """Return `[V, V]`: above 0 where two of `count` vertices share an edge."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    return csr_array((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), (count, count))


def eroded(trust: Floats, neighbours_of: csr_array) -> Floats:
    """Return `[V]`: trust that fades towards untrusted vertices instead of ending between them in a zigzag."""
    count = np.maximum(1, neighbours_of.sum(1))
    evened = trust
    for _ in range(2):
        evened = (neighbours_of @ evened) / count
    return (trust * smooth(evened, 0.3, 0.95)).astype(np.float32)


def eyeball_colours(points: Floats, own: Floats, photo: Floats, trust: Floats) -> Floats:
    """Return colours `[n, 3]` of an eyeball: the photo's by the angle from the line of sight, or the head's own."""
    axis = points - points.mean(0)
    forward = np.array([0, 0, -1])
    angle = np.degrees(np.arccos(np.clip(axis @ forward / np.maximum(np.linalg.norm(axis, axis=-1), 1e-9), -1, 1)))
    shown = trust > 0.5
    if shown.sum() < 10:
        return own
    rings = np.round(angle / RING_WIDTH).astype(int)
    result, last = own.copy(), None
    for ring in np.unique(rings):
        seen = (rings == ring) & shown
        if seen.sum() >= 3:
            last = np.median(photo[seen], 0)
        if last is not None:
            result[rings == ring] = last if seen.any() else last * SHADED_WHITE
    return result


def mouth_shade(head: MorphableHead) -> Floats:
    """Return `[V]` 0 to 1: how much light reaches a vertex inside the mouth."""
    return np.clip(1 - (head.mean[:, 2] - teeth_depth(head)) / MOUTH_DEPTH, 0.2, 0.92)


def teeth_depth(head: MorphableHead) -> float:
    """Return z in head space of the teeth's front."""
    teeth, lips = region(head, "teeth"), region(head, "lips")
    if teeth.any():
        return float(np.quantile(head.mean[teeth, 2], 0.05))
    return float(head.mean[lips, 2].mean()) + TEETH_BEHIND_LIPS if lips.any() else float(head.mean[:, 2].min())


def about(head: MorphableHead, vertices: Booleans) -> Floats:
    """Return `[V]`: 1 among `vertices [V]`, fading to 0 around them.

    The sheet behind the face still has the photo's open eyes; nothing of them may show beside a closing lid.
    """
    if not vertices.any():
        return np.zeros(len(head.mean), np.float32)
    distance = cKDTree(head.mean[vertices]).query(head.mean)[0]
    return 1 - smooth(distance, 0.4 * ABOUT_LIDS, ABOUT_LIDS)


def distance_to_edge(head: MorphableHead) -> Numbers:
    """Return `[V]` metres from the nearest vertex outside the face region; 0 outside."""
    inside = head.uv_mask > 0.5
    distance = np.zeros(len(head.mean))
    if (~inside).any():
        distance[inside] = cKDTree(head.mean[~inside]).query(head.mean[inside])[0]
    return distance


def eyelids(head: MorphableHead) -> Booleans:
    """Return `[V]`: the vertices that blinking moves."""
    moved = np.linalg.norm(head.expression_basis[list(BLINKS)], axis=-1).max(0)
    lids: Booleans = (moved > LIDS_MOVE * moved.max()) & ~region(head, "eyes")
    return lids


def inside_mouth(head: MorphableHead) -> Booleans:
    """Return `[V]`: the mouth's inside with teeth and tongue, without lips."""
    return region(head, "mouth") | region(head, "teeth") | region(head, "tongue") | region(head, "gums")


def region(head: MorphableHead, name: str) -> Booleans:
    """Return `[V]` of a region; empty when the head does not have it."""
    return head.regions.get(name, np.zeros(len(head.mean), bool))


def sampled(picture: Numbers, pixels: Floats) -> Floats:
    """Return `[N, C]` (or `[N]`) of a picture at `pixels [N, 2]`, bilinear; its edge goes on outside."""
    values = cv2.remap(
        picture, pixels[None, :, 0] - 0.5, pixels[None, :, 1] - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    samples: Floats = values[0].astype(np.float32)
    return samples


def smooth(values: Numbers | np.floating[Any], low: float, high: float) -> Floats:
    """Return `[...]` of `values [...]`: 0 below `low`, 1 above `high`, with a soft way between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)
