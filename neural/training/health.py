# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a training is well: the two ways in which adversarial training is lost, seen in its losses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BAD_STEPS = 10
"""Steps in a row whose losses are not numbers after which training is lost."""
WON = 0.1
"""A discriminator whose loss is below this is always right and teaches nothing."""
LONG = 200
"""Turns of the discriminator in a row below `WON` after which training is lost."""


class Health:
    """Watches the losses of one training, step by step."""

    def __init__(self) -> None:
        self._bad = self._won = 0

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against keeping what the networks are now."""
        return self._bad == 0 and self._won < LONG / 4

    def see(self, told: Mapping[str, float]) -> str | None:
        """Take in the losses of a step by name; return what is wrong when the training is lost, in half a sentence."""
        self._bad = 0 if all(map(math.isfinite, told.values())) else self._bad + 1
        if "discriminator" in told:
            self._won = self._won + 1 if told["discriminator"] < WON else 0
        if self._bad >= MOST_BAD_STEPS:
            return "the losses are no longer numbers"
        if self._won >= LONG:
            return "the discriminator tells every picture apart"
        return None
