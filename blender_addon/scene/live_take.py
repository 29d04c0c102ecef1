# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head did live becomes an action of its own, with its sound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...common.errors import UserError
from .. import compat
from ..properties import head_settings
from . import keyframes, live_head, paths
from .avatar_scene import scene_fps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ...protocol.motions import LiveMotion
    from ...tracking.performances.performance import Performance

LEAST = 2
"""Motions of a take."""
SOUND = "semblance_live_sound"
"""Custom property of a take's sound: whose it is, and from which frame on; another take from there replaces it."""


def keep_take(
    scene: bpy.types.Scene,
    head: bpy.types.Object,
    own: Performance,
    motions: Sequence[LiveMotion],
    begins: float,
    start: int,
) -> tuple[bpy.types.Action, int]:
    """Write motions onto a head that is set aside as a new action, so that the source's second `begins` is the scene's
    frame `start`; return the action and the last frame.

    Raises:
        UserError: nothing came, or the head has lost its rig, its shape keys or its camera.
    """
    live_head.set_aside(head)
    parts, view = live_head.parts_of(head), head_settings(head).camera
    holder, shapes = parts["rig"], parts["shapes"]
    assert isinstance(holder, bpy.types.Object)
    assert isinstance(shapes, bpy.types.Key)
    assert view is not None  # else it has lost its parts
    took = performance_of(own, motions, begins)
    seen_from_rig = np.linalg.inv(np.array(holder.matrix_world, float)) @ np.array(view.matrix_world, float)
    channels = keyframes.channels_of(took, seen_from_rig, fps=scene_fps(scene), start=start)
    action = bpy.data.actions.new(f"{head.name} Live")
    for part in (holder, shapes):
        part.animation_data_create().action = action
    keyframes.insert(channels, shapes, holder)
    live_head.replace_actions(head, action)
    live_head.set_aside(head)
    last = int(max(channel.frames[-1] for channel in channels))
    scene.frame_end = max(scene.frame_end, last)
    return action, last


def performance_of(own: Performance, motions: Sequence[LiveMotion], begins: float) -> Performance:
    """Return motions as a performance of the person `own`, whose time 0 is the source's second `begins`.

    At that moment it is as it was just before.

    Raises:
        UserError: there are too few.
    """
    earlier = [each for each in motions if each.time <= begins][-1:]
    taken = [replace(each, time=begins) for each in earlier] + [each for each in motions if each.time > begins]
    if len(taken) < LEAST:
        raise UserError("Nothing was recorded: no motion came in that time.")
    count = len(taken)
    sure = np.array([each.state == "following" for each in taken], np.float32)
    return replace(
        own,
        expression=np.array([each.expression for each in taken], np.float32),
        rotation=np.array([each.rotation for each in taken], np.float32).reshape(count, 3, 3),
        translation=np.array([each.translation for each in taken], np.float32),
        gaze=np.array([each.gaze for each in taken], np.float32).reshape(count, 2, 2),
        confidence=sure,
        region_confidence=np.repeat(sure[:, None], own.region_confidence.shape[1], 1),
        times=np.array([each.time - begins for each in taken]),
    )


def add_sound(scene: bpy.types.Scene, head: bpy.types.Object, file: Path, moment: float, start: int, last: int) -> bool:
    """Let the sound of a file be heard from frame `start` to `last`, from its second `moment` on: in the scene's
    sequencer, and with the head's frames as they are sent there. Return False where the file has none.
    """
    strips, mark = scene.sequence_editor_create().strips, f"{head.name} from {start}"
    for each in [each for each in strips if each.get(SOUND) == mark]:
        strips.remove(each)
    channel = 1 + max((each.channel for each in strips), default=0)
    first = start - round(moment * scene_fps(scene))
    strip = strips.new_sound(f"{head.name} Live", str(file), channel, first)
    length = compat.content_length(strip)
    if length <= 1 or first + length <= start:
        strips.remove(strip)
        return False
    strip[SOUND] = mark
    compat.show_between(strip, start, min(last + 1, first + length))
    return True


def note_driver(head: bpy.types.Object, file: Path, moment: float, start: int) -> None:
    """Note the file whose sound belongs to a head's motion from frame `start` on."""
    paths.keep_path(head, "driver", file)
    settings = head_settings(head)
    settings.driver_start, settings.driver_time = start, moment
