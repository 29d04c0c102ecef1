# SPDX-License-Identifier: GPL-3.0-or-later
"""When frames were taken, as other programs write it: seconds or parts of them, times of day, dates, timecode.

A column of times is known by its name (`time`, `timestamp_ms`, `Elapsed Time (s)`), which may say its unit. Where it
does not, or says one at which nobody films, the unit is the one at which the frames follow each other as frames do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from .timecode import DAY, PATTERN, read_timecodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ...heads.arrays import Doubles

USUAL = "time", "timestamp", "seconds", "t"
"""Names that are taken before others."""
UNITS = {
    r"ns|nsecs?|nanos?|nanoseconds?": 1e-9,
    r"us|usecs?|micros?|microseconds?": 1e-6,
    r"ms|msecs?|millis?|milliseconds?": 1e-3,
    r"secs?|seconds?": 1.0,
    r"mins?|minutes?": 60.0,
}
"""Seconds in a unit, by how it is written at the end of a compared name. A single s may be a plural."""
UNIT_WORDS = {1e-9: "nanoseconds", 1e-6: "microseconds", 1e-3: "milliseconds", 1.0: "seconds", 60.0: "minutes"}
WORDS = r"timestamp|time|timecode|smpte|elapsed|clock|moment|pts|ts|tc|t"
ASIDES = (
    r"frame|captured?|media|device|video|sample|presentation|relative|rel|session|unix|epoch|system|record(?:ing|ed)?|"
    r"host|audio|current|local|game|anim(?:ation)?|face|arkit|abs(?:olute)?|start|since|utc|elapsed|total|the|in|of"
)
"""What may stand beside these words: which time it is does not matter, since all count from the first frame."""
NAME = re.compile(
    rf"(?:{ASIDES})*(?:(?P<word>{WORDS})s?(?:{ASIDES}|hhmmssf*)*)?(?P<unit>{'|'.join(UNITS)}|s)?", re.ASCII
)
LONGEST = 60
"""Letters of a name that is looked at."""
FASTEST, SLOWEST, SLOWEST_NAMED = 0.0009, 2.0, 600.0
"""Seconds from frame to frame, at least and at most; and at most where the unit is named."""
INFERRED = (1.0, 1e-3, 1e-6, 1e-9)
"""Units that are tried where none is named."""
OF_DAY = re.compile(r"\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)\s*")
DECIMAL = re.compile(r"\s*[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class Moments:
    """Times that were understood.

    Attributes:
        seconds: `[T]` from the first frame, in the file's order; they may not rise.
        fps: the frame rate that they are counted in; None where they are no counts.
        notes: a sentence where something had to be guessed.
    """

    seconds: Doubles
    fps: float | None = None
    notes: tuple[str, ...] = ()


def time_names(names: Iterable[str]) -> list[str]:
    """Return those of some compared names (`names.key`) that are times', the likeliest first.

    Example:
        >>> time_names(["jawopen", "timestampms", "time", "exposuretime"])
        ['time', 'timestampms']
    """
    short = [name for name in names if len(name) <= LONGEST]
    found = [name for name in short if (match := NAME.fullmatch(name)) and (match["word"] or match["unit"])]
    return sorted(found, key=lambda name: USUAL.index(name) if name in USUAL else len(USUAL))


def unit_in(name: str) -> float | None:
    """Return the seconds in the unit that a compared name of times ends in; None where it says none.

    Example:
        >>> unit_in("timestampms"), unit_in("capturetimeus"), unit_in("times")
        (0.001, 1e-06, None)
    """
    match = NAME.fullmatch(name)
    unit = match["unit"] if match else None
    return next((seconds for words, seconds in UNITS.items() if unit and re.fullmatch(words, unit)), None)


def understood(
    values: Sequence[Any], name: str, places: Sequence[int], path: Path, place: str = "line"
) -> Moments | None:
    """Return the times that some values tell; None where they cannot be told.

    Args:
        values: of each frame: numbers, or texts of one kind.
        name: their compared name.
        places: where in the file at `path` each frame is, for sentences; what a `place` is called.

    Raises:
        UserError: timecodes go back or count too many frames.
    """
    if not values or any(isinstance(value, bool) for value in values):
        return None
    texts = [value for value in values if isinstance(value, str)]
    if not texts:
        return counted_in_units(list(values), name) if all(isinstance(each, (int, float)) for each in values) else None
    if len(texts) < len(values):
        return None
    if all(DECIMAL.fullmatch(text) for text in texts):
        return counted_in_units([float(text.replace(",", ".")) for text in texts], name)
    if all(PATTERN.fullmatch(text) for text in texts):
        return Moments(*read_timecodes(texts, places, path, place))
    return of_day(texts) or dated(texts)


def counted_in_units(values: Sequence[float], name: str) -> Moments | None:
    """Return the times of numbers, in the unit that their name says or, failing that, in the one that makes sense."""
    counts = np.array(values, np.float64)
    if not np.isfinite(counts).all():
        return None
    counts = counts - counts[0]
    named = unit_in(name)
    if len(counts) < 2:
        return Moments(counts * (named or 1.0))
    step = float(np.median(np.abs(np.diff(counts))))
    if named and FASTEST <= step * named <= SLOWEST_NAMED:
        return Moments(counts * named)
    unit = next((each for each in INFERRED if FASTEST <= step * each <= SLOWEST), None)
    if unit is None:
        return None
    note = () if unit == (named or 1.0) else (f"Times are taken for {UNIT_WORDS[unit]}.",)
    return Moments(counts * unit, notes=note)


def of_day(texts: Sequence[str]) -> Moments | None:
    """Return the times of `HH:MM:SS.fff` or `MM:SS.fff`, past midnight too; None where one is written otherwise."""
    matches = [OF_DAY.fullmatch(text) for text in texts]
    parts = [[float((part or "0").replace(",", ".")) for part in match.groups()] for match in matches if match]
    if len(parts) < len(texts):
        return None
    seconds = np.array(parts) @ np.array([3600.0, 60.0, 1.0])
    seconds += DAY * np.cumsum(np.diff(seconds, prepend=seconds[0]) < -DAY / 2)
    return Moments(seconds - seconds[0])


def dated(texts: Sequence[str]) -> Moments | None:
    """Return the times of dates as ISO 8601 writes them; None where one is none."""
    try:
        dates = [datetime.fromisoformat(text.strip()) for text in texts]
        return Moments(np.array([(date - dates[0]).total_seconds() for date in dates]))
    except (ValueError, TypeError, OverflowError):  # TypeError: some have a time zone and some have not
        return None
