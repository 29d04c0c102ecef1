# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's performance on another person's avatar: what changes is the driver's, who it is stays the avatar's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES
from .rest import rest_expression, rest_pose

if TYPE_CHECKING:
    from ..heads.arrays import Floats
    from .performance import Performance

LIDS = np.array([name.startswith("eyeBlink") for name in ARKIT_NAMES])


def retarget(driver: Performance, avatar: Performance, at_rest: Performance | None = None) -> Performance:
    """Return `driver`'s motion for the person of `avatar`.

    Expression and pose are relative: the driver's change from its own rest is added to the avatar's rest. A driver's
    translation is measured in head distances, so that a driver far from the camera moves the avatar as much on the
    picture. Expression stays within 0 and 1 and keeps its extremes: a shut eye is shut on the avatar too. Identity,
    texture, camera and crop are the avatar's; gaze, confidence and times the driver's.

    `at_rest` is a performance of the same driver by whose rest `driver` is measured, where that is not its own.
    """
    calm = driver if at_rest is None else at_rest
    expression = carried(driver.expression, rest_expression(calm), rest_expression(avatar))
    driver_rotation, driver_translation = rest_pose(calm)
    rotation, translation = rest_pose(avatar)
    turn = driver.rotation @ driver_rotation.T
    nearer = translation[2] / driver_translation[2]
    across = nearer * relative_focal(driver) / relative_focal(avatar)
    move = (driver.translation - driver_translation) * np.array([across, across, nearer], np.float32)
    return replace(
        avatar,
        expression=expression,
        rotation=(turn @ rotation).astype(np.float32),
        translation=(translation + move).astype(np.float32),
        gaze=driver.gaze,
        confidence=driver.confidence,
        region_confidence=driver.region_confidence,
        times=driver.times,
        fps=driver.fps,
        source=driver.source,
    )


def relative_focal(performance: Performance) -> float:
    """Focal length over the width of the camera's window."""
    return performance.camera.fx / performance.camera.width


def carried(expression: Floats, rest: Floats, new_rest: Floats) -> Floats:
    """Return `[T, 52]`: changes from `rest [52]` put on `new_rest [52]`, so that 0 and 1 stay reachable.

    What lies above the rest is scaled to what is left above the new rest, and likewise below.
    """
    above = np.clip((expression - rest) / np.maximum(1 - rest, 1e-3), 0, 1)
    below = np.clip((rest - expression) / np.maximum(rest, 1e-3), 0, 1)
    steady = new_rest + np.clip(expression - rest, 0, 1 - new_rest) - below * np.minimum(rest, new_rest)
    lids = new_rest + above * (1 - new_rest) - below * new_rest
    return np.clip(np.where(LIDS, lids, steady), 0, 1).astype(np.float32)
