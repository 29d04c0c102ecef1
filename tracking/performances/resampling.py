# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances at other times: another frame rate, gaps found and filled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...common.errors import UserError
from ..heads.rotations import blended
from .performance import OVER_TIME, Performance

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Numbers

STEADY = 0.05
"""Frames whose times are off a constant rate by less than this share of a frame count as evenly spaced."""
GAP = 1.5
"""A step to the next frame that is longer than so many frames is a gap."""
LONGEST_GAP = 100_000
"""Frames; a longer gap is no gap but another take."""


def interpolated(performance: Performance, times: Numbers) -> Performance:
    """Return the performance at `times [T]` seconds, straight between its own frames and held beyond its ends.

    Rotations go the shortest way, everything else (confidence too) goes linearly.
    """
    own = np.asarray(performance.times, np.float64)
    later = np.clip(np.searchsorted(own, times), 1, max(1, len(own) - 1))
    earlier, later = later - 1, np.minimum(later, len(own) - 1)
    step = np.maximum(own[later] - own[earlier], 1e-9)
    share = np.clip((times - own[earlier]) / step, 0, 1)

    def between(name: str) -> Floats:
        values = getattr(performance, name)
        if name == "rotation":
            return blended(values[earlier], values[later], share).astype(np.float32)
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        blend: Floats = (values[earlier] * (1 - weight) + values[later] * weight).astype(np.float32)
        return blend

    moved: dict[str, Any] = {name: between(name) for name in OVER_TIME if name != "times"}
    return replace(performance, times=np.asarray(times, np.float64), **moved)


def at_rate(performance: Performance, fps: float) -> Performance:
    """Return the performance from 0 s on with frame `i` at `i / fps` seconds.

    A performance of that very rate, evenly timed, keeps its frames; any other is sampled between them. Nothing is
    averaged when the rate is lowered: a blink keeps its depth where a frame meets it.

    Example:
        >>> from semblance.tracking.heads.builtin import load_builtin
        >>> from semblance.tracking.performances.captures.capture import Capture, performed
        >>> take = performed(Capture(np.arange(60) / 60, 60.0, np.zeros((60, 52))), load_builtin())
        >>> len(at_rate(take, 30.0))
        30
    """
    times = np.asarray(performance.times, np.float64) - performance.times[0]
    if np.allclose(times * fps, np.arange(len(times)), atol=STEADY):
        return replace(performance, times=np.arange(len(times)) / fps, fps=fps)
    wanted = np.arange(int(np.floor(times[-1] * fps + 1e-6)) + 1) / fps
    return replace(interpolated(replace(performance, times=times), wanted), fps=fps)


def with_gaps_filled(performance: Performance) -> Performance:
    """Return the performance with the frames that its source dropped: interpolated, with confidence 0.

    Raises:
        UserError: a gap is too long to be one.
    """
    times = np.asarray(performance.times, np.float64)
    steps = np.diff(times) * performance.fps
    missing = np.where(steps > GAP, np.round(steps) - 1, 0)
    if not missing.any():
        return performance
    if missing.max() > LONGEST_GAP:
        first = int(missing.argmax())
        raise UserError(
            f"Between frames {first} and {first + 1} {steps[first] / performance.fps:.0f} s are missing; "
            "split the file there."
        )
    counts = missing.astype(int)
    before = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    filled = times[before] + nth / (counts[before] + 1) * (times[before + 1] - times[before])
    whole = interpolated(performance, np.sort(np.concatenate([times, filled])))
    return whole.lost_at(np.isin(whole.times, filled))
