# SPDX-License-Identifier: GPL-3.0-or-later
"""How many times losses are multiplied for their gradients, so that these are not too small for float16."""

from __future__ import annotations

import logging

import torch

log = logging.getLogger(__name__)

FIRST, LARGEST = 2.0**16, 2.0**24
PATIENCE = 2000
"""Steps in a row without an overflow after which the scale is doubled (PyTorch's and Apex's)."""


class LossScale:
    """As large as gradients allow: halved when one overflows float16, doubled after a long time without.

    It is not kept with a checkpoint: a training that goes on finds it again within some steps.

    Attributes:
        factor: what losses are multiplied with, of no dimension, on the device; one tensor for good.
        skipped: steps of which nothing was learnt because of an overflow.
    """

    def __init__(self, device: torch.device) -> None:
        self.factor = torch.full((), FIRST, device=device)
        self.skipped = 0
        self._value, self._sound = FIRST, 0

    @property
    def is_one(self) -> bool:
        """Whether losses are not scaled at all: an overflow then has another cause."""
        return self._value == 1

    def see(self, *, overflown: bool) -> None:
        """Take in whether a step's gradients overflowed, so that it was skipped."""
        if overflown:
            self._sound, self.skipped = 0, self.skipped + 1
            log.info("Gradients overflowed float16, so a step was skipped: %d so far.", self.skipped)
            self._set(max(1.0, self._value / 2))
            return
        self._sound += 1
        if self._sound % PATIENCE == 0:
            self._set(min(LARGEST, self._value * 2))

    def _set(self, value: float) -> None:
        self._value = value
        self.factor.fill_(value)
