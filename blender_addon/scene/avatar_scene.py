# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar arrives in a scene: head, rig, matched camera, plate, keyframes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...common.errors import UserError
from ...tracking.heads.registry import open_head
from ...tracking.performances.performance import Performance
from ...tracking.performances.plates import footage_of
from ...tracking.performances.rest import rest_metadata, rest_performance
from .. import ids
from ..access import mesh_of, view_layer
from ..properties import FIRST_KIND, head_settings, scene_settings
from ..words import translated
from . import axes, camera, controls, keyframes, paths, plate, rig, standing, takes
from .head_object import make_head
from .removing import discard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...protocol.messages import AvatarInfo
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

    A scene in which nothing was made yet takes the head's camera and the footage's picture size, and, unless `adopt` is
    false, its frame rate and length. A scene of the artist's keeps all of these: the performance is brought to its
    frame rate and starts at its first frame. Where heads are at the world's origin, it stands beside them.

    Raises:
        NoPlateError: the plate cannot be shown; everything else is in place.
        UserError: a file is missing or damaged; the scene has nothing of the avatar.
    """
    performance = Performance.load(performance_file)
    if not len(performance):
        raise UserError(
            translated("{performance_file} has no frames; track the footage again.", performance_file=performance_file)
        )
    head = open_head(performance.head, head_path)
    name = name or (Path(performance.source).stem or performance_file.stem)
    fresh = untouched(scene)
    if adopt and fresh:
        adopt_timing(scene, performance)
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    try:
        made = add_head(head, performance, name, collection)
        settings = head_settings(made)
        for setting, path in (("head_path", head_path), ("performance", performance_file), ("dataset", dataset)):
            paths.keep_path(made, setting, path)
        settings.avatar = avatar
        settings.person = json.dumps(rest_metadata(performance))
        view = add_camera(made, performance, name, collection)
        standing.stand_aside(made, scene)
        apply_performance(made, performance, fps=scene_fps(scene), start=scene.frame_start, take=name)
    except BaseException:
        discard(collection)
        raise
    if fresh:
        shoot_with(scene, made)
        scene.frame_set(scene.frame_start)
    scene_settings(scene).head = made
    plate.show_plate(view, performance, fps=scene_fps(scene), start=scene.frame_start)
    return made


def add_known_avatar(scene: bpy.types.Scene, info: AvatarInfo, home: Path) -> bpy.types.Object:
    """Add an avatar's head at rest to the scene, from what its file says of itself; its performance file goes into
    the engine's `home`.

    Raises:
        UserError: the avatar file is damaged, or its head's file is missing.
    """
    if info.error:
        raise UserError(info.error)
    path = home / "performances" / f"{info.id}_rest.npz"
    try:
        rest_performance(info.metadata).save(path)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            translated("The file of the avatar {avatar} is incomplete; build the avatar again.", avatar=info.id)
        ) from error
    head_path = info.metadata.get("head_path") or ""
    made = add_avatar(scene, path, head_path=Path(head_path) if head_path else None, name=info.id, adopt=False)
    give_avatar(made, info.id, info.metadata)
    return made


def give_avatar(made: bpy.types.Object, avatar: str, said: Mapping[str, Any]) -> None:
    """Tell a head its avatar's id in the engine, and what the avatar's file says of itself: its kind, the moment of
    the footage that it should look like, the light of that moment, and how far its training goes (where all of the file
    is said).
    """
    settings = head_settings(made)
    settings.avatar = avatar
    settings.kind = said.get("kind", FIRST_KIND)
    settings.time_code = said.get("time_code", settings.time_code)
    settings.light = json.dumps(said.get("light", []))
    settings.trained = json.dumps(said.get("trained", {})) if "ranges" in said else ""
    made.update_tag()  # else a viewport goes on with what it knew


def add_head(
    head: MorphableHead, performance: Performance, name: str, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Add the performance's person: mesh and rig, at the world's origin; return the mesh object."""
    made = make_head(head, performance.identity, performance.texture, name)
    collection.objects.link(made)
    ids.id_of(made)
    controls.add_controls(made, rig.make_rig(made, head, head.neutral(performance.identity), collection))
    return made


def add_camera(
    made: bpy.types.Object, performance: Performance, name: str, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Add the matched camera."""
    lens = camera.lens_of(performance.camera)
    view = camera.make_camera(lens, axes.camera_matrix(performance), name)
    collection.objects.link(view)
    settings = head_settings(made)
    settings.camera, settings.window = view, (lens.width, lens.height)
    return view


def shoot_with(scene: bpy.types.Scene, made: bpy.types.Object) -> None:
    """Make the scene render what a head's own camera sees, at the footage window's size and shape.

    Raises:
        UserError: the head's camera is gone.
    """
    settings = head_settings(made)
    if settings.camera is None:
        raise UserError(
            translated(
                "The camera of {head} is gone; make the head again with New Avatar or Add Avatar.", head=made.name
            )
        )
    camera.frame_scene(scene, settings.camera, *settings.window)


def apply_performance(
    made: bpy.types.Object, performance: Performance, *, fps: float, start: int, take: str = ""
) -> int:
    """Write a performance onto a head as keyframes from frame `start` on, or one of a single frame as what it holds
    without any; return the last frame's number.

    The keys go into a new take of this name, or without one into the actions that the head has.

    Raises:
        UserError: the head has lost its rig, its shape keys or its camera.
    """
    settings, mesh = head_settings(made), mesh_of(made)
    view = settings.camera
    if made.parent is None or mesh.shape_keys is None or view is None:
        raise UserError(
            translated("{head} has lost its rig, shape keys or camera; undo, or add the avatar again.", head=made.name)
        )
    view_layer().update()  # a camera's matrix changes a little when Blender has evaluated it
    seen_from_rig = np.linalg.inv(np.array(made.parent.matrix_world, float)) @ np.array(view.matrix_world, float)
    channels = keyframes.channels_of(performance, seen_from_rig, fps=fps, start=start)
    if len(performance) > 1:
        if take:
            takes.new_take(made, take)
        keyframes.insert(channels, mesh.shape_keys, made.parent)
    else:
        keyframes.hold(channels, mesh.shape_keys, made.parent)
    paths.keep_path(made, "driver", footage_of(performance) if performance.source else None)
    settings.driver_start = start
    settings.driver_time = float(performance.times[0])
    return int(max(channel.frames[-1] for channel in channels))


STARTUP = {"Cube": "MESH", "Camera": "CAMERA", "Light": "LIGHT"}
"""What every new Blender file begins with."""


def untouched(scene: bpy.types.Scene) -> bool:
    """Tell whether an artist has made nothing in the scene yet: it is empty, or as every new Blender file begins."""
    return all(STARTUP.get(each.name) == each.type and each.animation_data is None for each in scene.objects)


def adopt_timing(scene: bpy.types.Scene, performance: Performance) -> None:
    """Give the scene the footage's frame rate and length."""
    whole = max(1, round(performance.fps))
    scene.render.fps, scene.render.fps_base = whole, whole / performance.fps
    length = float(performance.times[-1] - performance.times[0]) * performance.fps
    scene.frame_end = scene.frame_start + round(length)
