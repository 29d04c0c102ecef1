# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar leaves a file, with everything that came with it and that nothing else uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..properties import head_settings
from .gaussian_splats import splats_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def remove_avatar(head: bpy.types.Object) -> None:
    """Remove a head, its rig, camera, splats and plate, and the collection that they leave empty.

    What the artist has hung onto them stays where it is; a camera or a picture that something else uses stays, too.
    """
    parts = parts_of(head)
    collections = [each for part in parts for each in part.users_collection]
    leftovers = [each for part in parts for each in data_of(part)]
    for each in bpy.data.objects:
        if each.parent in parts and each not in parts and each.library is None:
            place = each.matrix_world.copy()
            each.parent = None
            each.matrix_world = place
    for part in parts:
        bpy.data.objects.remove(part)
    remove_unused(leftovers)
    own = {each for each in collections if each in set(bpy.data.collections)}
    for collection in own:
        if not collection.all_objects and not collection.children and collection.library is None:
            bpy.data.collections.remove(collection)


def discard(collection: bpy.types.Collection) -> None:
    """Remove a collection of ours with whatever is in it, however complete."""
    name = collection.name
    for each in [each for each in collection.objects if head_settings(each).is_head]:
        remove_avatar(each)
    left = bpy.data.collections.get(name)
    if left is None:
        return
    for each in list(left.objects):
        data = list(data_of(each))
        bpy.data.objects.remove(each)
        remove_unused(data)
    bpy.data.collections.remove(left)


def parts_of(head: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects that came with a head, and the head itself."""
    parts, camera, rig = [head, *splats_of(head)], head_settings(head).camera, head.parent
    others = [each for each in bpy.data.objects if head_settings(each).is_head and each != head]
    if camera and all(head_settings(each).camera != camera for each in others):
        parts.append(camera)
    whole = head_settings(head).plate_camera
    if whole and all(head_settings(each).plate_camera != whole for each in others):
        parts.append(whole)
    if rig and rig.type == "ARMATURE" and all(each.parent != rig for each in others):
        parts.append(rig)
        shapes = {bone.custom_shape for bone in rig.pose.bones if bone.custom_shape} if rig.pose else set()
        parts.extend(shape for shape in shapes if not shape.users_collection)
    return [each for each in parts if each.library is None]


def data_of(part: bpy.types.Object) -> Iterator[bpy.types.ID]:
    """Yield the datablocks that a part holds: those that hold others first."""
    data = part.data
    keys = data.shape_keys if isinstance(data, bpy.types.Mesh) else None
    for holder in (part, data, keys):
        animation = getattr(holder, "animation_data", None)
        if animation and animation.action:
            yield animation.action
        if animation:
            yield from (each.action for track in animation.nla_tracks for each in track.strips if each.action)
    if isinstance(data, bpy.types.Mesh):
        yield from filter(None, data.materials)
    if isinstance(data, bpy.types.Camera):
        yield from (each.image for each in data.background_images if each.image)
    for modifier in part.modifiers:
        if isinstance(modifier, bpy.types.NodesModifier) and modifier.node_group:
            yield modifier.node_group
    if data:
        yield data


def remove_unused(datablocks: Iterable[bpy.types.ID]) -> None:
    """Remove what nothing uses any more; the last ones hold the first."""
    for each in reversed(list(dict.fromkeys(datablocks))):
        if each.library is None and not each.use_fake_user and not each.users:
            bpy.data.batch_remove([each])
