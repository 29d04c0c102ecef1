# SPDX-License-Identifier: GPL-3.0-or-later
"""What each point of a head of splats carries: the attributes that Blender draws, and those that bind it to the head.

Pure NumPy. Everything is in the armature's axes (see `axes`); what lies in a triangle's frame is the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import axes

if TYPE_CHECKING:
    from ...protocol.splats import SplatCloud
    from ...tracking.heads.arrays import Numbers

POSITION, ROTATION, SCALE, BASE = "position", "rotation", "scale", "radiance:base"
"""Blender's own: metres; quaternion; standard deviations in metres; spherical harmonics of degree 0 and opacity."""
CORNERS = ("semblance_corner_1", "semblance_corner_2", "semblance_corner_3")
WEIGHTS = "semblance_weights"
OFFSET = "semblance_offset"
REST_SCALE = "semblance_scale"
REST_SIZE = "semblance_size"
TURN = "semblance_turn"
"""Of a splat: vertices of its triangle, their weights, offset in its frame, scales and triangle's size at rest, and
rotation in its frame."""
DISPLACEMENT = "semblance_displacement"
"""Of a vertex of the head: metres by which the surface that carries the splats differs from it."""


class PointValues(NamedTuple):
    """An attribute of points: Blender's type, the field that holds it, and the values `[N]` or `[N, C]`."""

    type: str
    field: str
    values: Numbers


def point_values(cloud: SplatCloud) -> dict[str, PointValues]:
    """Return the attributes of the points by name, for the head at rest."""
    rest = cloud.placed(axes.points_to_blender(cloud.rest), axes.TO_BLENDER)
    base = np.concatenate([cloud.harmonics, cloud.opacities[:, None]], -1)
    return {
        POSITION: PointValues("FLOAT_VECTOR", "vector", rest.positions),
        ROTATION: PointValues("QUATERNION", "value", rest.rotations),
        SCALE: PointValues("FLOAT_VECTOR", "vector", rest.scales),
        BASE: PointValues("FLOAT4", "vector", base),
        **{name: PointValues("INT", "value", cloud.corners[:, corner]) for corner, name in enumerate(CORNERS)},
        WEIGHTS: PointValues("FLOAT_VECTOR", "vector", cloud.barycentric),
        OFFSET: PointValues("FLOAT_VECTOR", "vector", cloud.offsets),
        REST_SCALE: PointValues("FLOAT_VECTOR", "vector", cloud.scales),
        REST_SIZE: PointValues("FLOAT", "value", cloud.rest_sizes),
        TURN: PointValues("QUATERNION", "value", cloud.rotations),
    }
