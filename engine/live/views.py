# SPDX-License-Identifier: GPL-3.0-or-later
"""From where a head in 3D is seen: a camera that turns about it, and the size of its pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...protocol.inputs import Inputs, PosedMesh
from ...tracking.heads.rotations import from_angles

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats

WIDTH, HEIGHT = 4, 5
"""Where a camera's six numbers hold the size of its pictures."""


@dataclass(frozen=True)
class View:
    """From where a head is seen.

    Attributes:
        yaw, pitch: degrees by which it seems to turn to its right, and down.
        distance: of the camera, times the footage's.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    distance: float = 1.0


FRONT = View()


def seen(inputs: Inputs, middle: Floats, view: View, side: int | None = None) -> Inputs:
    """Return inputs as another camera sees them; maps, which one camera alone sees, as they are.

    Args:
        inputs: of any kind of avatar.
        middle: `[3]` metres, what the camera turns about and looks at, in the space of the footage's camera.
        view: where the camera is.
        side: the longer side of the pictures in pixels; the footage's when not given.
    """
    if not isinstance(inputs, PosedMesh):
        return inputs
    camera = inputs.camera if side is None else resized(inputs.camera, side)
    if view == FRONT:
        return replace(inputs, camera=camera)
    turn = from_angles(np.radians([view.pitch, view.yaw, 0.0])).astype(np.float32)
    vertices = (inputs.vertices - middle) @ turn.T + middle * np.float32(view.distance)
    return replace(inputs, vertices=vertices, view=(turn @ inputs.view).astype(np.float32), camera=camera)


def resized(camera: Floats, side: int) -> Floats:
    """Return cameras `[N, 6]` whose pictures' longer side has `side` pixels."""
    size = camera[:, WIDTH : HEIGHT + 1]
    whole = np.maximum(1, np.round(size * (side / size.max(1, keepdims=True))))
    scale = np.tile(whole / size, (1, 3))
    found: Floats = (camera * scale).astype(np.float32)
    return found
