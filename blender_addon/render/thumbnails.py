# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of a head in poses: as its avatar where the engine can paint it, else as its mesh.

Each is taken in a scene of its own, of copies that have no keys; nothing of it stays.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from ..access import mesh_of, pose_of
from ..properties import head_settings
from ..scene.controls import points_of
from . import scene_colours
from .render_engine import SemblanceRenderEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...tracking.heads.arrays import Floats

SIZE = 128
"""Pixels of a picture's side, or so."""
LARGEST = 1024
"""Pixels of the side of the whole frame, of which the picture is a part."""
HAIR = 1.25
"""How much larger than its mesh a head is with its hair."""


def picture_of(head: bpy.types.Object, values: Mapping[str, float], *, as_avatar: bool) -> Floats:
    """Return `[H, W, 4]` sRGB with straight alpha, row 0 on top: a head as its camera sees it, with the values of its
    expressions by name, all others at 0.

    Raises:
        RuntimeError: Blender or the engine could not render it; says why.
    """
    with studio(head) as (scene, shown), TemporaryDirectory(prefix="semblance-") as folder:
        keys = mesh_of(shown).shape_keys
        assert keys is not None
        for key in keys.key_blocks:
            key.value = values.get(key.name, 0.0)
        light(scene, as_avatar=as_avatar)
        frame(scene, shown)
        file = Path(folder) / "picture.png"
        scene.render.filepath = str(file)
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return read_picture(file)


@contextmanager
def studio(head: bpy.types.Object) -> Iterator[tuple[bpy.types.Scene, bpy.types.Object]]:
    """Yield a scene, and in it a copy of a head at rest before a copy of its camera; both are gone afterwards."""
    scene = bpy.data.scenes.new("Semblance Thumbnail")
    camera, rig = head_settings(head).camera, head.parent
    originals = [each for each in (head, rig, camera) if each]
    copies: list[bpy.types.Object] = []
    data: list[bpy.types.ID] = []
    try:
        for each in originals:
            copy = each.copy()
            copy.animation_data_clear()
            scene.collection.objects.link(copy)
            copies.append(copy)
        shown = copies[0]
        mesh = mesh_of(head).copy()
        data.append(mesh)
        shown.data = mesh
        assert mesh.shape_keys is not None
        mesh.shape_keys.animation_data_clear()
        if rig:
            shown.parent = copies[1]
            rest(copies[1])
            for modifier in shown.modifiers:
                if isinstance(modifier, bpy.types.ArmatureModifier):
                    modifier.object = copies[1]
        if camera:
            scene.camera = copies[-1]
            head_settings(shown).camera = copies[-1]
        yield scene, shown
    finally:
        for copy in copies:
            bpy.data.objects.remove(copy)
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(data)


def rest(rig: bpy.types.Object) -> None:
    """Let a copied rig rest."""
    for bone in pose_of(rig).bones:
        bone.matrix_basis.identity()
        for constraint in bone.constraints:
            constraint.mute = True


def light(scene: bpy.types.Scene, *, as_avatar: bool) -> None:
    """Choose what renders a scene, and in which colours."""
    render = scene.render
    render.film_transparent = True
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
    scene_colours.keep_colours(scene)
    if as_avatar:
        render.engine = SemblanceRenderEngine.bl_idname  # type: ignore[assignment]  # not one of Blender's own
        return
    render.engine = "BLENDER_WORKBENCH"  # type: ignore[assignment]  # its stub knows one of Blender's own only
    shading = scene.display.shading if scene.display else None
    assert shading is not None
    shading.light, shading.color_type = "STUDIO", "VERTEX"


def frame(scene: bpy.types.Scene, shown: bpy.types.Object) -> None:
    """Let a scene render the part of the camera's square frame in which the head is."""
    render, camera = scene.render, scene.camera
    render.resolution_percentage = 100
    render.resolution_x = render.resolution_y = SIZE
    if camera is None:
        return
    scene.view_layers[0].update()
    world = shown.matrix_world
    some = points_of(shown, "Basis")[::10].tolist()
    points = [world_to_camera_view(scene, camera, world @ Vector(each))[:2] for each in some]
    low, high = np.min(points, 0), np.max(points, 0)
    side = float(np.clip(HAIR * (high - low).max(), SIZE / LARGEST, 1))
    left, bottom = np.clip((low + high - side) / 2, 0, 1 - side).tolist()
    render.resolution_x = render.resolution_y = round(SIZE / side)
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = left, left + side
    render.border_min_y, render.border_max_y = bottom, bottom + side


def read_picture(file: Path) -> Floats:
    """Return a picture file as `[H, W, 4]`, row 0 on top."""
    image = bpy.data.images.load(str(file))
    try:
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        values: Any = image.pixels
        values.foreach_get(pixels)
        return pixels.reshape(height, width, 4)[::-1]
    finally:
        bpy.data.images.remove(image)
