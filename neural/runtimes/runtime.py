# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of all runtimes, and when two of them agree."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

MEAN_ERROR = 1 / 127.5
"""How far pictures may differ on average: one grey level."""
PIXEL_ERROR = 16 / 127.5
"""How far a pixel may differ in any channel before it counts as spoilt."""
MOST_SPOILT = 1e-3
"""Share of pixels that may be spoilt: along the outline alpha is so steep that a few always are, and nobody sees it."""


class Runtime(Protocol):
    """An avatar's network for one look: one time code, person and backdrop in one place."""

    def run(self, uv: Tensor, texture: Tensor) -> Tensor:
        """Paint `[1, 4, R, R]` float32 RGBA in [-1, 1] of two maps `[1, 3, 256, 256]` float32 in [-1, 1].

        What is returned may be overwritten by the next call.
        """


def agree(one: Tensor, other: Tensor) -> bool:
    """Tell whether two pictures `[1, 4, R, R]` in [-1, 1] look the same; pictures with NaN look like nothing."""
    difference = (one.float() - other.float()).abs()
    spoilt = (difference.amax(1) > PIXEL_ERROR).float().mean()
    return bool(difference.mean() <= MEAN_ERROR) and bool(spoilt <= MOST_SPOILT)
