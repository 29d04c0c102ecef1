# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances for tests. NumPy only: scripts in Blender make them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, MorphableHead
from semblance.tracking.heads.rotations import from_vectors
from semblance.tracking.performances.performance import Performance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STRAIGHT = np.eye(3)


def at_rest(
    frames: int = 1,
    head: MorphableHead | str = "builtin",
    *,
    expression: ArrayLike = 0.0,
    rotation: ArrayLike = STRAIGHT,
    translation: ArrayLike = (0.0, 0.0, 0.9),
    gaze: ArrayLike = 0.0,
    confidence: ArrayLike = 1.0,
    **others: Any,
) -> Performance:
    """A head at rest 90 cm before the camera, but for what is given; a value without frames holds in all of them.

    A head that is only named has one coefficient of identity and of texture; all are 0. `others` are further
    attributes of `Performance`, by default a camera of 512 pixels and frames from 0 s on at `fps` (25).
    """
    sizes = (1, 1) if isinstance(head, str) else (len(head.identity_basis), len(head.texture_basis))
    made: dict[str, Any] = {
        "head": head if isinstance(head, str) else head.name,
        "identity": np.zeros(sizes[0], np.float32),
        "texture": np.zeros(sizes[1], np.float32),
        "expression": over_time(expression, frames, len(ARKIT_NAMES)),
        "rotation": over_time(rotation, frames, 3, 3),
        "translation": over_time(translation, frames, 3),
        "gaze": over_time(gaze, frames, 2, 2),
        "confidence": over_time(confidence, frames),
        "times": np.arange(frames) / others.get("fps", 25.0),
        "camera": PinholeCamera.default(512),
    }
    return Performance(**made | others)


def moving(frames: int = 5, seed: int = 0, **given: Any) -> Performance:
    """A performance whose every value over time is drawn at random, but for what is given."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {
        "expression": rng.random((frames, len(ARKIT_NAMES)), np.float32),
        "rotation": from_vectors(rng.normal(0, 0.4, (frames, 3))),
        "translation": rng.uniform((-0.2, -0.2, 0.5), (0.2, 0.2, 1.5), (frames, 3)),
        "gaze": rng.uniform(-0.5, 0.5, (frames, 2, 2)),
        "confidence": rng.random(frames, np.float32),
    }
    return at_rest(frames, **drawn | given)


def over_time(value: ArrayLike, frames: int, *shape: int) -> np.ndarray:
    """A value as float32 `[frames, *shape]`, repeated where it has no frames."""
    return np.array(np.broadcast_to(value, (frames, *shape)), np.float32)
