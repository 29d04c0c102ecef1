# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface of a person's head, from any morphable head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...tracking.heads.head import ARKIT_NAMES, MorphableHead
from .scene import HeadSurface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats

FOREHEAD, EARS, NOSE = 10, (234, 454), 1
"""Landmarks: the top of the forehead, before the ears, the tip of the nose."""
HAIRLINE = 0.012
"""Metres below the topmost landmark of the face at which hair may begin."""
BEHIND_EARS = 0.015
CANONICAL_JAW = 0.45
"""`jawOpen` of the canonical pose: about INSTA's 12 degrees."""
BARE = ("ears", "eyes", "mouth", "teeth", "tongue", "lips", "brows")
WITHIN = ("eyes", "mouth", "teeth", "tongue")


def surface_of(head: MorphableHead, identity: Floats) -> HeadSurface:
    """Return the surface of the person with `identity [I]`.

    Raises:
        UserError: the identity is of another version of the head.
    """
    rest = head.neutral(identity)
    open_mouth = np.zeros(len(ARKIT_NAMES), np.float32)
    open_mouth[ARKIT_NAMES.index("jawOpen")] = CANONICAL_JAW
    mouth = np.zeros(len(rest), bool)
    for name in ("mouth", "teeth", "tongue", "lips"):
        mouth |= head.regions.get(name, False)
    scalp, canonical = scalp_of(head, rest), head.posed(rest, open_mouth)
    return HeadSurface(rest, head.triangles, scalp, sides_of(head, rest) & ~scalp, mouth, canonical)


def scalp_of(head: MorphableHead, rest: Floats) -> NDArray[np.bool_]:
    """Return `[V]`: where hair grows: above the forehead's landmarks and behind the ears, down to the nose's height."""
    forehead, ears, nose = rest[head.landmarks[FOREHEAD]], rest[head.landmarks[list(EARS)]], rest[head.landmarks[NOSE]]
    above = rest[:, 1] < forehead[1] + HAIRLINE
    behind = (rest[:, 2] > ears[:, 2].mean() + BEHIND_EARS) & (rest[:, 1] < nose[1])
    scalp: NDArray[np.bool_] = above | behind
    for name in BARE:
        scalp &= ~head.regions.get(name, np.zeros(len(rest), bool))
    return scalp


def sides_of(head: MorphableHead, rest: Floats) -> NDArray[np.bool_]:
    """Return `[V]`: behind the face, from the ears on, the neck too."""
    behind: NDArray[np.bool_] = rest[:, 2] > rest[head.landmarks[list(EARS)], 2].mean()
    for name in WITHIN:
        behind &= ~head.regions.get(name, np.zeros(len(rest), bool))
    return behind
