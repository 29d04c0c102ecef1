# SPDX-License-Identifier: GPL-3.0-or-later
"""A video's frames as the truth of what is made of its first frame: one window, one person, one motion."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..tracking.heads.camera import PinholeCamera

if TYPE_CHECKING:
    from ..tracking.performances.performance import Crop, Performance


def in_window(performance: Performance, crop: Crop, size: int) -> Performance:
    """Return a performance whose camera sees another window of its footage, `crop`, in `size` pixels a side."""
    own, camera = performance.crop, performance.camera
    assert own is not None  # tracked footage has one
    footage, window = own.side / camera.width, size / crop.side
    seen = PinholeCamera(
        camera.fx * footage * window,
        camera.fy * footage * window,
        (own.x + camera.cx * footage - crop.x) * window,
        (own.y + camera.cy * footage - crop.y) * window,
        size,
        size,
    )
    return replace(performance, camera=seen, crop=crop)


def acted(tracked: Performance, still: Performance) -> Performance:
    """Return the video's motion for the person of a photo that is its first frame, before the photo's camera.

    The pose changes from the photo's as the video's does from its first frame: a head that was solved a little larger
    or nearer stays so. Expression and gaze are the video's: it is the same person, and what one frame alone says of
    them is less sure than what the whole video does.

    Args:
        tracked: the video's performance, its camera that of the photo's window (`in_window`).
        still: the one frame solved from the photo.
    """
    nearer = float(still.translation[0, 2] / tracked.translation[0, 2])
    across = nearer * tracked.camera.fx / still.camera.fx
    move = (tracked.translation - tracked.translation[0]) * np.array([across, across, nearer], np.float32)
    return replace(
        still,
        expression=tracked.expression,
        rotation=(tracked.rotation @ tracked.rotation[0].T @ still.rotation[0]).astype(np.float32),
        translation=(still.translation[0] + move).astype(np.float32),
        gaze=tracked.gaze,
        confidence=tracked.confidence,
        region_confidence=tracked.region_confidence,
        times=tracked.times,
        fps=tracked.fps,
    )
