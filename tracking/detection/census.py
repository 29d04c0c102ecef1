# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is seen in a take besides the subject: counted now and then, and told apart by their looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .landmarks import Landmarks, face_width, rivals_among
from .likeness import LEARNT, Acquaintance, appearance

if TYPE_CHECKING:
    from ..heads.arrays import Image

LARGE = 0.8
"""Share of the widest face's width from which a face may be who the footage is about, too."""
OUTWEIGHS = 1.5
"""Somebody else is the subject whose faces are together so many times as wide as those of who was taken for it."""


@dataclass
class Someone:
    """A person other than the subject, and the widths of all sightings together, in widths of the picture."""

    known: Acquaintance
    weight: float


class Census:
    """Collects what a few looks at a take show."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        """How many faces, any of which may be who the footage is about, each look showed; 0 for none."""
        self._weight = 0.0
        self._others: list[Someone] = []

    def add(self, subject: Landmarks | None, others: list[Landmarks], rgb: Image) -> None:
        """Add a look: the subject's face `[478, 3]`, where it is seen, and those of others in a picture `[H, W, 3]`."""
        faces = sorted([*others, *([] if subject is None else [subject])], key=face_width, reverse=True)
        self.counts.append(rivals_among(faces, LARGE) if faces else 0)
        self._weight += 0.0 if subject is None else face_width(subject) / rgb.shape[1]
        for face in others:
            self._meet(face, rgb)

    def main_person(self) -> Acquaintance | None:
        """Return who was seen by far larger and longer than who was taken for the subject; None where nobody was."""
        most = max(self._others, key=lambda someone: someone.weight, default=None)
        return most.known if most and most.weight > OUTWEIGHS * self._weight else None

    def _meet(self, face: Landmarks, rgb: Image) -> None:
        """Count a face for who it is most like, or for somebody new."""
        seen, width = appearance(rgb, face), face_width(face) / rgb.shape[1]
        alike = max(self._others, key=lambda someone: someone.known.likeness(seen), default=None)
        if alike is None or alike.known.likeness(seen) < LEARNT:
            self._others.append(Someone(Acquaintance(seen), width))
        else:
            alike.known.learn(seen)
            alike.weight += width
