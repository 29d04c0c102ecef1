# SPDX-License-Identifier: GPL-3.0-or-later
"""Where strips go: neural frames over the plate, with the driver's sound. Plain values in and out; no bpy.

The sequence runs at the plate's frame rate, because Blender plays a movie strip one picture a frame. Pictures are
spread over it by their time, so that all strips stay in sync whatever frame rate they were rendered at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...common.errors import UserError
from ..render.pixels import avatar_window

if TYPE_CHECKING:
    from pathlib import Path

    from ...tracking.performances.performance import Crop
    from ..render.pixels import Window

SOUND, PLATE, FRAMES = "sound", "plate", "frames"
"""What a strip shows; the channels follow this order from below."""
CHANNELS = {SOUND: 1, PLATE: 2, FRAMES: 3}
FIRST_FRAME = 1
SAME_RATE = 0.001
"""Frame rates that differ by a smaller share than this count as equal."""


@dataclass(frozen=True)
class Frames:
    """Neural frames on disk.

    Attributes:
        files: the pictures in order, all in one folder.
        size: width and height in pixels.
        fps: the rate at which they were rendered.
        window: where in them the window lies that the avatar shows; None where it is their middle.
    """

    files: tuple[Path, ...]
    size: tuple[int, int]
    fps: float
    window: Window | None = None


@dataclass(frozen=True)
class Plate:
    """The original footage.

    Attributes:
        file: a movie, or the one photo.
        size: width and height in pixels.
        fps: its frame rate.
        count: its pictures; 1 for a photo.
        crop: the window of it that the avatar shows.
        begins: seconds from the scene's start to its first picture; negative when it began before.
    """

    file: Path
    size: tuple[int, int]
    fps: float
    count: int
    crop: Crop
    begins: float = 0.0


@dataclass(frozen=True)
class Sound:
    """A file with sound, and when it begins: seconds from the scene's start, negative when it began before."""

    file: Path
    begins: float = 0.0


@dataclass(frozen=True)
class StripPlan:
    """A strip to make.

    Attributes:
        shows: SOUND, PLATE or FRAMES.
        kind: 'SOUND', 'MOVIE' or 'IMAGE'.
        files: one file; for 'IMAGE' one a frame, in one folder.
        start: first frame at which it is seen or heard; length: for how many frames. Beyond its own pictures a movie
            stands still, beyond its end a sound is silent.
        skipped: frames of it that lie before `start`; negative when it begins only after.
        scale: size against the files' own; offset: of its middle from the frame's, pixels right and up.
        blend: 'REPLACE' or 'ALPHA_OVER'.
    """

    shows: str
    kind: Literal["SOUND", "MOVIE", "IMAGE"]
    files: tuple[Path, ...]
    start: int
    length: int
    skipped: int = 0
    scale: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)
    blend: Literal["REPLACE", "ALPHA_OVER"] = "REPLACE"

    @property
    def channel(self) -> int:
        """The channel that it lies in."""
        return CHANNELS[self.shows]


@dataclass(frozen=True)
class SequencePlan:
    """A sequence to make: the size of its picture (even, as video codecs want), its frame rate, its first and last
    frame, its strips from below.
    """

    width: int
    height: int
    fps: float
    first: int
    last: int
    strips: tuple[StripPlan, ...]


def plan_sequence(frames: Frames, plate: Plate | None = None, sound: Sound | None = None) -> SequencePlan:
    """Return how to lay neural frames over their plate, with sound; the sequence is as long as the frames.

    Raises:
        UserError: there are no frames.
    """
    if not frames.files:
        raise UserError("There are no frames to place; render the animation first.")
    moving = plate is not None and plate.count > 1
    fps = plate.fps if plate is not None and moving else frames.fps
    portrait = place_frames(frames, plate, fps)
    start, length = portrait.start, portrait.length
    strips = [portrait]
    if plate is not None and moving:
        strips.append(StripPlan(PLATE, "MOVIE", (plate.file,), start, length, start - at(plate.begins, fps)))
    elif plate is not None:
        strips.append(StripPlan(PLATE, "IMAGE", (plate.file,) * length, start, length))
    if sound is not None:
        strips.append(StripPlan(SOUND, "SOUND", (sound.file,), start, length, start - at(sound.begins, fps)))
    width, height = plate.size if plate else frames.size
    return SequencePlan(even(width), even(height), fps, start, start + length - 1, tuple(strips[::-1]))


def place_frames(frames: Frames, plate: Plate | None, fps: float) -> StripPlan:
    """Lay the neural frames into the window of the plate that they show; over the whole picture without a plate."""
    files = spread(frames.files, frames.fps, fps)
    if plate is None:
        return StripPlan(FRAMES, "IMAGE", files, FIRST_FRAME, len(files))
    (wide, high), crop, (width, height) = frames.size, plate.crop, plate.size
    window = frames.window or avatar_window(wide, high, "AUTO")
    scale = crop.side / window.width
    middle = crop.x + (wide / 2 - window.left) * scale, crop.y + (high / 2 - window.top) * scale
    offset = middle[0] - width / 2, height / 2 - middle[1]
    return StripPlan(FRAMES, "IMAGE", files, FIRST_FRAME, len(files), scale=scale, offset=offset, blend="ALPHA_OVER")


def at(seconds: float, fps: float) -> int:
    """Return the sequence's frame at a moment of the scene."""
    return FIRST_FRAME + round(seconds * fps)


def spread(files: tuple[Path, ...], fps: float, wanted: float) -> tuple[Path, ...]:
    """Return one file for every frame of a sequence at `wanted` frames a second: the one shown at that time."""
    if not differ(fps, wanted):
        return files
    count = max(1, round(len(files) * wanted / fps))
    return tuple(files[min(len(files) - 1, int(frame * fps / wanted + 0.5))] for frame in range(count))


def differ(one: float, other: float) -> bool:
    """Tell whether two frame rates drift apart."""
    return abs(one - other) > SAME_RATE * other


def even(length: int) -> int:
    """Return the length, or one more when it is odd."""
    return length + length % 2


def whole_rate(fps: float) -> tuple[int, float]:
    """Return Blender's (fps, fps_base) of a frame rate: 29.97 is (30, 1.001)."""
    whole = max(1, round(fps))
    return whole, whole / fps
