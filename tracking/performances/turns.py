# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a head is turned from the camera that sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats
    from .performance import Performance


def turns_aside(performance: Performance) -> Floats:
    """Return `[T]`: degrees by which the head is turned to either side of the line to the camera."""
    away = -performance.translation / np.linalg.norm(performance.translation, axis=-1, keepdims=True)
    towards = np.einsum("tba,tb->ta", performance.rotation, away)
    turns: Floats = np.degrees(np.abs(np.arctan2(towards[:, 0], -towards[:, 2])))
    return turns
