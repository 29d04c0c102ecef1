# SPDX-License-Identifier: GPL-3.0-or-later
"""How late a signal is, and how much it shakes where it is still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

STILL_SHARE = 0.3
"""Share of a take that counts as still: where the signal moves least."""
STILL_SECONDS = 0.5
"""Length over which motion is judged."""
LONGEST_LAG = 0.2
"""Seconds in which a lag is searched."""


def lag(reference: NDArray, signal: NDArray, rate: float) -> float:
    """Return the seconds by which `signal [T]` comes after `reference [T]`: where their changes correlate most."""
    before, after = (np.gradient(values) - np.gradient(values).mean() for values in (reference, signal))
    shifts = np.arange(-round(LONGEST_LAG * rate), round(LONGEST_LAG * rate) + 1)
    count = len(before)
    likeness = np.array(
        [
            before[max(0, -s) : count - max(0, s)] @ after[max(0, s) : count + min(0, s)] / (count - abs(s))
            for s in shifts
        ]
    )
    best = int(np.clip(likeness.argmax(), 1, len(shifts) - 2))
    left, middle, right = likeness[best - 1 : best + 2]
    curvature = left - 2 * middle + right
    return float((shifts[best] + (0.5 * (left - right) / curvature if curvature < 0 else 0)) / rate)


def jitter(values: NDArray, still: NDArray[np.bool_]) -> float:
    """Return the root mean square of what a second difference sees of `values [T, N]`, in the `still [T]` frames."""
    shake = np.linalg.norm(np.diff(values, 2, axis=0), axis=1) / np.sqrt(6)
    return float(np.sqrt(np.mean(shake[still[1:-1]] ** 2)))


def still_frames(values: NDArray, rate: float) -> NDArray[np.bool_]:
    """Return `[T]`: where `values [T, N]` move least, judged over half a second so that jitter does not count."""
    length = max(1, round(STILL_SECONDS * rate))
    calm = gaussian_filter1d(np.asarray(values, np.float64), length / 4, axis=0)
    speed = uniform_filter1d(np.linalg.norm(np.gradient(calm, axis=0), axis=1), length)
    return speed <= np.quantile(speed, STILL_SHARE)
