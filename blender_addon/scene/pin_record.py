# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take keeps about its pins: where they are, what they changed, and what was there before. No bpy.

A frame's channels are a row of 58 numbers: 52 expressions, the head bone's place, its angles. What pins change in a
frame is added to its neighbours too, less and less, as far as the pins reach; it ends at a frame that has its own pins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...tracking.heads.arrays import Doubles

EXPRESSIONS, ANGLES = slice(0, 52), slice(55, 58)
CHANNELS = 58
VERSION = 1
DIGITS = 7
ROUNDING = 1e-5
"""By how much keys, in single precision, may differ from what was written and be the same."""

Place = tuple[float, float]
"""Where something is in the camera's window: shares of its width and height from the top left corner."""


@dataclass(frozen=True)
class Correction:
    """What pins do to their frame.

    Attributes:
        pins: the landmarks' places, by their numbers.
        reach: frames before and after it that change with it.
        change: `[58]`: what is added to its channels.
    """

    pins: Mapping[int, Place]
    reach: int
    change: Doubles


@dataclass(frozen=True)
class Record:
    """The pins of a take.

    Attributes:
        frames: the corrections by frame.
        before: the channels `[58]` without any, of every frame that one reaches.
    """

    frames: Mapping[int, Correction] = field(default_factory=dict)
    before: Mapping[int, Doubles] = field(default_factory=dict)

    def added(self, frames: range, without: int | None = None) -> Doubles:
        """Return `[N, 58]`: what the corrections add to the channels of frames, but for one of them."""
        corrections = {frame: each for frame, each in self.frames.items() if frame != without}
        total = np.zeros((len(frames), CHANNELS))
        for frame, each in corrections.items():
            total += weights(np.array(frames), frame, each.reach, list(corrections))[:, None] * each.change
        return total

    def unpinned(self, frames: range, now: Doubles) -> Doubles:
        """Return `[N, 58]`: what the channels of frames, `now [N, 58]`, would be without corrections.

        What an artist has changed by hand since stays so.
        """
        known = np.stack([self.before.get(frame, row) for frame, row in zip(frames, now, strict=True)])
        by_hand = now - corrected(known, self.added(frames))
        unpinned: Doubles = known + np.where(np.abs(by_hand) > ROUNDING, by_hand, 0)
        return unpinned

    def affected(self, frame: int, reach: int) -> range:
        """The frames that may change with the pins of one that reach so far."""
        spans = {at: each.reach for at, each in self.frames.items()}
        near = {at: far for at, far in spans.items() if abs(at - frame) <= max(far, reach)}
        near[frame] = max(reach, near.get(frame, 0))
        return range(min(at - far for at, far in near.items()), max(at + far for at, far in near.items()) + 1)

    def changed(self, frame: int, correction: Correction | None, frames: range, before: Doubles) -> Record:
        """The record with another correction of a frame, or none; `before [N, 58]` are channels without any."""
        corrections = {at: each for at, each in self.frames.items() if at != frame}
        if correction is not None:
            corrections[frame] = correction
        known = {**self.before, **dict(zip(frames, before, strict=True))}
        reached = {at for at in known if any(abs(at - each) <= corrections[each].reach for each in corrections)}
        return replace(self, frames=corrections, before={at: known[at] for at in sorted(reached)})


def corrected(before: Doubles, added: Doubles) -> Doubles:
    """Return the channels `[N, 58]` with what is added to them; expressions stay between 0 and 1."""
    total: Doubles = before + added
    total[:, EXPRESSIONS] = np.clip(total[:, EXPRESSIONS], 0, 1)
    return total


def weights(frames: Doubles, pinned: int, reach: int, others: list[int]) -> Doubles:
    """Return `[N]`: how much of a pinned frame's change other frames get: 1 there, and smoothly 0 beyond its reach and
    at any of the other pinned frames.
    """
    before = max((each for each in others if each < pinned), default=pinned - reach - 1)
    after = min((each for each in others if each > pinned), default=pinned + reach + 1)
    spans = np.where(frames < pinned, min(reach + 1, pinned - before), min(reach + 1, after - pinned))
    away = np.minimum(np.abs(frames - pinned) / spans, 1)
    fading: Doubles = 0.5 + 0.5 * np.cos(np.pi * away)
    return fading


def nearest_angles(change: Doubles) -> Doubles:
    """Return changes of angles `[3]` without the whole turns in them."""
    turns: Doubles = change - 2 * np.pi * np.round(change / (2 * np.pi))
    return turns


def written(record: Record) -> str:
    """Return a record as text; empty for one without pins."""
    if not record.frames:
        return ""
    frames = {str(at): {**asdict(each), "change": rounded(each.change)} for at, each in record.frames.items()}
    before = {str(at): rounded(row) for at, row in record.before.items()}
    return json.dumps({"version": VERSION, "frames": frames, "before": before})


def rounded(row: Doubles) -> list[float]:
    """The numbers of a row `[58]` as they are kept."""
    numbers: list[float] = np.round(row, DIGITS).tolist()
    return numbers


def read(text: str) -> Record:
    """Read what `written` returned; what is none of ours, or of a newer version, is a record without pins."""
    try:
        said = json.loads(text) if text else {}
        if said.get("version") != VERSION:
            return Record()
        frames = {int(at): read_correction(each) for at, each in said["frames"].items()}
        return Record(frames, {int(at): read_row(row) for at, row in said["before"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return Record()


def read_correction(said: Mapping[str, object]) -> Correction:
    """Read a correction. Raises ValueError, KeyError or TypeError where it is none."""
    pins = {int(number): (float(x), float(y)) for number, (x, y) in dict(said["pins"]).items()}  # type: ignore[call-overload]
    return Correction(pins, int(said["reach"]), read_row(said["change"]))  # type: ignore[call-overload]


def read_row(said: object) -> Doubles:
    """Read the channels of a frame. Raises ValueError or TypeError where they are none."""
    return np.array(said, np.float64).reshape(CHANNELS)
