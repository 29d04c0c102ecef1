# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys for the same motion: cubic curves through some of a channel's samples, within a tolerance of all others.

Between two keys lies the cubic that has their values and slopes. As a Bezier curve its handles are a third of the way
to the other key; time then runs evenly along it, so that its error is known exactly at every sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles, Floats, Indices


@dataclass(frozen=True, eq=False)
class SmoothKeys:
    """Keys with their tangents.

    Attributes:
        frames: `[K]` where they lie; values: `[K]` what they hold; slopes: `[K]` change a frame.
    """

    frames: Doubles
    values: Doubles
    slopes: Doubles

    def at(self, frames: Doubles) -> Doubles:
        """Return `[N]`: the curve at frames from the first key to the last."""
        if len(self.frames) == 1:
            return np.full(len(frames), self.values[0])
        after = np.clip(np.searchsorted(self.frames, frames, side="right"), 1, len(self.frames) - 1)
        before = after - 1
        ends = tuple((self.frames[end], self.values[end], self.slopes[end]) for end in (before, after))
        return hermite(frames, *ends)

    def handles(self) -> tuple[Doubles, Doubles]:
        """Return the left and the right Bezier handles, `[K, 2]` each: frame and value."""
        steps = np.diff(self.frames, prepend=np.nan, append=np.nan) / 3
        before, after = (np.where(np.isnan(each), 1 / 3, each) for each in (steps[:-1], steps[1:]))
        left = np.stack([self.frames - before, self.values - before * self.slopes], -1)
        right = np.stack([self.frames + after, self.values + after * self.slopes], -1)
        return left, right


End = tuple["float | Doubles", "float | Doubles", "float | Doubles"]
"""A key as frame, value and slope."""


def reduced(frames: Doubles, values: Doubles | Floats, tolerance: float) -> SmoothKeys:
    """Return keys whose curve is nowhere farther than `tolerance` from the samples `values [N]` at `frames [N]`,
    which rise: the first sample and the last, and as many between as that takes.

    Where a curve misses most, it is split there, and both halves are looked at anew.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2 or np.ptp(values) == 0:
        return SmoothKeys(frames[:1], values[:1], np.zeros(len(values[:1])))
    slopes = np.gradient(values, frames)
    kept, waiting = [0, len(values) - 1], [(0, len(values) - 1)]
    while waiting:
        start, stop = waiting.pop()
        missed = worst_miss(frames, values, slopes, start, stop)
        if missed is not None and missed[1] > tolerance:
            kept.append(missed[0])
            waiting += [(start, missed[0]), (missed[0], stop)]
    chosen: Indices = np.array(sorted(kept))
    return SmoothKeys(frames[chosen], values[chosen], slopes[chosen])


def worst_miss(frames: Doubles, values: Doubles, slopes: Doubles, start: int, stop: int) -> tuple[int, float] | None:
    """Return which sample between two others the cubic between these misses most, and by how much; None for none."""
    if stop - start < 2:
        return None
    inside = slice(start + 1, stop)
    first, last = ((frames[end], values[end], slopes[end]) for end in (start, stop))
    errors = np.abs(hermite(frames[inside], first, last) - values[inside])
    worst = int(errors.argmax())
    return start + 1 + worst, float(errors[worst])


def hermite(frames: Doubles, first: End, last: End) -> Doubles:
    """Return `[N]`: the cubic with these ends at frames between them."""
    (start, low, leaving), (stop, high, arriving) = first, last
    step = stop - start
    share = (frames - start) / step
    rest = 1 - share
    curve: Doubles = (
        rest**2 * (1 + 2 * share) * low
        + share**2 * (1 + 2 * rest) * high
        + share * rest * step * (rest * leaving - share * arriving)
    )
    return curve
