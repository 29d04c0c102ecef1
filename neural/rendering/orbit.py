# SPDX-License-Identifier: GPL-3.0-or-later
"""A head in 3D from round about: the camera swings about it while it rests or performs."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import numpy as np

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...protocol.inputs import PosedMesh
from ...tracking.heads.rotations import from_angles
from ...tracking.media.video import frames_to
from ...tracking.performances.maps import frame_vertices
from ..avatar import Avatar
from .label import labelling
from .reenact import driven, open_driver, sound_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...tracking.heads.arrays import Floats
    from ...tracking.heads.head import MorphableHead
    from ...tracking.performances.performance import Performance
    from .label import Label

SECONDS, FPS = 4.0, 25.0
"""Of a turn about a head at rest."""
CYCLE = 4.0
"""Seconds in which the camera comes back, unless the turn is shorter; it nods twice as often as it swings."""


def orbit(
    avatar: Path,
    out: Path,
    *,
    yaw: tuple[float, float] = (-30.0, 30.0),
    pitch: tuple[float, float] = (-10.0, 10.0),
    performance: Path | None = None,
    size: int = 512,
    label: Label | None = None,
    head_path: Path | None = None,
    listener: Listener = silent,
) -> None:
    """Write what a camera sees that swings about the head.

    Args:
        avatar: the avatar file, of a head in 3D.
        out: a video (.mp4, over black) or a folder for PNG files (transparent).
        yaw, pitch: least and most, degrees: how far the head seems to turn to its right, and down.
        performance: a video, a performance file or a dataset that the head does meanwhile, with its sound; it rests
            when not given.
        size: side of the pictures in pixels.
        label: words to write onto the pictures.
        head_path: file of the avatar's head, where it is not where it was.

    Raises:
        UserError: a file is missing or damaged, the avatar is a portrait, or the disk is full.
    """
    subject = Avatar.load(avatar)
    if subject.kind.inputs is not PosedMesh:
        raise UserError(f"{avatar} is a portrait, seen from its footage's camera alone; build one with --kind splats.")
    head = subject.open_head(head_path)
    rest = subject.metadata.rest_performance()
    if performance is None:
        acted, sound = replace(rest.at(np.zeros(round(SECONDS * FPS), int)), fps=FPS), None
    else:
        driving = open_driver(performance, head, listener)
        acted, sound = driven(subject, driving), sound_of(performance, driving)
    angles = swing(len(acted), acted.fps, yaw, pitch)
    labelled = labelling(label)
    clock = Clock("Rendering", len(acted), listener)
    with frames_to(out, acted.fps, sound) as write:
        for index, inputs in enumerate(seen_from(head, acted, angles, size)):
            write(labelled(subject.render(inputs).rgba[0]))
            clock.tell_finished(index + 1)


def swing(frames: int, fps: float, yaw: tuple[float, float], pitch: tuple[float, float]) -> Floats:
    """Return `[T, 3]`: pitch, yaw and roll in radians of a camera that swings within degrees of `yaw` and `pitch`."""
    cycle = min(CYCLE, frames / fps)
    phase = 2 * np.pi * np.arange(frames) / fps / cycle
    ranges = np.radians([pitch, yaw, (0.0, 0.0)])
    waves = np.stack([np.sin(2 * phase), np.sin(phase), 0 * phase], -1)
    angles: Floats = (ranges.mean(1) + waves * np.ptp(ranges, axis=1) / 2).astype(np.float32)
    return angles


def seen_from(head: MorphableHead, performance: Performance, angles: Floats, size: int) -> Iterator[PosedMesh]:
    """Give the frames of a performance as cameras see them that are turned by `angles [T, 3]` about the head.

    They look at the middle of the head in its first frame, in pictures of `size` pixels a side.
    """
    neutral = head.neutral(performance.identity)
    camera = np.array([astuple(performance.camera.resized(size, size))], np.float32)
    middle = frame_vertices(head, performance, 0, neutral).mean(0)
    turns = from_angles(angles).astype(np.float32)
    for index, turn in enumerate(turns):
        yield PosedMesh(
            ((frame_vertices(head, performance, index, neutral) - middle) @ turn.T + middle)[None],
            performance.expression[index][None],
            performance.rotation[index][None],
            turn[None],
            camera,
        )
