# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes of the drawn mesh that are open as far as the person's: the blinks that suit the head's own lids.

The solver's model of a person carries offsets that no mesh has, so that its lids are apart by more or less than the
mesh's with the same expression. MediaPipe leaves a gap between lids that are shut; the mesh closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES, BLINKS
from .landmark_weights import lid_heights
from .person import SHUT_GAP

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers
    from .landmark_model import Person

WIDES = (ARKIT_NAMES.index("eyeWideLeft"), ARKIT_NAMES.index("eyeWideRight"))


def with_own_apertures(person: Person, expression: Numbers) -> Doubles:
    """Return `expression [T, 52]` whose blinks, or widened eyes, open the mesh's eyes as far as the person's are."""
    fitted = expression.astype(np.float64)
    fitted[:, BLINKS + WIDES] = 0
    missing = wanted_apertures(person, expression) - lid_heights(person.own.shapes(fitted))
    opens = lid_heights(person.own.expression_basis)
    for eye, (blink, wide) in enumerate(zip(BLINKS, WIDES, strict=True)):
        if opens[eye, blink] < 0:
            fitted[:, blink] = np.clip(missing[eye] / opens[eye, blink], 0, 1)
        if opens[eye, wide] > 0:
            fitted[:, wide] = np.clip(missing[eye] / opens[eye, wide], 0, 1)
    return fitted


def wanted_apertures(person: Person, expression: Numbers) -> Doubles:
    """Return `[2, T]` metres: how far each eye is open, 0 where MediaPipe sees it shut."""
    usual = lid_heights(person.model.neutral)[:, None]
    seen = lid_heights(person.model.shapes(expression))
    return np.maximum(np.minimum((seen - SHUT_GAP * usual) / (1 - SHUT_GAP), seen), 0)
