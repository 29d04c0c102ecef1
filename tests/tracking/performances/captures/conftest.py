# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances made up for the tests of capture files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.rotations import from_vectors
from semblance.tracking.performances.performance import Performance


def take(seed: int = 0, frames: int = 5, fps: float = 30.0) -> Performance:
    """A performance of random values, evenly timed."""
    rng = np.random.default_rng(seed)
    return Performance(
        head="builtin",
        identity=np.zeros(1, np.float32),
        texture=np.zeros(1, np.float32),
        expression=rng.random((frames, 52), np.float32),
        rotation=from_vectors(rng.normal(0, 0.4, (frames, 3))).astype(np.float32),
        translation=rng.uniform((-0.2, -0.2, 0.5), (0.2, 0.2, 1.5), (frames, 3)).astype(np.float32),
        gaze=rng.uniform(-0.5, 0.5, (frames, 2, 2)).astype(np.float32),
        confidence=rng.random(frames, np.float32),
        times=np.arange(frames) / fps,
        camera=PinholeCamera.default(512),
        fps=fps,
    )


@pytest.fixture(scope="session")
def make_take() -> Callable[..., Performance]:
    """`make_take(seed, frames, fps)`."""
    return take
