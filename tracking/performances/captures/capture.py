# SPDX-License-Identifier: GPL-3.0-or-later
"""What capture files have in common: signals over time, without footage and without a person's shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ....common.words import counted
from ...heads.camera import PinholeCamera
from ...heads.head import ARKIT_NAMES, MorphableHead
from ..performance import Performance
from ..resampling import GAP, with_gaps_filled

if TYPE_CHECKING:
    from ...heads.arrays import Numbers

DISTANCE = 0.9
"""Metres from the camera at which a head is put whose place the file does not say: it fills the window well."""
SIZE = 512
"""Pixels of the window that the performance's camera speaks of."""
LOOK = 0.61
"""Radians that an eye turns for an `eyeLook...` of 1 (a line through a Live Link Face capture, which has both)."""
COMMON_RATES = (24, 25, 30, 48, 50, 60, 100, 120, 240, 24000 / 1001, 30000 / 1001, 60000 / 1001)
FASTEST = 1000.0
"""Frames a second; nothing is faster."""
CLOSE = 0.0008
"""Share by which frames may come off a common rate: less than what parts 29.97 from 30."""


@dataclass(frozen=True)
class Capture:
    """The signals of a capture; None where the file has nothing.

    Attributes:
        times: `[T]` seconds, rising. fps: nominal frame rate.
        expression, rotation, translation, gaze, confidence: as in `Performance`.
        notes: sentences on what the file lacks.
    """

    times: Numbers
    fps: float
    expression: Numbers
    rotation: Numbers | None = None
    translation: Numbers | None = None
    gaze: Numbers | None = None
    confidence: Numbers | None = None
    notes: tuple[str, ...] = ()


def performed(capture: Capture, head: MorphableHead) -> Performance:
    """Return a capture as a performance of the head's average person before the default camera.

    Without a pose the head looks straight at the camera from `DISTANCE`; without eye angles the eyes follow the
    `eyeLook...` expressions. `extra["notes"]` says so.
    """
    frames = len(capture.times)
    notes = list(capture.notes)
    rotation, translation, gaze, confidence = capture.rotation, capture.translation, capture.gaze, capture.confidence
    if rotation is None:
        notes.append("The file has no head rotation; the head stays straight.")
        rotation = np.tile(np.eye(3), (frames, 1, 1))
    if translation is None:
        notes.append("The file does not say where the head is; it stays in one place.")
        translation = np.tile([0, 0, DISTANCE], (frames, 1))
    if gaze is None:
        gaze = gaze_of(capture.expression)
    return Performance(
        head=head.name,
        identity=np.zeros(len(head.identity_basis), np.float32),
        texture=np.zeros(len(head.texture_basis), np.float32),
        expression=np.asarray(capture.expression, np.float32),
        rotation=np.asarray(rotation, np.float32),
        translation=np.asarray(translation, np.float32),
        gaze=np.asarray(gaze, np.float32),
        confidence=np.ones(frames, np.float32) if confidence is None else np.asarray(confidence, np.float32),
        times=np.asarray(capture.times, np.float64),
        camera=PinholeCamera.default(SIZE),
        fps=capture.fps,
        extra={"notes": notes} if notes else {},
    )


def performed_without_gaps(capture: Capture, head: MorphableHead) -> Performance:
    """Return the same with dropped frames filled in, and a note on them.

    Raises:
        UserError: two frames are so far apart that they are two takes.
    """
    performance = performed(capture, head)
    whole = with_gaps_filled(performance)
    if added := len(whole) - len(performance):
        note = f"{counted(added, 'dropped frame')} {'is' if added == 1 else 'are'} interpolated."
        whole.extra["notes"] = [*whole.extra.get("notes", []), note]
    return whole


def gaze_of(expression: Numbers) -> Numbers:
    """Return `[T, 2, 2]`: the gaze that the `eyeLook...` expressions `[T, 52]` tell of."""

    def look(direction: str, side: str) -> Numbers:
        return expression[:, ARKIT_NAMES.index(f"eyeLook{direction}{side}")]

    left = look("Down", "Left") - look("Up", "Left"), look("In", "Left") - look("Out", "Left")
    right = look("Down", "Right") - look("Up", "Right"), look("Out", "Right") - look("In", "Right")
    gaze: Numbers = LOOK * np.stack([np.stack(left, -1), np.stack(right, -1)], 1)
    return gaze


def frame_rate(times: Numbers, otherwise: float) -> float:
    """Return the frame rate of `times [T]`: that of their usual steps, a common one where it is close."""
    if len(times) < 2:
        return otherwise
    steps = np.diff(times)
    own = 1 / float(steps[steps < GAP * np.median(steps)].mean())
    return float(next((rate for rate in COMMON_RATES if abs(rate - own) < CLOSE * rate), min(own, FASTEST)))
