# SPDX-License-Identifier: GPL-3.0-or-later
"""Which expressions a face plausibly shows: deviations, bounds and what belongs together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers

COMMON_DEVIATION = 0.4
DEVIATIONS = {
    "eyeBlink": 1.5, "eyeWide": 0.4, "jawOpen": 1.0, "mouthSmile": 0.6, "mouthClose": 0.25, "mouthPucker": 0.5,
    "browInnerUp": 0.6, "browOuterUp": 0.6, "browDown": 0.6, "cheekPuff": 0.1, "jawForward": 0.1, "cheekSquint": 0.25,
    "eyeSquint": 0.25, "noseSneer": 0.25, "jawLeft": 0.3, "jawRight": 0.3, "mouthRoll": 0.3,
    "mouthFunnel": 0.3, "mouthLowerDown": 0.3, "mouthUpperUp": 0.3,
}  # fmt: skip
"""Standard deviation of expressions by the beginning of their names; the others have the common one."""
DEVIATION = np.array(
    [next((value for start, value in DEVIATIONS.items() if n.startswith(start)), COMMON_DEVIATION) for n in ARKIT_NAMES]
)
"""`[52]` standard deviation of each expression."""
UNSEEN = ("eyeLook", "tongueOut")
"""Expressions that landmarks do not show, or that gaze says already."""
SYMMETRY_DEVIATION = 0.3
"""By how much the left and the right side usually differ."""
WIDE_TO_BLINK = {
    ARKIT_NAMES.index(f"eyeWide{side}"): ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")
}
JAW, CLOSE = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("mouthClose")

UPPER_BOUND = np.array([0.0 if name.startswith(UNSEEN) else 1.0 for name in ARKIT_NAMES])
"""`[52]` largest value of each expression."""


@cache
def prior_precision() -> Doubles:
    """Return `[52, 52]`: the inverse covariance of expressions about neutral."""
    precision = np.diag(1 / DEVIATION**2)
    for left, name in enumerate(ARKIT_NAMES):
        if name.endswith("Left") and not name.startswith(("jaw", "eyeBlink")) and name != "mouthLeft":
            right = ARKIT_NAMES.index(name.removesuffix("Left") + "Right")
            precision[np.ix_([left, right], [left, right])] += np.array([[1, -1], [-1, 1]]) / SYMMETRY_DEVIATION**2
    return precision


def coupled_bounds(expression: Numbers, largest: Numbers) -> Doubles:
    """Return `[T, 52]`: the largest value of each column beside the others of `expression [T, 52]`.

    Lips close over an open jaw (`mouthClose`) no further than the jaw opens; an eye that closes is not opened wide.
    `largest [52]` bounds them all.
    """
    bounds = np.repeat(largest[None].astype(np.float64), len(expression), 0)
    bounds[:, CLOSE] = np.minimum(bounds[:, CLOSE], expression[:, JAW])
    wide, blink = list(WIDE_TO_BLINK), list(WIDE_TO_BLINK.values())
    bounds[:, wide] = np.clip(1 - 3 * expression[:, blink], 0, bounds[:, wide])
    return bounds
