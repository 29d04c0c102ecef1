# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmarks that artists pin: those whose place in a picture can be told by eye."""

from __future__ import annotations

PIN_POINTS: dict[str, tuple[int, ...]] = {
    "Left Eye": (263, 387, 386, 385, 362, 380, 374, 373),
    "Right Eye": (33, 160, 159, 158, 133, 153, 145, 144),
    "Left Brow": (285, 295, 334, 293, 300),
    "Right Brow": (55, 65, 105, 63, 70),
    "Nose": (168, 197, 4, 98, 2, 327),
    "Lips": (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),
    "Mouth": (82, 13, 312, 317, 14, 87),
    "Jaw": (234, 132, 172, 150, 176, 152, 400, 379, 397, 361, 454),
}
"""Numbers of MediaPipe's landmarks by part of the face, in the order of a line along it; left is the subject's."""
CLOSED = frozenset({"Left Eye", "Right Eye", "Lips", "Mouth"})
"""The parts whose line ends where it begins."""


def part_of(landmark: int) -> str:
    """The part of the face that a landmark is of.

    Raises:
        KeyError: none that can be pinned.

    Example:
        >>> part_of(152)
        'Jaw'
    """
    for part, points in PIN_POINTS.items():
        if landmark in points:
            return part
    raise KeyError(landmark)
