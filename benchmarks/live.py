# SPDX-License-Identifier: GPL-3.0-or-later
"""Live tracking: each stage alone, then a video played at its own pace through all of them. Or whole live sessions.

python benchmarks/live.py VIDEO... [--frames 150] [--size 512] [--out TABLE.md]
python benchmarks/live.py VIDEO... --avatar FILE... [--seconds 30] [--runtime torch] [--out TABLE.md]

With avatars, each video drives each avatar for so many seconds; 600 of them show whether memory stays flat.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import live_sessions
import numpy as np
from hardware import hardware
from markdown import report
from semblance.protocol.choices import RuntimeName
from semblance.tracking.detection.landmarks import DETECTION_SIDE
from semblance.tracking.heads.registry import open_head
from semblance.tracking.live.live_frames import LiveFrame, live_frames, with_landmarks, with_maps, with_performance
from semblance.tracking.live.live_solver import LiveSolver
from semblance.tracking.live.meter import Meter
from semblance.tracking.live.source import LiveSource, PlayedFile, Shot, played
from semblance.tracking.media.read_ahead import read_ahead
from semblance.tracking.threads import one_thread_a_library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from semblance.tracking.heads.head import MorphableHead

HEADINGS = (
    "video", "landmarks ms", "solve ms", "maps ms", "sum ms", "pipelined ms", "frames/s", "of", "dropped", "latency ms",
    "95th ms", "in frames",
)  # fmt: skip
NOTES = """\
*landmarks, solve, maps*: each stage alone, the median of the frames after calibration. *pipelined*: all stages at once,
each in its thread, as fast as they can, a frame. *frames/s, of*: finished, and given, at the video's own pace, with
decoding on the same machine. *dropped*: once the person was known. *latency*: from a picture's arrival to its maps, the
median and the 95th percentile, and the latter in frames."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=150, help="frames to measure each stage on")
    parser.add_argument("--size", type=int, default=512, help="side of the central window in pixels")
    parser.add_argument("--avatar", type=Path, nargs="+", default=(), help="avatars, for whole sessions")
    parser.add_argument("--seconds", type=float, default=30, help="length of a session")
    parser.add_argument("--runtime", choices=get_args(RuntimeName), default="torch", help="what executes the network")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    if options.avatar:
        report_sessions(options)
        return
    machine, head = hardware(), open_head("builtin")
    rows = []
    for video in options.videos:
        source = played(video)
        shots = first_shots(source, options.frames)
        with one_thread_a_library():
            alone = stages_alone(head, source, shots, options.size)
            pipelined = all_stages(head, source, shots, options.size)
        costs = [f"{1000 * cost:.1f}" for cost in (*alone, sum(alone), pipelined)]
        rows.append([video.stem, *costs, *end_to_end(head, source, options.size)])
    report(f"Live tracking, {options.size} pixels", HEADINGS, rows, f"{NOTES}\n\n{machine}", options.out)


def report_sessions(options: argparse.Namespace) -> None:
    """Run whole sessions and print their table."""
    rows = [
        live_sessions.session_row(avatar, video, options.seconds, options.runtime)
        for avatar in options.avatar
        for video in options.videos
    ]
    notes = f"{live_sessions.NOTES}\n\n{hardware()}, {options.runtime}"
    report(f"Live sessions of {options.seconds:g} s", live_sessions.HEADINGS, rows, notes, options.out)


def first_shots(source: PlayedFile, count: int) -> list[Shot]:
    """The first pictures, decoded."""
    with closing(source.footage.frames(DETECTION_SIDE)) as decoded:
        return [Shot(frame.image, frame.time, 0.0) for frame in islice(decoded, count)]


def stages_alone(head: MorphableHead, source: LiveSource, shots: list[Shot], size: int) -> list[float]:
    """Seconds a frame of landmarks, solver and maps, each without the others."""
    solver = LiveSolver(head, source.size[0], size, source.name, source.fps)
    found, landmarks = timed(with_landmarks((shot for shot in shots), source.size[0]))
    solved, solving = timed(with_performance((frame for frame in found), solver))
    _, drawing = timed(with_maps((frame for frame in solved), head, time.monotonic))
    known = np.array([frame.performance is not None for frame in solved])
    return [float(np.median(costs[known])) for costs in (landmarks, solving, drawing)]


def all_stages(head: MorphableHead, source: LiveSource, shots: list[Shot], size: int) -> float:
    """Seconds a frame of all stages at once, once the person is known."""
    solver = LiveSolver(head, source.size[0], size, source.name, source.fps)
    found = read_ahead(with_landmarks((shot for shot in shots), source.size[0]), 1)
    solved = read_ahead(with_performance(found, solver), 1)
    drawn = with_maps(solved, head, time.perf_counter)
    finished = [frame.finished for frame in drawn if frame.performance is not None]
    return (finished[-1] - finished[0]) / (len(finished) - 1)


def timed(stage: Iterator[LiveFrame]) -> tuple[list[LiveFrame], NDArray[np.float64]]:
    """Run a stage; return its frames and the seconds that each of them took."""
    frames, moments = [], [time.perf_counter()]
    for frame in stage:
        frames.append(frame)
        moments.append(time.perf_counter())
    return frames, np.diff(moments)


def end_to_end(head: MorphableHead, source: LiveSource, size: int) -> list[str]:
    """The cells about a whole run of live tracking."""
    meter, before = Meter(), 0
    known: list[LiveFrame] = []
    with closing(live_frames(source, head, size=size, dropped=meter.drop)) as frames:
        for frame in frames:
            if frame.performance is not None:
                known.append(frame)
            else:
                before = meter.read().dropped
    slow = float(np.quantile([frame.latency for frame in known], 0.95))
    rate = len(known) / (known[-1].finished - known[0].shot.captured)
    latency = [f"{1000 * np.median([frame.latency for frame in known]):.0f}", f"{1000 * slow:.0f}"]
    dropped = meter.read().dropped - before
    return [f"{rate:.1f}", f"{source.fps:.1f}", str(dropped), *latency, f"{slow * source.fps:.2f}"]


if __name__ == "__main__":
    main()
