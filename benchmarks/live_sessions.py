# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole live sessions, for `live.py`: an avatar driven by a video at its own pace, its latency seen from outside.

In a corner of the video a patch turns black or white twice a second, and the session shows the driver's picture in a
corner of its own; when the patch turns there, the clock is read. The session's own word is not asked.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from semblance.engine.live.backgrounds import background, with_driver
from semblance.engine.live.figures import SessionMeter
from semblance.engine.live.session import actor_of, live_pictures
from semblance.neural.rendering.runtime_choice import avatar_on
from semblance.tracking.live.motion import TrackedFace
from semblance.tracking.live.source import PlayedFile, played

if TYPE_CHECKING:
    from collections.abc import Generator

    from semblance.protocol.choices import RuntimeName
    from semblance.tracking.heads.arrays import Image
    from semblance.tracking.live.source import Shot

HEADINGS = (
    "avatar", "video", "frames/s", "of", "dropped", "latency ms", "95th ms", "from outside ms", "95th ms", "face",
    "solve", "draw", "paint", "background", "CPU ms", "memory MiB", "grown by",
)  # fmt: skip
NOTES = """\
*frames/s, of*: shown, and given, once the face is followed; *dropped* as well. *latency*: from a picture's arrival to
the avatar's picture, with the driver in its corner, median and 95th percentile. *from outside*: the same by a patch
that flashes in the video and is looked for in what comes out; where frames are dropped, the wait for the next one
counts too. *face* to *background*: milliseconds a stage, the median. *CPU*: milliseconds of processor time that the
whole process takes for each frame shown, decoding the video and frames dropped underway included. *memory*: resident,
at the end, and how much of it came from the middle third to the last, by their medians."""
FLASH = 0.5
"""Seconds until the patch turns."""
PATCH = 0.15
"""Of the video's height."""


class FlashingVideo:
    """A video, over and over for some seconds, with a patch in its upper left corner; it notes when that turned."""

    def __init__(self, source: PlayedFile, seconds: float) -> None:
        self.name, self.fps, self.size = source.name, source.fps, source.size
        self._source, self._seconds = source, seconds
        self.turned: dict[int, float] = {}

    def shots(self) -> Generator[Shot, None, None]:
        """Yield every frame when it is due."""
        start = 0.0
        while start < self._seconds:
            last = start
            with closing(self._source.shots()) as shots:
                for shot in shots:
                    last = start + shot.time
                    if last >= self._seconds:
                        return
                    yield self._flashing(replace(shot, time=last))
            start = last + 1 / self.fps

    def _flashing(self, shot: Shot) -> Shot:
        turn = int(shot.time / FLASH)
        side = round(PATCH * len(shot.image))
        image = shot.image.copy()
        image[:side, :side] = 255 * (turn % 2)
        self.turned.setdefault(turn, shot.captured)
        return replace(shot, image=image)


@dataclass
class Seen:
    """What was seen of a session from outside.

    Attributes:
        latencies: seconds by the session's word. outside: seconds by the patch.
        shown, dropped: frames, once the face is followed; seconds, worked: of the clock and of the processor, for them.
    """

    latencies: list[float]
    outside: list[float]
    shown: int = 0
    dropped: int = 0
    seconds: float = 0.0
    worked: float = 0.0


def session_row(file: Path, video: Path, seconds: float, runtime: RuntimeName) -> list[str]:
    """Run a session of some seconds; return its cells."""
    avatar = avatar_on(runtime, file)
    source = FlashingVideo(played(video), seconds)
    actor = actor_of(avatar, laid=with_driver(background(avatar, "avatar")))
    meter, spent, memory = SessionMeter(), list[dict[str, float]](), list[float]()
    seen, is_white, first_time, before = Seen([], []), False, None, 0
    begun = time.process_time()
    with closing(live_pictures(TrackedFace(source, actor.head), actor, dropped=meter.drop)) as pictures:
        for each in pictures:
            now = time.monotonic()
            was_white, is_white = is_white, patch_is_white(each.picture)
            memory.append(resident())
            meter.finish(each.motion.captured, now, each.spent)
            if each.motion.state in ("looking", "learning"):
                before, begun = meter.read().reading.dropped, time.process_time()
                continue
            first_time = now if first_time is None else first_time
            seen.latencies.append(now - each.motion.captured)
            spent.append(dict(each.spent))
            seen.shown += 1
            seen.seconds, seen.worked = now - first_time, time.process_time() - begun
            turn = int(each.motion.time / FLASH)
            if is_white != was_white and turn in source.turned:
                seen.outside.append(now - source.turned[turn])
    seen.dropped = meter.read().reading.dropped - before
    stages = [f"{1000 * np.median([each[name] for each in spent]):.1f}" for name in HEADINGS[9:14]]
    thirds = np.array_split(memory, 3)
    grown = float(np.median(thirds[2]) - np.median(thirds[1]))
    rate = (seen.shown - 1) / seen.seconds
    told = [*quantiles(seen.latencies), *quantiles(seen.outside)]
    name = f"{avatar.metadata.kind} {avatar.metadata.resolution}"
    cells = [
        f"{rate:.1f}",
        f"{source.fps:.1f}",
        str(seen.dropped),
        *told,
        *stages,
        f"{1000 * seen.worked / seen.shown:.1f}",
    ]
    return [name, video.stem, *cells, f"{memory[-1]:.0f}", f"{grown:.0f}"]


def quantiles(seconds: list[float]) -> list[str]:
    """The median and the 95th percentile in milliseconds."""
    return [f"{1000 * np.quantile(seconds, share):.0f}" if seconds else "-" for share in (0.5, 0.95)]


def patch_is_white(picture: Image) -> bool:
    """Whether the patch is white in the driver's picture in the lower left corner of a session's `[H, W, 3 or 4]`."""
    inset, margin = round(len(picture) / 4), round(len(picture) / 40)
    reach = max(1, round(PATCH * inset / 2))
    top = len(picture) - margin - inset
    return bool(picture[top : top + reach, margin : margin + reach, :3].mean() > 127)


def resident() -> float:
    """MiB of memory that this process has; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 / 2**20 if status.exists() else 0.0
