# SPDX-License-Identifier: GPL-3.0-or-later
"""What the maps show of a mouth's inside: nothing between closed lips, the more light the farther they are apart.

The fixed light of the maps casts no shadows. Through every narrow gap between the lips the teeth would shine as a white
line where footage is dark, and a network that sees few such gaps would paint them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Booleans, Floats, Integers

CORNERS = (78, 308)
"""Landmarks of the corners of the mouth: right, left."""
UPPER_RIM = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_RIM = (95, 88, 178, 87, 14, 317, 402, 318, 324)
"""Landmarks of the lips' inner rims between the corners, from the right; each lies opposite one of the other lip."""
PAIRS = len(UPPER_RIM)
OUTSIDE = -1.0
OPENING = 0.005
"""Metres between the lips at which two thirds of the light fall in."""
NARROW = 0.0022
"""Metres between the lips up to which nothing can be told of what is behind them: two or three pixels of the maps."""
WIDE = 2.0
"""In narrow gaps: the corners of a mouth that is open as wide are seen with the rest of it."""


@dataclass(frozen=True)
class MouthLight:
    """Where the inside of a mouth is, and between what.

    Attributes:
        places: `[V]` where along the lips each vertex inside the mouth lies: 0 at the right corner, 1 to 9 at the
            pairs of the rims, 10 at the left corner; `OUTSIDE` for all others.
        rims: `[2, 9]` vertices of the upper and of the lower lip's inner rim, opposite each other.
    """

    places: Floats
    rims: Integers

    @classmethod
    def of(cls, mean: Floats, inside: Booleans, landmarks: Integers) -> MouthLight:
        """That of a head of `mean [V, 3]` shape: what is `inside [V]` its mouth, vertices of its `landmarks [478]`."""
        rims = landmarks[[UPPER_RIM, LOWER_RIM]]
        right, left = mean[landmarks[list(CORNERS)], 0]
        stops = np.array([right, *mean[rims, 0].mean(0), left])
        places = np.full(len(mean), OUTSIDE, np.float32)
        places[inside] = np.interp(mean[inside, 0], stops, np.arange(PAIRS + 2))
        return cls(places, rims)

    def behind_closed_lips(self, uv: Floats, vertices: Floats) -> Floats:
        """Return `uv [V, ...]` with what narrow gaps show of the inside of the mouth given the lips' own coordinates.

        A gap that is hardly as wide as a pixel of the maps shows a pixel of teeth here and there, not a line.
        `vertices [V, 3]` are metres.
        """
        inside = np.flatnonzero(self.places >= 0)
        openings = self._openings(inside, vertices)
        if openings.max(initial=0) > WIDE * NARROW:
            return uv
        hidden = inside[openings < NARROW]
        pair = np.clip(self.places[hidden].round().astype(int) - 1, 0, PAIRS - 1)
        closed = uv.copy()
        closed[hidden] = uv[self.rims].mean(0)[pair]
        return closed

    def dimmed(self, colours: Floats, vertices: Floats) -> Floats:
        """Return lit `colours [V, 3]` with the inside of the mouth darkened; `vertices [V, 3]` are metres."""
        inside = np.flatnonzero(self.places >= 0)
        light = 1 - np.exp(-np.square(self._openings(inside, vertices) / OPENING))
        dimmed = colours.copy()
        dimmed[inside] *= light[:, None].astype(np.float32)
        return dimmed

    def _openings(self, inside: Integers, vertices: Floats) -> Floats:
        """Return `[N]`: metres between the lips before each of the vertices `inside [N]` the mouth."""
        upper, lower = vertices[self.rims]
        openings = np.pad(np.linalg.norm(lower - upper, axis=-1), 1)
        return np.interp(self.places[inside], np.arange(PAIRS + 2), openings).astype(np.float32)
