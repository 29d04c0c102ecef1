# SPDX-License-Identifier: GPL-3.0-or-later
"""Causal smoothing for live use: the One-Euro filter (Casiez et al. 2012), a low-pass that opens with speed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from .smoothing import QUICK_COLUMNS

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers
    from ..performances.performance import Performance

SPEED_CUTOFF = 2.0
"""Hertz; the speed that opens the filter is itself smoothed with this cutoff."""


@dataclass(frozen=True)
class Response:
    """How a filter answers.

    Attributes:
        cutoff: hertz, where the signal is still: the lower, the calmer.
        opening: hertz by which the cutoff rises for each unit a second of speed: the higher, the less lag.
    """

    cutoff: float
    opening: float


FACE = Response(1.0, 10.0)
LIPS_AND_LIDS = Response(3.0, 10.0)
ROTATION = Response(1.0, 20.0)
TRANSLATION = Response(1.0, 100.0)
GAZE = Response(1.0, 15.0)


class OneEuro:
    """Smooths a performance that arrives in pieces, from past frames only."""

    def __init__(self) -> None:
        self._start_anew()

    def _start_anew(self) -> None:
        self._time: float | None = None
        self._expression, self._lips_and_lids = Filter(FACE), Filter(LIPS_AND_LIDS)
        self._rotation, self._translation = RotationFilter(ROTATION), Filter(TRANSLATION, joint=True)
        self._gaze = Filter(GAZE)

    def smoothed(self, piece: Performance) -> Performance:
        """Return the next piece, one frame or several, smoothed; `times` say how far frames are apart.

        The first frame comes back as it is, and so does one that is not later than the frame before it: a new take.
        """
        motions = [self._step(piece, index) for index in range(len(piece))]
        expression, rotation, translation, gaze = (
            np.stack(each).astype(np.float32) for each in zip(*motions, strict=True)
        )
        return replace(
            piece, expression=expression, rotation=rotation, translation=translation, gaze=gaze.reshape(-1, 2, 2)
        )

    def _step(self, piece: Performance, index: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        time = float(piece.times[index])
        if self._time is not None and time <= self._time:
            self._start_anew()
        apart = time - self._time if self._time is not None else 1.0
        self._time = time
        expression = self._expression.step(piece.expression[index], apart)
        expression[QUICK_COLUMNS] = self._lips_and_lids.step(piece.expression[index, QUICK_COLUMNS], apart)
        return (
            expression,
            self._rotation.step(piece.rotation[index], apart),
            self._translation.step(piece.translation[index], apart),
            self._gaze.step(piece.gaze[index].ravel(), apart),
        )


class Filter:
    """The filter of values `[N]`; with `joint` all of them count as one motion.

    Example:
        >>> steady = Filter(Response(cutoff=1.0, opening=0.0))
        >>> steady.step(np.zeros(1), apart=0.04), steady.step(np.ones(1), apart=0.04).round(2)
        (array([0.]), array([0.2]))
    """

    def __init__(self, response: Response, joint: bool = False) -> None:
        self._response, self._joint = response, joint
        self._value: Doubles | None = None
        self._velocity: Doubles | None = None

    def step(self, value: Numbers, apart: float) -> Doubles:
        """Return `[N]`: the next `value [N]`, filtered; it comes `apart` seconds after the last one."""
        value = np.asarray(value, np.float64)
        if self._value is None or self._velocity is None:
            self._value, self._velocity = value, np.zeros_like(value)
        change = value - self._value
        self._velocity = self._velocity + share(SPEED_CUTOFF, apart) * (change / apart - self._velocity)
        speed = np.linalg.norm(self._velocity) if self._joint else np.abs(self._velocity)
        self._value = self._value + share(self._response.cutoff + self._response.opening * speed, apart) * change
        return self._value.copy()


class RotationFilter:
    """The filter of rotations `[3, 3]`, along the shortest way between them."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._value: Rotation | None = None
        self._velocity = np.zeros(3)

    def step(self, matrix: Numbers, apart: float) -> Doubles:
        """Return `[3, 3]`: the next rotation `matrix [3, 3]`, filtered; it comes `apart` seconds after the last one."""
        rotation = Rotation.from_matrix(matrix)
        self._value = self._value or rotation
        change = (rotation * self._value.inv()).as_rotvec()
        self._velocity = self._velocity + share(SPEED_CUTOFF, apart) * (change / apart - self._velocity)
        cutoff = self._response.cutoff + self._response.opening * np.linalg.norm(self._velocity)
        self._value = Rotation.from_rotvec(share(cutoff, apart) * change) * self._value
        filtered: Doubles = self._value.as_matrix()
        return filtered


def share(cutoff: float | np.floating[Any] | Numbers, apart: float) -> Doubles:
    """Return `[...]`: the share of the way to a new value that a low-pass of `cutoff [...]` Hz goes in `apart` s."""
    angle = 2 * np.pi * np.asarray(cutoff, np.float64) * apart
    return angle / (1 + angle)
