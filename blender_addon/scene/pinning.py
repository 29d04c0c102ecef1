# SPDX-License-Identifier: GPL-3.0-or-later
"""The pins of a head's take: what the head does in a frame, as the engine's solver wants it, and keys of what it says.

The pins live in the take's action, so that undo, saving and other takes do right by them.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...common.errors import UserError
from ...protocol.pins import PinnedFace, PinRequest
from ...tracking.heads.head import ARKIT_NAMES
from ...tracking.heads.registry import open_head
from ...tracking.heads.rotations import from_angles
from .. import compat
from ..access import camera_of, mesh_of, scene_of
from ..properties import head_settings
from ..words import translated
from . import axes, keyframes, pin_record, rig, takes
from .camera import window_camera
from .controls import points_of
from .paths import path_of
from .pin_record import ANGLES, CHANNELS, Correction, Place, Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ...tracking.heads.arrays import Doubles, Floats, Integers
    from ...tracking.heads.camera import PinholeCamera

PINS = "semblance_pins"
"""Custom property of a take's action: its pins."""


def why_no_pins(scene: bpy.types.Scene, head: bpy.types.Object) -> str:
    """Why the landmarks of a head cannot be pinned in the scene's frame, as a sentence; empty when they can."""
    own = head_settings(head)
    if own.camera is None or own.camera.type != "CAMERA":
        return translated(
            "The camera of {head} is gone; make the head again with New Avatar or Add Avatar.", head=head.name
        )
    if not is_shot(scene, head):
        return "Press Use Its Camera first: landmarks are pinned through the camera that saw the footage."
    take = takes.take_of(head)
    if take is None:
        return translated("{head} has no keys for pins to correct: drive it first.", head=head.name)
    first, last = take.frame_range[0], take.frame_range[1]
    if not first <= scene.frame_current <= last:
        return translated("Go to a frame of the take: it lasts from {first:.0f} to {last:.0f}.", first=first, last=last)
    return ""


def is_shot(scene: bpy.types.Scene, head: bpy.types.Object) -> bool:
    """Tell whether a scene's camera is a head's own, or the plate's beside it."""
    own = head_settings(head)
    return scene.camera is not None and scene.camera in (own.camera, own.plate_camera)


def require_pins(scene: bpy.types.Scene, head: bpy.types.Object) -> bpy.types.Action:
    """Return the take whose frame can be pinned. Raises UserError when none can."""
    takes.animated(head)
    if reason := why_no_pins(scene, head):
        raise UserError(reason)
    take = takes.take_of(head)
    assert take is not None  # else there is a reason
    return take


@dataclass(frozen=True, eq=False)
class PinnedHead:
    """What the solver has to know of a head, in a frame.

    Attributes:
        neutral: `[478, 3]`, basis: `[52, 478, 3]`: its landmarks, head space.
        camera: its camera's window, in pixels of the footage's size.
        to_world: `[4, 4]`: the camera's space (OpenCV's) to the world.
        to_camera: `[4, 4]`: the rig's space to the camera's (OpenCV's).
    """

    neutral: Floats
    basis: Floats
    camera: PinholeCamera
    to_world: Doubles
    to_camera: Doubles

    @classmethod
    def of(cls, head: bpy.types.Object, landmarks: tuple[Floats, Floats]) -> PinnedHead:
        """A head that can be pinned, as it is now, with its `landmark_shapes`."""
        view, holder = head_settings(head).camera, head.parent
        assert view is not None
        assert holder is not None  # else it could not be pinned
        to_camera = axes.camera_from_world(np.array(view.matrix_world.normalized(), np.float64))
        window = window_camera(camera_of(view), head_settings(head).window[0])
        in_world = np.array(holder.matrix_world, np.float64)
        return cls(*landmarks, window, np.linalg.inv(to_camera), to_camera @ in_world)

    def face(self, channels: Doubles) -> PinnedFace:
        """What the face does, of a frame's channels `[58]`."""
        rest = rig.HEAD_REST.astype(np.float64)
        turn = rest @ from_angles(channels[ANGLES]) @ rest.T
        moved = self.to_camera @ axes.rigid(turn, rest @ channels[52:55]) @ axes.rigid(axes.TO_BLENDER, np.zeros(3))
        scale = self.scale
        return PinnedFace(np.clip(channels[:52], 0, 1), axes.nearest_rotations(moved[:3, :3]), moved[:3, 3] / scale)

    def channels(self, face: PinnedFace) -> Doubles:
        """The channels `[58]` of what the face does."""
        placed = axes.rigid(face.rotation * self.scale, face.translation * self.scale)
        moves = np.linalg.inv(self.to_camera) @ placed @ axes.rigid(axes.TO_BLENDER.T, np.zeros(3))
        location, angles = rig.head_channels(moves[None])
        return np.concatenate([face.expression, location[0], angles[0]])

    @property
    def scale(self) -> float:
        """How large the head is in the scene; the solver works in the head's own metres."""
        return float(np.cbrt(np.linalg.det(self.to_camera[:3, :3])))

    def shape(self, face: PinnedFace) -> Doubles:
        """Return `[478, 3]`: the landmarks of a face in head space."""
        shape: Doubles = self.neutral + np.tensordot(face.expression, self.basis, 1)
        return shape

    def places(self, face: PinnedFace) -> Doubles:
        """Return `[478, 2]`: where the landmarks of a face are in the window."""
        points = self.shape(face) @ face.rotation.T + face.translation
        places: Doubles = self.camera.project(points).astype(np.float64) / (self.camera.width, self.camera.height)
        return places

    def request(self, face: PinnedFace, pins: Mapping[int, Place]) -> PinRequest:
        """What the engine is asked for pins at these places."""
        landmarks = np.array(sorted(pins))
        xy = np.array([pins[each] for each in landmarks.tolist()]) * (self.camera.width, self.camera.height)
        camera = np.array(astuple(self.camera), np.float64)
        return PinRequest(self.neutral, self.basis, camera, face, landmarks, xy)


def landmark_shapes(head: bpy.types.Object) -> tuple[Floats, Floats]:
    """Return `[478, 3]` and `[52, 478, 3]`: a head's landmarks without expression, and how each expression moves them.

    Raises:
        UserError: its morphable head's file is gone, or its mesh is another.
    """
    rows = landmark_rows(head_settings(head).head_name, path_of(head, "head_path"))
    if rows.max() >= len(mesh_of(head).vertices):
        raise UserError(
            translated(
                "The mesh of {head} has been changed: undo that, or make the head again with New Avatar.",
                head=head.name,
            )
        )
    neutral = points_of(head, "Basis")[rows] @ axes.TO_BLENDER
    return neutral, np.stack([points_of(head, name)[rows] @ axes.TO_BLENDER for name in ARKIT_NAMES]) - neutral


@lru_cache(maxsize=4)
def landmark_rows(name: str, path: Path | None) -> Integers:
    """The vertices `[478]` of a morphable head's landmarks. Raises UserError when its file is gone or damaged."""
    return open_head(name, path).landmarks


def record_of(head: bpy.types.Object) -> Record:
    """The pins of the take that a head does."""
    take = takes.take_of(head)
    return parsed(str(take.get(PINS, ""))) if take else Record()


def pins_at(head: bpy.types.Object, frame: int) -> dict[int, Place]:
    """The pins of a frame of the take that a head does."""
    correction = record_of(head).frames.get(frame)
    return dict(correction.pins) if correction else {}


@lru_cache(maxsize=8)
def parsed(text: str) -> Record:
    """Read a record, of which the same is drawn again and again."""
    return pin_record.read(text)


def unpinned_channels(head: bpy.types.Object, frame: int) -> Doubles:
    """The channels `[58]` of a frame as they are without its own pins: what the solver starts from."""
    record, one = record_of(head), range(frame, frame + 1)
    before = record.unpinned(one, channels_at(head, one))
    channels: Doubles = pin_record.corrected(before, record.added(one, without=frame))[0]
    return channels


def pin(head: bpy.types.Object, frame: int, pins: Mapping[int, Place], solved: Doubles | None, reach: int) -> None:
    """Write what pins do to a frame, and to those that they reach, as keys; without pins, that it is as before.

    Args:
        head: the head; its take has the frame.
        frame: the frame.
        pins: all of its pins.
        solved: `[58]`, its channels with them; None where there are none.
        reach: frames before and after it that change with it.
    """
    take, record = takes.take_of(head), record_of(head)
    assert take is not None  # else nothing could be pinned
    first, last = round(take.frame_range[0]), round(take.frame_range[1])
    affected = record.affected(frame, reach)
    frames = range(max(first, affected.start), min(last + 1, affected.stop))
    now = channels_at(head, frames)
    before = record.unpinned(frames, now)
    correction = None
    if solved is not None:
        here = before[frames.index(frame)]
        change = solved - here
        change[ANGLES] = pin_record.nearest_angles(change[ANGLES])
        correction = Correction(dict(pins), reach, change)
    record = record.changed(frame, correction, frames, before)
    write_channels(head, frames, now, pin_record.corrected(before, record.added(frames)))
    if record.frames:
        take[PINS] = pin_record.written(record)
    elif PINS in take.keys():  # noqa: SIM118  # its stub knows no other way
        del take[PINS]


def show_frame() -> None:
    """Let Blender show what the keys of the scene's frame say."""
    scene = scene_of(bpy.context)
    scene.frame_set(scene.frame_current)


def channel_places() -> list[tuple[str, str, int, str]]:
    """Target, data path, index and group of each of the 58 channels, as `keyframes` has them."""
    places = [(keyframes.SHAPES, f'key_blocks["{name}"].value', 0, "Expression") for name in ARKIT_NAMES]
    for path in ("location", "rotation_euler"):
        bone = f'pose.bones["{rig.HEAD_BONE}"].{path}'
        places += [(keyframes.RIG, bone, index, rig.HEAD_BONE) for index in range(3)]
    return places


def channels_at(head: bpy.types.Object, frames: range) -> Doubles:
    """Return `[N, 58]`: the channels of a head's take at frames; what has no keys there holds what it has now."""
    targets = dict(zip((keyframes.SHAPES, keyframes.RIG), takes.animated(head), strict=True))
    values = np.zeros((len(frames), CHANNELS))
    for column, (target, path, index, _) in enumerate(channel_places()):
        curve = compat.channels(targets[target]).find(path, index=index)
        if curve is not None:
            values[:, column] = [curve.evaluate(frame) for frame in frames]
        else:
            held = targets[target].path_resolve(path)
            values[:, column] = held if target == keyframes.SHAPES else held[index]
    return values


def held_values(channels: Doubles) -> dict[str, list[float]]:
    """The channels `[58]` of a frame as `live_head.give_values` takes them."""
    values = {name: [float(value)] for name, value in zip(ARKIT_NAMES, channels[:52], strict=True)}
    return values | {"location": channels[52:55].tolist(), rig.HEAD_BONE: channels[ANGLES].tolist()}


def write_channels(head: bpy.types.Object, frames: range, now: Doubles, wanted: Doubles) -> None:
    """Key channels `[N, 58]` of a head's take at frames where they are to be others than `now [N, 58]`.

    What is between the frames and the next keys stays as it is, whatever their handles.
    """
    keys, holder = takes.animated(head)
    targets: dict[str, bpy.types.ID] = {keyframes.SHAPES: keys, keyframes.RIG: holder}
    for column, (target, path, index, group) in enumerate(channel_places()):
        if np.abs(wanted[:, column] - now[:, column]).max() < 1e-7:
            continue
        curve = compat.channel(targets[target], path, index, group)
        around = np.array(sorted({*frames, *frames_beside(curve, frames)}), np.float64)
        values = np.array([curve.evaluate(frame) for frame in around.tolist()])
        values[np.isin(around, np.array(frames))] = wanted[:, column]
        new = keyframes.without_idle_keys(keyframes.Channel(target, path, index, around, values, group))
        keyframes.write_keys(curve, new.frames, new.values)
    for each in (keys, holder):
        each.update_tag()


def frames_beside(curve: bpy.types.FCurve, frames: range) -> list[int]:
    """The frames between a range and the curve's next keys before and after it."""
    at = keyframes.read(curve.keyframe_points, "co", 2, np.float32)[::2]
    before, after = at[at < frames.start], at[at >= frames.stop]
    first = int(np.floor(before.max())) + 1 if len(before) else frames.start
    stop = int(np.ceil(after.min())) if len(after) else frames.stop
    return [*range(first, frames.start), *range(frames.stop, stop)]
