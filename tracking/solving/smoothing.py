# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing over time without lag: centred kernels that give way where something really moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from ..heads.head import ARKIT_NAMES
from ..performances.resampling import interpolated

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers
    from ..performances.performance import Performance

QUICK_NAMES = "mouth", "jaw", "eyeBlink", "eyeWide", "eyeSquint"
QUICK_COLUMNS = np.array([name.startswith(QUICK_NAMES) for name in ARKIT_NAMES])


@dataclass(frozen=True)
class Steadiness:
    """How a signal is smoothed.

    Attributes:
        strong, weak: standard deviations of the kernels, in seconds, where it is still and where it moves.
        quick: change per second that counts as moving.
    """

    strong: float
    weak: float
    quick: float


FACE = Steadiness(0.060, 0.030, 1.5)
LIPS_AND_LIDS = Steadiness(0.035, 0.0, 1.5)
ROTATION = Steadiness(0.050, 0.0, 0.5)
TRANSLATION = Steadiness(0.050, 0.0, 0.10)
GAZE = Steadiness(0.060, 0.0, 1.5)


def smoothed(performance: Performance) -> Performance:
    """Take the jitter out of a performance of consecutive frames, by centred kernels: nothing comes late.

    Where a signal is still, it is smoothed strongly; where it moves, weakly; blinks, lips and glances keep their shape.
    """
    if len(performance) < 3:
        return performance
    rate = performance.fps
    expression = steadied(performance.expression, rate, FACE)
    expression[:, QUICK_COLUMNS] = steadied(performance.expression[:, QUICK_COLUMNS], rate, LIPS_AND_LIDS)
    flat_gaze = performance.gaze.reshape(-1, 4)
    return replace(
        performance,
        expression=np.clip(expression, 0, 1).astype(np.float32),
        rotation=smoothed_rotation(performance.rotation, rate).astype(np.float32),
        translation=steadied(performance.translation, rate, TRANSLATION, joint=True).astype(np.float32),
        gaze=steadied(flat_gaze, rate, GAZE).reshape(-1, 2, 2).astype(np.float32),
    )


def steadied(values: Numbers, rate: float, how: Steadiness, joint: bool = False) -> Doubles:
    """Blend a strong and a weak Gaussian of `values [T, N]`, `rate` a second, by how fast they change.

    With `joint` all columns count as one motion.
    """
    values = np.asarray(values, np.float64)
    calm, lively = gaussian(values, how.strong * rate), gaussian(values, how.weak * rate)
    speed = np.abs(np.gradient(calm, axis=0)) * rate
    apart = np.abs(values - calm) * rate / 2
    if joint:
        speed, apart = (np.linalg.norm(part, axis=1, keepdims=True) for part in (speed, apart))
    share = np.clip(gaussian(np.maximum(speed, apart), how.strong * rate) / how.quick, 0, 1)
    result: Doubles = calm + share * (lively - calm)
    return result


def gaussian(values: Numbers, deviation: float) -> Doubles:
    """Return `values [T, ...]` under a centred Gaussian of `deviation` frames.

    The ends are continued by point reflection, so that a drift is not bent there.
    """
    if deviation < 0.05:
        return values
    pad = min(len(values) - 1, round(4 * deviation) + 1)
    before = 2 * values[0] - values[pad:0:-1]
    after = 2 * values[-1] - values[-2 : -pad - 2 : -1]
    smooth: Doubles = gaussian_filter1d(np.concatenate([before, values, after]), deviation, axis=0)
    return smooth[pad : pad + len(values)]


def smoothed_rotation(rotations: Numbers, rate: float) -> Doubles:
    """Steady `[T, 3, 3]` in the rotation vectors about their mean."""
    frames = Rotation.from_matrix(rotations)
    mean = frames.mean()
    vectors = (mean.inv() * frames).as_rotvec()
    smoothed: Doubles = (mean * Rotation.from_rotvec(steadied(vectors, rate, ROTATION, joint=True))).as_matrix()
    return smoothed


def at_times(performance: Performance, times: Numbers) -> Performance:
    """Return the performance at `times [T]`: its own frames where it has them, between them interpolated.

    Interpolated frames have confidence 0; before the first and after the last frame these are held.
    """
    own = np.asarray(performance.times, np.float64)
    if np.array_equal(own, times):
        return performance
    return interpolated(performance, times).lost_at(~np.isin(times, own))
