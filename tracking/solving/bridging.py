# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face does while it is not seen: bridged from before to after; in long gaps it comes to rest between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES
from ..performances.performance import REGIONS, TRUSTED, Performance
from ..performances.rest import rest_expression
from .gaze import bridged_gaze

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Doubles, Floats, Indices, Numbers

SHORT = 0.5
"""Seconds of the longest gap that is crossed straight; a longer one leaves time to come to rest."""
EASING = 0.4
"""Seconds from an expression to rest, and from rest to an expression."""
PREFIXES = {
    "leftEye": ("eye", "cheekSquint"),
    "rightEye": ("eye", "cheekSquint"),
    "brows": ("brow",),
    "mouth": ("jaw", "mouth", "cheekPuff", "noseSneer", "tongue"),
}
"""How the names of a region's expressions begin."""


def bridged(performance: Performance) -> Performance:
    """Return the performance with the expressions of lost frames and of regions that cannot be trusted filled in.

    What is seen stays as it is. An eye that cannot be trusted looks where the other one does. Pose stays, too, and
    gaze of lost frames: `at_times` has interpolated them.
    """
    rest = rest_expression(performance)
    expression = performance.expression.copy()
    for region, confidence in zip(REGIONS, performance.region_confidence.T, strict=True):
        columns = columns_of(region)
        known = (confidence >= TRUSTED) & (performance.confidence > 0)
        expression[:, columns] = filled(expression[:, columns], known, performance.times, rest[columns])
    eyes = [REGIONS.index(region) for region in ("leftEye", "rightEye")]
    trusted = (performance.region_confidence[:, eyes] >= TRUSTED) | (performance.confidence == 0)[:, None]
    return replace(performance, expression=expression, gaze=bridged_gaze(performance.gaze, trusted))


def columns_of(region: str) -> Indices:
    """Return `[N]`: the columns of a region's expressions; the skin has none of its own."""
    other_side = {"leftEye": "Right", "rightEye": "Left"}.get(region, "-")
    mine = [name.startswith(PREFIXES.get(region, ())) and not name.endswith(other_side) for name in ARKIT_NAMES]
    return np.flatnonzero(mine)


def filled(values: Floats, known: Booleans, times: Doubles, rest: Floats) -> Floats:
    """Fill the frames of `values [T, N]` that are not `known [T]`; a take begins and ends at `rest [N]`."""
    made = values.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], known, [True]])))
    for start, stop in edges.reshape(-1, 2):
        moments = times[start:stop]
        since = moments - times[start - 1] if start else np.full(stop - start, np.inf)
        until = times[stop] - moments if stop < len(times) else np.full(stop - start, np.inf)
        made[start:stop] = bridge(since, until, values[max(start - 1, 0)], values[min(stop, len(values) - 1)], rest)
    return made


def bridge(since: Numbers, until: Numbers, before: Floats, after: Floats, rest: Floats) -> Floats:
    """Return `[T, N]`: the way from `before [N]`, `since [T]` seconds ago, to `after [N]`, `until [T]` seconds on."""
    duration = float(since[0] + until[0])
    if duration <= SHORT:
        way = eased(since / duration)[:, None]
        bridged: Floats = (before * (1 - way) + after * way).astype(np.float32)
        return bridged
    easing = min(EASING, duration / 2)
    leaving, coming = (1 - eased(apart / easing)[:, None] for apart in (since, until))
    return (rest + leaving * (before - rest) + coming * (after - rest)).astype(np.float32)


def eased(share: Numbers) -> Numbers:
    """Return `[...]`, 0 to 1 for a `share [...]` of the way from 0 to 1, with a soft start and a soft end."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
