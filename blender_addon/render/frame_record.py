# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rendered frame says of itself in its file: of which scene and moment it is, and how its heads stood in it.

So it can be told later whether the scene still looks so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...protocol.look import CONTROLS
from ..access import camera_of, mesh_of, pose_of, scene_of, view_settings_of
from ..properties import head_settings, scene_settings
from ..scene.axes import camera_from_world
from ..scene.rig import EYE_BONES, HEAD_BONE
from .evaluated_heads import visible_heads

if TYPE_CHECKING:
    import bpy

FIELD = "Semblance:Frame"
"""The field of the picture's metadata."""
ALIKE = 1e-3
"""How far apart numbers of the same state may be: of what is in the file, digits are cut off."""
DIGITS = 5


@dataclass(frozen=True)
class FrameRecord:
    """What a frame was made of.

    Attributes:
        scene: the scene's id. frame: its number.
        camera: the name of the camera object.
        settings: the scene's settings that change every picture of it.
        avatars: of each head, by its id, the avatar.
        states: of each head, by its id, the numbers that make its picture: look, lens, how the camera sees its bones,
            and its shape keys.
    """

    scene: str
    frame: int
    camera: str
    settings: dict[str, Any]
    avatars: dict[str, str]
    states: dict[str, list[float]]

    def text(self) -> str:
        """This record, for a picture's metadata."""
        return json.dumps(vars(self), separators=(",", ":"))

    def looks_like(self, now: FrameRecord) -> bool:
        """Tell whether the scene, of which `now` is known, would give this picture of the heads that both know."""
        both = self.states.keys() & now.states.keys()
        return self.settings == now.settings and all(
            self.avatars.get(head) == now.avatars.get(head) and alike(self.states[head], now.states[head])
            for head in both
        )

    def with_layer(self, before: FrameRecord | None) -> FrameRecord:
        """This record with the heads of another view layer of the same frame, where `before` is one."""
        if before is None or (before.scene, before.frame) != (self.scene, self.frame):
            return self
        return replace(self, avatars=before.avatars | self.avatars, states=before.states | self.states)


def alike(one: list[float], other: list[float]) -> bool:
    """Tell whether two states are the same."""
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=ALIKE, atol=ALIKE))


def record_in(text: str | None) -> FrameRecord | None:
    """Return the record that a picture's text is; None for any other text."""
    try:
        record = FrameRecord(**json.loads(text or ""))
        states = {head: np.asarray(state, np.float64).ravel().tolist() for head, state in record.states.items()}
        return replace(record, avatars=dict(record.avatars), states=states)
    except (AttributeError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def record_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, frame: int) -> FrameRecord:
    """Return the record of a frame of a scene, whose heads and camera `depsgraph` has evaluated at that frame.

    Heads that are not visible there, or that a collection's instance shows, are left out.
    """
    assert scene.camera is not None  # else nothing is rendered
    camera = scene.camera.evaluated_get(depsgraph)
    shown = [each.object for each in visible_heads(depsgraph) if not each.is_instance]
    heads = [each for each in shown if each and head_settings(each).avatar]
    return FrameRecord(
        scene=scene_settings(scene).id,
        frame=frame,
        camera=scene.camera.name,
        settings=settings_of(scene),
        avatars={head_settings(each).id: head_settings(each).avatar for each in heads},
        states={head_settings(each).id: state_of(each, camera) for each in heads},
    )


def record_of_render(depsgraph: bpy.types.Depsgraph) -> FrameRecord:
    """Return the record of the frame that is being rendered."""
    scene = scene_of(depsgraph)
    return record_of(scene, depsgraph, scene.frame_current)


def settings_of(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return the settings of a scene that change every picture of it."""
    render, view = scene.render, view_settings_of(scene)
    return {
        "size": [render.resolution_x, render.resolution_y, render.resolution_percentage],
        "pixel": round(render.pixel_aspect_x / render.pixel_aspect_y, DIGITS),
        "border": render.use_border,
        "transparent": render.film_transparent,
        "view": [view.view_transform, view.look, round(view.exposure, DIGITS), round(view.gamma, DIGITS)],
    }


def state_of(head: bpy.types.Object, camera: bpy.types.Object) -> list[float]:
    """Return the numbers that make a head's picture, of an evaluated head and camera."""
    settings, keys = head_settings(head), mesh_of(head).shape_keys
    look = np.concatenate([np.ravel(getattr(settings, name)) for name in CONTROLS])
    shape = [block.value * (not block.mute) for block in keys.key_blocks[1:]] if keys else []
    seen = camera_from_world(np.array(camera.matrix_world.normalized(), np.float64))
    places = [(seen @ place)[:3].ravel() for place in places_of(head)]
    numbers = np.concatenate([look, lens_numbers(camera_of(camera)), *places, shape])
    return [round(float(number), DIGITS) for number in numbers]


def places_of(head: bpy.types.Object) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the world matrices `[4, 4]` of an evaluated head's bones, or its own where it has none."""
    rig = head.parent
    if rig is None or rig.type != "ARMATURE" or HEAD_BONE not in pose_of(rig).bones:
        return [np.array(head.matrix_world, np.float64)]
    bones = [pose_of(rig).bones[name] for name in (HEAD_BONE, *EYE_BONES) if name in pose_of(rig).bones]
    return [np.array(rig.matrix_world @ bone.matrix, np.float64) for bone in bones]


def lens_numbers(lens: bpy.types.Camera) -> list[float]:
    """Return what makes a camera's lens."""
    fit = ("AUTO", "HORIZONTAL", "VERTICAL").index(lens.sensor_fit)
    return [lens.lens / 10, lens.sensor_width / 10, lens.sensor_height / 10, fit, lens.shift_x, lens.shift_y]
