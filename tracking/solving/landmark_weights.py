# SPDX-License-Identifier: GPL-3.0-or-later
"""How much each landmark says about pose and about expression."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ..detection.landmarks import (
    INNER_LIP_PAIRS,
    LANDMARK_COUNT,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_EYE_CORNERS,
    LEFT_IRIS,
    LEFT_LID_PAIRS,
    LIPS,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_EYE_CORNERS,
    RIGHT_IRIS,
    RIGHT_LID_PAIRS,
)

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers

EVIDENCE = 60.0
"""As how many independent points the 478 landmarks count; neighbours err together."""
LID_GAP_WEIGHT, LIP_GAP_WEIGHT = 3.0, 5.0
"""Weight of each pair of lid or lip points whose distance is fitted, against the sum of all points, `EVIDENCE`."""
MOUTH_CORNERS = (61, 291)
GAP_PAIRS = LEFT_LID_PAIRS + RIGHT_LID_PAIRS + INNER_LIP_PAIRS


@cache
def pose_weights() -> Doubles:
    """Return `[478]` for Eq. 1: what moves with the skull counts most."""
    weights = np.ones(LANDMARK_COUNT)
    weights[list(OVAL)] = 0.3
    weights[list(LEFT_BROW + RIGHT_BROW)] = 0.4
    weights[list(LIPS)] = 0.1
    weights[list(LEFT_EYE + RIGHT_EYE)] = 1.5
    weights[[33, 133, 362, 263]] = 4
    weights[[1, 2, 4, 5, 6, 168, 195, 197, 98, 327, 94]] = 3
    weights[list(LEFT_IRIS + RIGHT_IRIS)] = 0
    return weights


@cache
def term_weights() -> Doubles:
    """Return `[N]` for the terms of Eq. 2: points, then the distances between lids and between lips.

    Distances are blind to errors of pose and identity that move both points, so that blinks and lips stay faithful.
    """
    weights = np.ones(LANDMARK_COUNT)
    weights[list(OVAL)] = 0.3
    weights[list(LEFT_BROW + RIGHT_BROW)] = 2
    weights[list(LIPS)] = 4
    weights[list(LEFT_EYE + RIGHT_EYE)] = 4
    weights[list(LEFT_IRIS + RIGHT_IRIS)] = 0
    lids, lips = len(LEFT_LID_PAIRS + RIGHT_LID_PAIRS), len(INNER_LIP_PAIRS)
    gaps = np.repeat([LID_GAP_WEIGHT, LIP_GAP_WEIGHT], [lids, lips])
    return np.concatenate([weights * EVIDENCE / weights.sum(), gaps])


def terms(points: Numbers) -> Numbers:
    """Return `[..., N, A]`: what Eq. 2 compares of `points [..., 478, A]`: the points, then the gaps between pairs."""
    upper, lower = np.array(GAP_PAIRS).T
    return np.concatenate([points, points[..., upper, :] - points[..., lower, :]], -2)


def at_upper(points: Numbers) -> Numbers:
    """Return `[..., N, A]`: where each term is, of `points [..., 478, A]`; a gap is at its upper point."""
    return np.concatenate([points, points[..., np.array(GAP_PAIRS)[:, 0], :]], -2)


def term_visibility(visibility: Numbers | None) -> Numbers | None:
    """Return `[T, N]`: how far each term is seen when landmarks are so by `visibility [T, 478]`; None: wholly."""
    if visibility is None:
        return None
    upper, lower = np.array(GAP_PAIRS).T
    seen: Numbers = np.concatenate([visibility, visibility[:, upper] * visibility[:, lower]], 1)
    return seen


def lid_gaps(points: Numbers) -> Numbers:
    """Return `[2, ...]`: how far the left and the right eye are open, in the unit of `points [..., 478, 3]`.

    Negative where lids have passed each other.
    """
    return np.stack(
        [mean_gap(points, LEFT_LID_PAIRS, LEFT_EYE_CORNERS[::-1]), mean_gap(points, RIGHT_LID_PAIRS, RIGHT_EYE_CORNERS)]
    )


def lid_heights(points: Numbers) -> Numbers:
    """Return `[2, ...]`: how far the left and the right lower lid lie below the upper one in head space."""
    pairs = (np.array(side).T for side in (LEFT_LID_PAIRS, RIGHT_LID_PAIRS))
    return np.stack([(points[..., lower, 1] - points[..., upper, 1]).mean(-1) for upper, lower in pairs])


def mouth_gap(points: Numbers) -> Numbers:
    """Return `[...]`: how far the lips are apart, in the unit of `points [..., 478, 3]`; negative where they cross."""
    return mean_gap(points, INNER_LIP_PAIRS, MOUTH_CORNERS)


def mean_gap(points: Numbers, pairs: tuple[tuple[int, int], ...], corners: tuple[int, int]) -> Numbers:
    """Return `[...]`: how far the lower points lie below the upper ones, on average, square to a line through corners.

    `points [..., 478, 2 or 3]` are landmarks; `pairs` (upper, lower) and `corners` are numbers of some of them. The
    first of the corners is towards the subject's right.
    """
    upper, lower = (points[..., list(side), :2].mean(-2) for side in zip(*pairs, strict=True))
    across = points[..., corners[1], :2] - points[..., corners[0], :2]
    apart = lower - upper
    gap: Numbers = (apart[..., 1] * across[..., 0] - apart[..., 0] * across[..., 1]) / np.linalg.norm(across, axis=-1)
    return gap
