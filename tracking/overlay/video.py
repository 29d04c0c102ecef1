# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage with what was tracked drawn over it, as a video, and a plot of every coefficient beside it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, silent
from ..detection.follower import SubjectFollower
from ..media.footage import Footage
from ..media.sound import Sound
from ..media.video import timed_video_to, write_png
from .coefficient_plot import coefficient_plot
from .drawing import Overlay, enlarged

if TYPE_CHECKING:
    from pathlib import Path

    from ..heads.head import MorphableHead
    from ..performances.performance import Performance


def write_overlay(
    out: Path, performance: Performance, head: MorphableHead, footage: Path | None = None, listener: Listener = silent
) -> Path:
    """Write `out` (.mp4), the footage with the performance drawn over it, each picture at its own time, and its sound;
    return the plot's path (.png).

    `footage` is where the performance says it is, unless it was moved. Landmarks are detected anew, for comparison;
    frames that the performance lacks are shown bare.

    Raises:
        UserError: the performance is another head's or has no footage, or the footage is missing or damaged.
    """
    if out.suffix.lower() != ".mp4":
        raise UserError(f"The overlay cannot be written as {out.name}; end the name in .mp4.")
    if performance.head != head.name:
        raise UserError(f"The performance is for the head {performance.head}, not for {head.name}; name its own head.")
    if performance.crop is None or not (footage or performance.source):
        raise UserError("The performance has no footage to be drawn over; choose one that was tracked from a video.")
    source = Footage.open(footage or performance.source)
    plot = out.with_suffix(".png")
    write_png(plot, coefficient_plot(performance))
    clock = Clock("Drawing over the footage", source.count, listener)
    with (
        Overlay(head, performance) as overlay,
        SubjectFollower() as follower,
        closing(source.frames()) as frames,
        timed_video_to(out, source.fps, Sound(source.path)) as write,
    ):
        for number, frame in enumerate(frames):
            clock.tell(number)
            index = frame_at(performance, frame.time, source.fps)
            if index is None:
                write(enlarged(frame.image), frame.time)
            else:
                write(overlay.draw(frame.image, index, follower.follow(frame.image, frame.time)), frame.time)
    return plot


def frame_at(performance: Performance, time: float, fps: float) -> int | None:
    """The performance's frame at `time` seconds; None where it has none. `fps` is the footage's average frame rate."""
    steps = np.diff(performance.times)
    usual = min(float(np.median(steps)), 1 / fps) if len(steps) else 1 / fps
    nearest = int(np.abs(performance.times - time).argmin())
    return nearest if abs(performance.times[nearest] - time) < 0.5 * usual else None
