# SPDX-License-Identifier: GPL-3.0-or-later
"""How far expression and pose go beyond what an avatar was trained on: the distance of Tab. 4, per frame.

Of each parameter the footage's frames are kept that are farthest from each other; a frame's distance is that to the
nearest of them, in standard deviations of training. It is beyond what was trained where no other part of the footage is
so far from the rest: a fifth is left out at a time, and `WITHIN` of those frames count as known.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...common.errors import UserError
from ..heads.head import ARKIT_NAMES
from ..heads.rotations import to_angles
from .channel_words import beyond_words, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..heads.arrays import Booleans, Doubles, Floats, Indices
    from .performance import Performance

FLOORS = {"expression": 0.1, "rotation": np.radians(4), "translation": 0.01, "gaze": np.radians(5)}
"""The least deviation that counts: of what training hardly moved, its noise is no measure."""
WIDTHS = {"expression": len(ARKIT_NAMES), "rotation": 3, "translation": 3, "gaze": 4}
LEAST_REACH = {"expression": 0.5, "rotation": 0.5, "translation": 2.0, "gaze": 0.5}
"""Deviations that never warn. Of translation, networks of convolutions bear 2.0 as well as what they know (Tab. 4)."""
WITHIN = 0.95
PARTS = 5
KEPT, LOOKED_AT = 48, 2000
"""Frames of each parameter that are kept, and out of how many at most."""
LEAST_FRAMES = 10
NAMED = 2
"""Channels that a sentence names."""
NOTABLE = 0.5
"""Deviations beyond the least and the greatest that are worth a name."""


@dataclass(frozen=True, eq=False)
class Extent:
    """What training saw of one parameter of C columns.

    Attributes:
        low, high: `[C]` the least and the greatest; deviation: `[C]` standard deviations, at least the floor.
        samples: `[N, C]` frames that lie far apart.
        reach: the distance up to which a frame counts as known.
    """

    low: Doubles
    high: Doubles
    deviation: Doubles
    samples: Doubles
    reach: float

    @classmethod
    def of(cls, rows: Doubles, floor: float, least_reach: float) -> Self:
        """Describe the frames `[T, C]` of training."""
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LOOKED_AT)).astype(int)]
        deviation = np.maximum(rows.std(0), floor)
        scaled = rows / deviation
        parts = np.array_split(np.arange(len(rows)), PARTS)
        left_out = [nearest(scaled[part], apart(np.delete(scaled, part, 0), KEPT)) for part in parts]
        reach = max(least_reach, float(np.quantile(np.concatenate(left_out), WITHIN)))
        return cls(rows.min(0), rows.max(0), deviation, apart(scaled, KEPT) * deviation, reach)

    def distances(self, rows: Doubles) -> Doubles:
        """Return `[T]`: how far frames `[T, C]` are from training, in what counts as known: above 1 they are beyond."""
        away: Doubles = nearest(rows / self.deviation, self.samples / self.deviation) / self.reach
        return away

    def columns_beyond(self, row: Doubles) -> Indices:
        """Return the columns of a frame `[C]` that go notably beyond what training saw, the one farthest out first."""
        out = np.maximum(row - self.high, self.low - row) / self.deviation
        order: Indices = np.argsort(-out, kind="stable")
        return order[out[order] > NOTABLE]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, a few kilobytes; samples are kept to 1/255 of the range."""
        span = np.maximum(self.high - self.low, 1e-9)
        steps = np.rint((self.samples - self.low) / span * 255).astype(np.uint8)
        rows = {name: np.round(getattr(self, name), 4).tolist() for name in ("low", "high", "deviation")}
        return {**rows, "samples": base64.b64encode(steps.tobytes()).decode("ascii"), "reach": round(self.reach, 3)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any], width: int) -> Self:
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError when it is something else."""
        low, high, deviation = (np.array(said[name], np.float64) for name in ("low", "high", "deviation"))
        steps = np.frombuffer(base64.b64decode(said["samples"], validate=True), np.uint8).reshape(-1, width)
        reach = float(said["reach"])
        right = all(each.shape == (width,) and np.isfinite(each).all() for each in (low, high, deviation))
        if not (right and len(steps) and (deviation > 0).all() and reach > 0):
            raise ValueError("no description of a training's range")
        return cls(low, high, deviation, low + steps / 255 * (high - low), reach)


@dataclass(frozen=True, eq=False)
class TrainedRange:
    """What an avatar was trained on, by parameter: `expression [52]`, `rotation` (pitch, yaw, roll), `translation`,
    `gaze` (left pitch, left yaw, right pitch, right yaw), in the units of a performance.
    """

    extents: Mapping[str, Extent]

    @classmethod
    def of(cls, performance: Performance) -> Self | None:
        """Describe the frames of a training; None where they are too few to tell."""
        known = performance.at(performance.trusted)
        if len(known) < LEAST_FRAMES:
            return None
        motion = motion_of(known)
        return cls({name: Extent.of(rows, FLOORS[name], LEAST_REACH[name]) for name, rows in motion.items()})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for an avatar's metadata."""
        return {name: extent.to_json() for name, extent in self.extents.items()}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self | None:
        """Read what an avatar's metadata says; None where it says nothing.

        Raises:
            UserError: it is damaged.
        """
        try:
            return cls({name: Extent.from_json(said[name], WIDTHS[name]) for name in WIDTHS}) if said else None
        except (KeyError, TypeError, ValueError) as error:
            raise UserError("The avatar's file is damaged where it tells of its training; build it again.") from error

    def without(self, *parameters: str) -> TrainedRange:
        """The same, without parameters that do not matter."""
        return TrainedRange({name: each for name, each in self.extents.items() if name not in parameters})

    def excess(self, motion: Mapping[str, Floats | Doubles]) -> Doubles:
        """Return `[T]`: how far frames go, of the parameter that goes farthest: above 1 beyond what was trained.

        `motion` has `[T, C]` of each parameter, as `motion_of` gives it.
        """
        away = [extent.distances(np.asarray(motion[name], np.float64)) for name, extent in self.extents.items()]
        most: Doubles = np.max(away, 0)
        return most

    def reasons(self, motion: Mapping[str, Floats | Doubles], frame: int) -> list[str]:
        """Say what of a frame is beyond what was trained, the farthest first: "yaw 34°, trained to 21°"."""
        out: list[tuple[float, str]] = []
        for name, extent in self.extents.items():
            row = np.asarray(motion[name][frame], np.float64)
            away = float(extent.distances(row[None])[0])
            if away > 1:
                farthest: dict[str, int] = {}
                for column in extent.columns_beyond(row):
                    farthest.setdefault(title_of(name, column), column)
                columns = list(farthest.values())[:NAMED]
                words = [beyond_words(name, column, row, extent.low, extent.high) for column in columns]
                out += [(away, each) for each in words or [f"a combination of {name} that training never saw"]]
        return [words for _, words in sorted(out, key=lambda each: -each[0])]


def motion_of(performance: Performance) -> dict[str, Doubles]:
    """Return the parameters `[T, C]` of a performance by name; see `TrainedRange`."""
    return {
        "expression": performance.expression.astype(np.float64),
        "rotation": to_angles(performance.rotation.astype(np.float64)),
        "translation": performance.translation.astype(np.float64),
        "gaze": performance.gaze.astype(np.float64).reshape(len(performance), 4),
    }


def summary(trained: TrainedRange, performance: Performance) -> str:
    """Say in one sentence which frames of a performance go beyond what was trained, and in what; empty for none."""
    motion = motion_of(performance)
    excess = trained.excess(motion)
    if not (excess > 1).any():
        return ""
    why = "; ".join(trained.reasons(motion, int(excess.argmax()))[:NAMED])
    return f"{spans_words(spans(excess > 1))} beyond what the avatar was trained on (farthest: {why})."


def spans(beyond: Booleans) -> list[tuple[int, int]]:
    """Return first and last frame of each run of frames in `[T]`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], beyond.astype(np.int8), [0]])))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def spans_words(found: Iterable[tuple[int, int]], most: int = 4) -> str:
    """Say which frames, the longest runs where there are many.

    Example:
        >>> spans_words([(40, 62), (80, 80)])
        'Frames 40-62 and 80 go'
    """
    runs = list(found)
    longest = sorted(sorted(runs, key=lambda run: run[0] - run[1])[:most])
    words = [f"{first}-{last}" if last > first else f"{first}" for first, last in longest]
    left = sum(last - first + 1 for first, last in runs) - sum(last - first + 1 for first, last in longest)
    words += [f"{left} more"] if left else []
    if len(words) == 1 and runs[0][0] == runs[0][1]:
        return f"Frame {words[0]} goes"
    listed = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    return f"Frames {listed} go"


def nearest(rows: Doubles, known: Doubles) -> Doubles:
    """Return `[T]`: root mean square distances of `rows [T, C]` to the nearest of `known [N, C]`."""
    squares = (rows**2).sum(1)[:, None] + (known**2).sum(1) - 2 * rows @ known.T
    away: Doubles = np.sqrt(np.maximum(squares.min(1), 0) / rows.shape[1])
    return away


def apart(rows: Doubles, most: int) -> Doubles:
    """Return at most so many of `rows [T, C]`: from the middle on, always the one that is farthest from all before."""
    chosen = [int(nearest(rows, rows.mean(0, keepdims=True)).argmin())]
    away = nearest(rows, rows[chosen])
    while len(chosen) < most and away.max() > 1e-6:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, nearest(rows, rows[chosen[-1:]]))
    return rows[chosen]
