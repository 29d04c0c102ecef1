# SPDX-License-Identifier: GPL-3.0-or-later
"""`track --camera` and `track --stream`: live tracking, with its figures on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ...common.errors import UserError
from ...tracking.heads.head import ARKIT_NAMES, MorphableHead
from ...tracking.live.live_frames import LiveFrame, joined, live_frames
from ...tracking.live.meter import Meter, Reading
from ...tracking.live.source import Camera, LiveSource, played
from ...tracking.performances.captures.registry import write_performance
from ...tracking.performances.performance import Performance
from .terminal import stop_request

SECONDS_BETWEEN_LINES = 5.0
DIGITS = 5

Show = Callable[[str], None]


def track_camera(number: int, head: MorphableHead, size: int, out: Path | None, as_json: bool) -> None:
    """Track what a camera sees until Ctrl-C.

    Raises:
        UserError: there is no such camera, or no face was tracked.
    """
    with closing(Camera(number)) as camera:
        follow(camera, head, size, out, as_json)


def track_stream(path: Path, head: MorphableHead, size: int, out: Path | None, as_json: bool) -> None:
    """Track a video file at its own pace, until its end or Ctrl-C.

    Raises:
        UserError: there is no such video, it is damaged, or no face was tracked.
    """
    follow(played(path), head, size, out, as_json)


def follow(source: LiveSource, head: MorphableHead, size: int, out: Path | None, as_json: bool) -> None:
    """Track a source: tell the figures, print frames as lines of JSON if asked, and save the performance to `out`."""
    meter, performances = Meter(), []
    with (
        stop_request() as stopped,
        status() as show,
        reader_may_leave(),
        closing(live_frames(source, head, size=size, dropped=meter.drop)) as frames,
    ):
        for frame in frames:
            meter.finish(frame.shot.captured, frame.finished)
            show(f"{state_of(frame)}: {in_words(meter.read())}")
            if frame.performance is not None:
                if out:
                    performances.append(frame.performance)
                if as_json:
                    print(json.dumps(as_plain(frame.performance)), flush=True)
            if stopped():
                break
    if out:
        save(performances, source.name, out)


def save(performances: list[Performance], source: str, out: Path) -> None:
    """Write the performance of the frames that were tracked."""
    if not performances:
        raise UserError(f"No face was tracked in {source}, so {out} was not written; keep a face in view for longer.")
    write_performance(joined(performances), out)
    print(f"performance: {out}", file=sys.stderr)


def as_plain(performance: Performance) -> dict[str, Any]:
    """A performance of one frame in words and numbers, for other programs."""
    return {
        "time": round(float(performance.times[0]), DIGITS),
        "confidence": round(float(performance.confidence[0]), DIGITS),
        "expression": dict(zip(ARKIT_NAMES, rounded(performance.expression[0]), strict=True)),
        "rotation": [rounded(row) for row in performance.rotation[0]],
        "translation": rounded(performance.translation[0]),
        "gaze": {"left": rounded(performance.gaze[0, 0]), "right": rounded(performance.gaze[0, 1])},
    }


def rounded(values: Any) -> list[float]:
    """The numbers of a row, in few digits."""
    return [round(float(value), DIGITS) for value in values]


def state_of(frame: LiveFrame) -> str:
    """What tracking is at, in words."""
    if frame.performance is None:
        return "Looking for a face" if frame.landmarks is None else "Getting to know the face"
    return "Tracking" if frame.landmarks is not None else "Face lost"


def in_words(reading: Reading) -> str:
    """The meter's figures in one line."""
    latency, slowest = 1000 * reading.latency, 1000 * reading.slowest
    return f"{reading.fps:.1f} frames/s, latency {latency:.0f} ms (slowest {slowest:.0f}), {reading.dropped} dropped"


@contextmanager
def status() -> Iterator[Show]:
    """Give what shows a line on standard error: always the newest on a terminal, else one now and then."""
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("") as line:
            yield line.update
        return
    last = -SECONDS_BETWEEN_LINES

    def show(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    yield show


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End the block quietly when who reads standard output has gone."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
