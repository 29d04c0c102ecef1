# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a person in a photo: the front that it shows, and a rounded back behind the outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .photo_surface import sampled, smooth
from .relief_depth import BEYOND, CHIN, beyond_window, body_line, in_head, outline_plane, rays

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Integers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

HALF_WIDTH, HALF_LENGTH = 0.075, 0.1
"""Metres from the outline in to the middle of the back of a head, and from there back to its hindmost point."""

NAPE_LENGTH = 0.04
"""Metres from the outline of the neck back to its hindmost point."""

UNDER_NOSE = 2
"""MediaPipe landmark from whose height down to the chin's the back of the head becomes the neck's."""

DEEPEST = 0.03
"""Metres from the outline up to which hair is taken for the back of the head."""

RINGS, FARTHEST = 14, np.radians(80)
"""Rings of the back from the outline to where it is hidden in every sensible pose: an angle about its middle."""

CURTAIN, CURTAIN_RINGS = 0.02, 5
"""Metres within the outline, and rings, in which the back also fills what the fringe of the front leaves open."""

OUTSIDE = 0.002
"""Share of the window's side by which the back begins outside of the outline, under the fringe of the front."""

SPACING = 0.006
"""Distance between the points of the outline as a share of the window's side."""


@dataclass(frozen=True)
class Side:
    """A side of the person in the photo: N points.

    Attributes:
        at_rest: `[N, 3]` camera space; in_head: `[N, 3]` the same in head space.
        share: `[N]`, 0 to 1: how far they follow the head.
        places: `[N, 2]` their pixels; source: `[N, 2]` the pixels that they show.
        outwards: `[N, 2]` the direction on the screen to the outline; 0 for the front.
        triangles: `[T, 3]`.
    """

    at_rest: Floats
    in_head: Floats
    share: Floats
    places: Floats
    source: Floats
    outwards: Floats
    triangles: Integers

    @classmethod
    def of(
        cls,
        places: Floats,
        depth: Floats,
        share: Floats,
        triangles: Integers,
        camera: PinholeCamera,
        still: Performance,
        source: Floats | None = None,
        outwards: Floats | None = None,
    ) -> Side:
        """Make a side of `places [N, 2]` and their `depth [N]` in metres; it shows itself unless `source` is given."""
        points = (rays(places, camera) * depth[:, None]).astype(np.float32)
        own = places.astype(np.float32)
        shown = own if source is None else source.astype(np.float32)
        out = np.zeros_like(own) if outwards is None else outwards.astype(np.float32)
        return cls(points, in_head(points, still), share.astype(np.float32), own, shown, out, triangles)


def back_of(
    head: MorphableHead,
    still: Performance,
    inwards: Floats,
    marks: Floats,
    nodes: Floats,
    share: Floats,
    above_plane: Floats,
    camera: PinholeCamera,
) -> Side:
    """Return the back of head and neck: rings within the outline, on an ellipse behind it, after some in its plane.

    What it shows of the hair lies as far from the outline as on the ellipse: so strands keep their width.

    Args:
        head, still, camera: what the photo was solved to.
        inwards: `[B, B]`, `distance_inwards` of the matte.
        marks: `[478, 2]` landmarks in the window.
        nodes, share: `[h, w, 2]` the grid, and `[h, w]` how far it follows the head.
        above_plane: `[h, w]` metres by which the outline is nearer than the plane behind the ears.
    """
    slopes = [cv2.Sobel(inwards, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1))]
    start = outline_of(inwards, camera.width, body_line(marks))
    metre = camera.fx / float(outline_plane(head, still, start, camera).mean())
    curtain = np.linspace(CURTAIN * metre, -OUTSIDE * camera.width, CURTAIN_RINGS)
    angles = np.linspace(0, FARTHEST, RINGS)
    depths = np.concatenate([curtain, HALF_WIDTH * metre * (1 - np.cos(angles))])
    places, towards = rings(start, slopes, depths)
    angle = np.concatenate([np.zeros(CURTAIN_RINGS), angles])[:, None]
    low = smooth(places[..., 1], float(marks[UNDER_NOSE, 1]), float(marks[CHIN, 1]))
    plane = outline_plane(head, still, places, camera)
    nearer = at_grid(above_plane, nodes, start)[None]
    length = nearer + HALF_LENGTH + low * (NAPE_LENGTH - HALF_LENGTH)
    depth = plane - nearer + length * np.sin(angle)
    along = DEEPEST * metre * (1 - np.exp(-HALF_WIDTH / DEEPEST * angle))
    source = places + towards * ((1 - low) * np.maximum(along - np.maximum(depths, 0)[:, None], 0))[..., None]
    flat = places.reshape(-1, 2)
    return Side.of(
        flat,
        depth.ravel(),
        at_grid(share, nodes, flat),
        strips(*places.shape[:2]),
        camera,
        still,
        source.reshape(-1, 2),
        -towards.reshape(-1, 2),
    )


def outline_of(inwards: Floats, size: int, lowest: float) -> Floats:
    """Return `[P, 2]` pixels of the window, of `size` pixels: the longest piece of outline above the row `lowest`."""
    beyond = round(len(inwards) * BEYOND / (1 + 2 * BEYOND))
    contours, _ = cv2.findContours((inwards > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((2, 2), np.float32)
    contour = max(contours, key=len)[:, 0].astype(np.float32) + 0.5 - beyond
    above = contour[:, 1] < lowest
    if not above.all():
        contour = np.roll(contour, -int(np.argmin(above)), 0)
        above = contour[:, 1] < lowest
    piece = contour[above]
    count = max(2, round(len(piece) / (SPACING * size)))
    points: Floats = piece[np.linspace(0, len(piece) - 1, count).astype(int)]
    return points


def rings(start: Floats, slopes: list[Floats], depths: Floats) -> tuple[Floats, Floats]:
    """Return `[R, P, 2]` pixels at so many pixels' depth `[R]` within the outline `start [P, 2]`, and the way inwards.

    `slopes` are the derivatives of the distance from the outline, in x and y, each `[B, B]`.
    """
    places, ways = [], []
    here, reached = start, 0.0
    for depth in depths:
        way = np.stack([beyond_window(slope, here) for slope in slopes], -1)
        way = way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 0.3)
        here, reached = here + way * np.float32(depth - reached), float(depth)
        places.append(here)
        ways.append(way)
    return np.stack(places), np.stack(ways)


def at_grid(values: Floats, nodes: Floats, pixels: Floats) -> Floats:
    """Return `[N]`: `values [h, w]` of the regular grid `nodes [h, w, 2]` at `pixels [N, 2]`."""
    step = float(nodes[0, 1, 0] - nodes[0, 0, 0])
    return sampled(values, ((pixels - nodes[0, 0]) / step + 0.5).astype(np.float32))


def strips(rows: int, columns: int) -> Integers:
    """Return `[T, 3]`: the triangles between the points of neighbouring rows."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    triangles: Integers = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).astype(np.int32)
    return triangles
