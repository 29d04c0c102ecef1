# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPTE timecode, with parts of a frame behind a point as Live Link Face writes it: `HH:MM:SS:FF.fff`.

With `;` before the frames it is drop-frame timecode: 29.97 (or 59.94) frames a second are counted as 30 (60), and the
first two (four) numbers of each minute are left out, except each tenth minute's. 29.97 frames a second counted without
dropping cannot be told from 30 by its numbers and is read as 30.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ....common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ...heads.arrays import Doubles

PATTERN = re.compile(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})([:;])(\d{1,3}(?:[.,]\d+)?)\s*")
BASES = (60, 30, 24, 25, 50, 48, 100, 120, 240)
"""Frames that a second of timecode may count, the likelier first: Live Link Face counts 60."""
DROPPING = (30, 60)
"""Of these, those that have drop-frame timecode."""
DAY = 24 * 3600


def read_timecodes(
    texts: Sequence[str], lines: Sequence[int], path: Path, place: str = "line"
) -> tuple[Doubles, float]:
    """Return seconds `[T]` from the first of some timecodes, and their frame rate; midnight may lie between.

    The frame rate is inferred: numbers must follow each other steadily across the seconds. `lines` are the numbers of
    their lines in the file at `path`, or of what else a `place` in it is called.

    Raises:
        UserError: one is no timecode, or time goes back.

    Example:
        >>> from pathlib import Path
    >>> times, fps = read_timecodes(["10:00:00:23", "10:00:00:24", "10:00:01:00"], [2, 3, 4], Path("take.csv"))
        >>> times, fps
        (array([0.  , 0.04, 0.08]), 25.0)
    """
    matches = [matched(text, line, path) for text, line in zip(texts, lines, strict=True)]
    parts = np.array([[float(part.replace(",", ".")) for part in match.group(1, 2, 3, 5)] for match in matches])
    seconds, frames = parts[:, :3] @ np.array([3600.0, 60.0, 1.0]), parts[:, 3]
    seconds += DAY * np.cumsum(np.diff(seconds, prepend=seconds[0]) < -DAY / 2)
    base = likely_base(seconds, frames, path)
    drops = base in DROPPING and (matches[0][4] == ";" or leaves_numbers_out(seconds, frames, base))
    rate = base * 1000 / 1001 if drops else float(base)
    counts = seconds * base + frames - (left_out(seconds, base) if drops else 0)
    steps = np.diff(counts)
    if (steps < 0).any():
        raise UserError(
            f"In {place} {lines[int(np.argmax(steps < 0)) + 1]} of {path} time goes back; split the file there."
        )
    usual = max(1, round(float(np.median(steps)))) if len(steps) else 1
    return (counts - counts[0]) / rate, rate / usual


def timecode(time: float, fps: float) -> str:
    """Return the timecode of `time` seconds after midnight, in the counting that suits `fps`."""
    base, drops = counting(fps)
    rate = base * 1000 / 1001 if drops else base
    thousandths = round(time * rate * 1000)
    count, part = divmod(thousandths, 1000)
    count = count + added(count, base) if drops else count
    minutes, frames = divmod(count, 60 * base)
    second, frame = divmod(frames, base)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}:{second:02d}{';' if drops else ':'}{frame:02d}.{part:03d}"


def counting(fps: float) -> tuple[int, bool]:
    """Return how many frames a second of timecode counts for a frame rate, and whether it drops numbers."""
    for base in DROPPING:
        if abs(fps - base * 1000 / 1001) < 0.005:
            return base, True
    multiples = (base for base in sorted(BASES) if abs(base / fps - round(base / fps)) < 1e-6)
    return next(multiples, 60), False


def matched(text: str, line: int, path: Path) -> re.Match[str]:
    """A timecode in its parts.

    Raises:
        UserError: `text` is no timecode.
    """
    match = PATTERN.fullmatch(text)
    if match is None:
        raise UserError(f"Line {line} of {path} has the timecode “{text[:40]}”; HH:MM:SS:FF.fff is needed.")
    return match


def likely_base(seconds: Doubles, frames: Doubles, path: Path) -> int:
    """Return the frames a second by which the most numbers follow each other at the usual step, the others nearly.

    `seconds [T]` and `frames [T]` are the two parts of each timecode.

    Raises:
        UserError: a second has more frames than any rate that is known.
    """
    possible = [base for base in BASES if base > frames.max()]
    if not possible:
        raise UserError(
            f"{path} has timecodes with {frames.max():.0f} frames in a second; up to {max(BASES)} are known."
        )

    def steadiness(base: int) -> tuple[float, float]:
        steps = np.diff(seconds * base + frames)
        off = np.abs(steps - np.median(steps)) if len(steps) else np.zeros(1)
        return float((off < 0.25).mean()), -float(off.max())

    return max(possible, key=steadiness)


def leaves_numbers_out(seconds: Doubles, frames: Doubles, base: int) -> bool:
    """Tell whether each minute's first numbers are left out, except each tenth's, although no `;` says so.

    `seconds [T]` and `frames [T]` are the two parts of each timecode, `base` the frames a second.
    """
    last = (seconds[:-1] % 60 == 59) & (np.floor(frames[:-1]) == base - 1)
    starts = last & (seconds[1:] == seconds[:-1] + 1) & (seconds[1:] % 600 != 0)
    return bool(starts.any()) and bool((np.floor(frames[1:][starts]) == base // 15).all())


def left_out(seconds: Doubles, base: int) -> Doubles:
    """Return `[T]`: how many numbers drop-frame timecode has left out up to `seconds [T]`."""
    minutes = np.floor(seconds / 60)
    numbers: Doubles = base // 15 * (minutes - np.floor(minutes / 10))
    return numbers


def added(count: int, base: int) -> int:
    """Return how much ahead drop-frame timecode is at a frame."""
    skipped = base // 15
    tens, rest = divmod(count, 600 * base - 9 * skipped)
    return skipped * (9 * tens + max(0, rest - skipped) // (60 * base - skipped))
