# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar arrives in a scene: head, rig, matched camera, plate, keyframes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...common.errors import UserError
from ...tracking.heads.registry import open_head
from ...tracking.performances.performance import Performance
from ..access import mesh_of, view_layer
from ..properties import FIRST_KIND, head_settings, scene_settings
from . import axes, camera, keyframes, plate, rig
from .head_object import make_head
from .movies import footage_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...tracking.heads.head import MorphableHead


def scene_fps(scene: bpy.types.Scene) -> float:
    """Frames a second of a scene."""
    return scene.render.fps / scene.render.fps_base


def add_avatar(
    scene: bpy.types.Scene,
    performance_file: Path,
    *,
    head_path: Path | None = None,
    dataset: Path | None = None,
    avatar: str = "",
    name: str = "",
    adopt: bool = True,
) -> bpy.types.Object:
    """Add everything that a tracked performance says to a scene and return the head object.

    A scene without any animation takes the footage's frame rate and length, unless `adopt` is false; otherwise the
    performance is brought to the scene's frame rate. It starts at the scene's first frame.

    Raises:
        UserError: a file is missing or damaged, or the plate cannot be shown (then everything else is in place).
    """
    performance = Performance.load(performance_file)
    if not len(performance):
        raise UserError(f"{performance_file} has no frames; track the footage again.")
    head = open_head(performance.head, head_path)
    name = name or (Path(performance.source).stem or performance_file.stem)
    if adopt and not animated(scene):
        adopt_timing(scene, performance)
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    made = add_head(head, performance, name, collection)
    settings = head_settings(made)
    settings.head_path, settings.performance = str(head_path or ""), str(performance_file)
    settings.dataset, settings.avatar = str(dataset or ""), avatar
    view = add_camera(scene, made, performance, name, collection)
    scene_settings(scene).head = made
    apply_performance(made, performance, fps=scene_fps(scene), start=scene.frame_start)
    plate.show_plate(view, performance, fps=scene_fps(scene), start=scene.frame_start)
    scene.frame_set(scene.frame_start)
    return made


def give_avatar(made: bpy.types.Object, avatar: str, said: Mapping[str, Any]) -> None:
    """Tell a head its avatar's id in the engine, and what the avatar's file says of itself: its kind, and the moment of
    the footage that it should look like.
    """
    settings = head_settings(made)
    settings.avatar = avatar
    settings.kind = said.get("kind", FIRST_KIND)
    settings.time_code = said.get("time_code", settings.time_code)
    made.update_tag()  # else a viewport goes on with what it knew


def add_head(
    head: MorphableHead, performance: Performance, name: str, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Add the performance's person: mesh and rig, at the world's origin; return the mesh object."""
    made = make_head(head, performance.identity, performance.texture, name)
    collection.objects.link(made)
    rig.make_rig(made, head, head.neutral(performance.identity), collection)
    return made


def add_camera(
    scene: bpy.types.Scene,
    made: bpy.types.Object,
    performance: Performance,
    name: str,
    collection: bpy.types.Collection,
) -> bpy.types.Object:
    """Add the matched camera and look through it."""
    lens = camera.lens_of(performance.camera)
    view = camera.make_camera(lens, axes.camera_matrix(performance), name)
    collection.objects.link(view)
    head_settings(made).camera = view
    camera.frame_scene(scene, view, lens)
    return view


def apply_performance(made: bpy.types.Object, performance: Performance, *, fps: float, start: int) -> int:
    """Write a performance onto a head as keyframes from frame `start` on; return the last frame's number.

    Raises:
        UserError: the head has lost its rig, its shape keys or its camera.
    """
    settings, mesh = head_settings(made), mesh_of(made)
    view = settings.camera
    if made.parent is None or mesh.shape_keys is None or view is None:
        raise UserError(f"{made.name} has lost its rig, shape keys or camera; undo, or add the avatar again.")
    view_layer().update()  # a camera's matrix changes a little when Blender has evaluated it
    seen_from_rig = np.linalg.inv(np.array(made.parent.matrix_world, float)) @ np.array(view.matrix_world, float)
    channels = keyframes.channels_of(performance, seen_from_rig, fps=fps, start=start)
    keyframes.insert(channels, mesh.shape_keys, made.parent)
    settings.driver, settings.driver_start = str(footage_of(performance)) if performance.source else "", start
    settings.driver_time = float(performance.times[0])
    return int(max(channel.frames[-1] for channel in channels))


def animated(scene: bpy.types.Scene) -> bool:
    """Tell whether anything in the scene moves already."""
    holders = (scene, *scene.objects)
    meshes = [mesh_of(each) for each in scene.objects if each.type == "MESH"]
    return any(each.animation_data and each.animation_data.action for each in holders) or any(
        mesh.shape_keys.animation_data for mesh in meshes if mesh.shape_keys
    )


def adopt_timing(scene: bpy.types.Scene, performance: Performance) -> None:
    """Give the scene the footage's frame rate and length."""
    whole = max(1, round(performance.fps))
    scene.render.fps, scene.render.fps_base = whole, whole / performance.fps
    length = float(performance.times[-1] - performance.times[0]) * performance.fps
    scene.frame_end = scene.frame_start + round(length)
