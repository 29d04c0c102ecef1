# SPDX-License-Identifier: GPL-3.0-or-later
"""A plate for Blender: footage that Blender would show otherwise than it was tracked, written anew as a plain movie.

Blender takes a file's first stream of pictures and its first sound, pixels as squares and mirrors as turns; it shows
fields woven, and counts the sound's samples and not their times.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from av.video.reformatter import ColorTrc

from ...common.clock import Clock
from ...common.progress import Listener, silent
from .decoding import Pictures
from .seams import is_timed, times_of
from .sound import Sound, readable
from .streams import opened
from .upright import turn_of
from .video import video_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ..heads.arrays import Doubles, Image
    from .footage import Footage, Frame

SILENCE = 0.1
"""Seconds by which a file's sound may stray from its times before it is seen to."""
SKIPPED = 2.5
"""Usual steps between pictures that are a pause; some programs count pictures and not their times."""
EARLY = 0.25
"""Steps by which a picture may be shown before its time."""
HIGH_RANGE = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)


def needs_plate(footage: Footage, times: Doubles, mended: bool) -> bool:
    """Tell whether Blender would show footage otherwise than it was tracked.

    `times [T]` are the seconds of its frames; `mended` says that its frames had to be mended on the way.
    """
    if mended or footage.fields or np.diff(times).max(initial=0) > SKIPPED / rate_of(times, footage.fps):
        return True
    with closing(opened(footage.path)) as container:
        pictures = Pictures(footage.path, container, footage.stream, footage.sound)
        turn = turn_of(next(pictures.frames()))
        is_mirrored = turn.transposed ^ turn.mirrored ^ turn.flipped
        is_first = container.streams.video[0].index == footage.stream
        is_high = pictures.stream.codec_context.color_trc in HIGH_RANGE
        odd = is_mirrored or not is_first or is_high or pictures.aspect != 1
    return odd or is_patchy(footage)


def is_patchy(footage: Footage) -> bool:
    """Tell whether a file hides some of its pictures, or its sound has gaps or is not the first."""
    heard: list[float] = []
    with closing(opened(footage.path)) as container:
        if footage.sound is not None and container.streams.audio[0].index != footage.sound:
            return True
        for packet in readable(container.demux()):
            if packet.stream.index == footage.stream and packet.is_discard:
                return True
            if packet.stream.index == footage.sound and is_timed(packet):
                heard.append(times_of(packet).shown)
    steps = np.diff(heard)
    return len(steps) > 0 and bool((steps < 0).any() or steps.max() > np.median(steps) + SILENCE)


def write_plate(footage: Footage, times: Doubles, path: Path, listener: Listener = silent) -> None:
    """Write footage as a movie (.mp4) with a constant frame rate, square pixels and sound that keeps its place.

    `times [T]` are the seconds of the footage's frames. Each picture stands until it is time for the next one.

    Raises:
        UserError: the footage is damaged, or the disk is full.
    """
    fps = rate_of(times, footage.fps)
    clock = Clock("Writing the plate", round((times[-1] - times[0]) * fps) + 1, listener)
    with closing(footage.frames()) as frames, video_to(path, fps, Sound(footage.path)) as write:
        for number, picture in enumerate(steady(frames, fps)):
            clock.tell(number)
            write(picture)


def steady(frames: Iterable[Frame], fps: float) -> Iterator[Image]:
    """Yield the pictures of frames with times of their own as they are to be seen at `fps` a second."""
    shown, number = None, 0
    for frame in frames:
        while shown is not None and number < frame.time * fps - EARLY:
            yield shown
            number += 1
        shown = frame.image
    if shown is not None:
        yield shown


def rate_of(times: Doubles, fps: float) -> float:
    """Frames a second at which no picture of a film is left out: that of its usual step, or its nominal one, `fps`.

    Example:
        >>> rate_of(np.array([0, 0.04, 0.08, 0.92, 0.96]), fps=15)
        25.0
    """
    steps = np.diff(times)
    usual = round(1 / float(np.median(steps)), 2) if len(steps) else fps
    return fps if abs(usual - fps) < 0.02 * fps else usual
