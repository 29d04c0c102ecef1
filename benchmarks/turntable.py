# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a head in three dimensions when it is turned: holes, needles, and a depth that jumps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..neural.rendering.orbit import seen_from
from ..tracking.heads.camera import PinholeCamera
from ..tracking.mattes.head_region import AROUND_HEAD, outline

if TYPE_CHECKING:
    from ..neural.avatar import Avatar
    from ..protocol.inputs import PosedMesh
    from ..protocol.pictures import Pictures
    from ..tracking.heads.arrays import Floats, Image, Integers
    from ..tracking.heads.head import MorphableHead
    from ..tracking.performances.performance import Performance

BEYOND = 20.0
"""Degrees beyond the footage's own yaw."""
STEPS = 9
ENLARGED = 1.5
"""The pictures show so many times the footage's window, so that a turned head stays within them."""
WITHIN = 4 / 384
"""Share of the picture's side from the outline within which a hole is none."""
SOLID, NOTHING = 0.7, 0.3
"""Alpha below which there is a hole in a head, and from which something is there beside it."""
JUMP = 0.015
"""Metres from the median of 5 x 5 pixels from which a depth is an outlier."""


@dataclass(frozen=True)
class Flaws:
    """Shares of a head's pixels, 0 to 1.

    Attributes:
        holes: within the outline, but not solid.
        needles: farther from the outline than hair, but not empty; as a share of those within.
        jumps: within the outline, with a depth unlike that of the pixels around.
    """

    holes: float
    needles: float
    jumps: float


def turntable(avatar: Avatar, head: MorphableHead, performance: Performance, size: int) -> tuple[Flaws, list[Image]]:
    """Turn a head in three dimensions while it performs.

    Args:
        avatar: the avatar.
        head: its head.
        performance: what it does: `STEPS` frames or more, the first ones of which are used.
        size: pixels of the footage's window.

    Returns:
        The mean flaws, and the pictures `[1.5 size, 1.5 size, 3]` over grey.
    """
    low, high = yaw_range(avatar, performance)
    yaw = np.linspace(low - BEYOND, high + BEYOND, STEPS)
    own = np.degrees(np.arctan2(performance.rotation[:STEPS, 0, 2], performance.rotation[:STEPS, 2, 2]))
    angles = np.stack([0 * yaw, np.radians(yaw - own), 0 * yaw], 1).astype(np.float32)
    neutral, margin = head.neutral(performance.identity), round(performance.camera.width * (ENLARGED - 1) / 2)
    wide = replace(performance.at(slice(0, STEPS)), camera=performance.camera.padded(margin, margin, margin, margin))
    found: list[Flaws] = []
    pictures: list[Image] = []
    for inputs in seen_from(head, wide, angles, round(ENLARGED * size)):
        shown = avatar.render(inputs)
        found.append(flaws(shown, inputs, neutral, head.triangles))
        pictures.append(over_grey(shown))
    means = np.mean([[each.holes, each.needles, each.jumps] for each in found], 0).tolist()
    return Flaws(*means), pictures


def yaw_range(avatar: Avatar, performance: Performance) -> tuple[float, float]:
    """Return the least and the greatest yaw, degrees, that training saw; of the performance where it is not known."""
    known = avatar.metadata.ranges.get("rotation")
    if known:
        return float(np.degrees(known.low[1])), float(np.degrees(known.high[1]))
    yaw = np.degrees(np.arctan2(performance.rotation[:, 0, 2], performance.rotation[:, 2, 2]))
    return float(yaw.min()), float(yaw.max())


def flaws(shown: Pictures, inputs: PosedMesh, neutral: Floats, triangles: Integers) -> Flaws:
    """Return what is wrong with one picture of a posed head whose shape at rest is `neutral [V, 3]`."""
    assert shown.depth is not None  # heads in three dimensions have one
    alpha, depth = shown.rgba[0, ..., 3].astype(np.float32) / 255, shown.depth[0]
    fx, fy, cx, cy, width, height = inputs.camera[0].tolist()
    camera = PinholeCamera(fx, fy, cx, cy, round(width), round(height))
    vertices = inputs.vertices[0]
    around = AROUND_HEAD * fx / float(vertices[:, 2].mean())
    inner = outline(vertices, neutral, triangles, camera, shrunk=WITHIN * width)
    outer = outline(vertices, neutral, triangles, camera, grown=around + WITHIN * width)
    above_chin = np.arange(len(alpha))[:, None] <= np.flatnonzero(inner.any(1)).max(initial=0)
    unlike = np.abs(depth - cv2.medianBlur(np.ascontiguousarray(depth, np.float32), 5)) > JUMP
    solid = inner & (alpha >= SOLID)
    return Flaws(
        holes=float((alpha[inner] < SOLID).mean()),
        needles=float(((alpha > NOTHING) & ~outer & above_chin).sum() / max(1, inner.sum())),
        jumps=float(unlike[solid].mean()) if solid.any() else 1.0,
    )


def over_grey(shown: Pictures) -> Image:
    """Return the first picture over grey: RGB uint8 `[H, W, 3]`."""
    rgba = shown.rgba[0].astype(np.float32)
    alpha = rgba[..., 3:] / 255
    return np.round(rgba[..., :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)
