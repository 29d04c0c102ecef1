# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads turned beyond the footage: no light may shine through them, whatever colour they have there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor

from ..outlines import outline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ....tracking.heads.camera import PinholeCamera
    from ..scene import PosedHead, RadianceScene
    from .network import SplatNetwork
    from .placement import Placement

POSES = 16
BEYOND, PITCH = 25.0, 12.0
"""Degrees of yaw beyond the footage's own, and of pitch."""
SIDE = 160
"""Pixels of the pictures in which light is looked for."""
EDGE = 1.5
"""Pixels from the outline within which light may shine."""
MOST_LIGHT = 0.03
COVER = 0.3
"""Weight of the light beyond it."""


class Cover:
    """The penalty on light that shines through turned heads."""

    def __init__(self, placement: Placement, scene: RadianceScene, frames: Sequence[int], seed: int = 0) -> None:
        """Turn some of the `frames`; what the `placement` has beside the head may be transparent."""
        draws = np.random.default_rng(seed)
        self.camera: PinholeCamera = scene.camera.resized(SIDE, SIDE)
        yaw = torch.atan2(scene.rotations[:, 0, 2], scene.rotations[:, 2, 2])[list(frames)]
        low, high, beyond = float(yaw.min()), float(yaw.max()), math.radians(BEYOND)
        solid = solid_triangles(placement, scene)
        self.heads: list[PosedHead] = []
        self.masks: list[Tensor] = []
        for wanted in draws.permutation(np.linspace(low - beyond, high + beyond, POSES)):
            number = int(draws.integers(len(frames)))
            pitch = math.radians(draws.uniform(-PITCH, PITCH))
            head = scene.head(int(frames[number])).orbited(float(wanted) - float(yaw[number]), pitch)
            outline = outline_of(scene, head, shrunk=EDGE * scene.camera.width / SIDE, only=solid).astype(np.float32)
            inner = cv2.resize(outline, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 0.99
            self.heads.append(head)
            self.masks.append(torch.from_numpy(inner).to(head.vertices.device))

    def __call__(self, network: SplatNetwork, index: int) -> Tensor:
        """Return the penalty of the pose whose turn it is at step `index`."""
        head, mask = self.heads[index % POSES], self.masks[index % POSES]
        _, light = network.draw(network.prepare(head), self.camera)
        return COVER * ((light - MOST_LIGHT).relu() * mask).sum() / mask.sum().clamp(min=1)


def solid_triangles(placement: Placement, scene: RadianceScene) -> NDArray[np.bool_]:
    """Return `[T]`: those that touch no triangle whose skin is beside the head."""
    gone = np.zeros(len(scene.surface.rest), bool)
    gone[placement.corners[placement.beside & ~placement.on_shell]] = True
    solid: NDArray[np.bool_] = ~gone[scene.surface.triangles].any(1)
    return solid
