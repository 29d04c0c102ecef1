# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's API types as "maybe" or "any of twelve kinds", where we know that it is there and of which kind.

To ask for something that is not there is a fault of ours, not the user's: it fails an assertion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def scene_of(context: bpy.types.Context | bpy.types.Depsgraph) -> bpy.types.Scene:
    """The scene of a context, or of what is evaluated."""
    assert context.scene is not None
    return context.scene


def view_layer() -> bpy.types.ViewLayer:
    """The view layer that Blender works in now."""
    assert bpy.context.view_layer is not None
    return bpy.context.view_layer


def preferences_of(context: bpy.types.Context) -> bpy.types.Preferences:
    """What the user has set in Blender."""
    assert context.preferences is not None
    return context.preferences


def windows() -> list[bpy.types.Window]:
    """Blender's windows; none in background mode, where a file's windows exist but must not be touched."""
    manager = bpy.context.window_manager
    return [] if bpy.app.background or manager is None else list(manager.windows)


def view_settings_of(scene: bpy.types.Scene) -> bpy.types.ColorManagedViewSettings:
    """How a scene's colours are shown and saved."""
    assert scene.view_settings is not None
    return scene.view_settings


def mesh_of(holder: bpy.types.Object) -> bpy.types.Mesh:
    """The mesh of an object of type 'MESH'."""
    assert isinstance(holder.data, bpy.types.Mesh)
    return holder.data


def camera_of(holder: bpy.types.Object) -> bpy.types.Camera:
    """The camera of an object of type 'CAMERA'."""
    assert isinstance(holder.data, bpy.types.Camera)
    return holder.data


def armature_of(holder: bpy.types.Object) -> bpy.types.Armature:
    """The armature of an object of type 'ARMATURE'."""
    assert isinstance(holder.data, bpy.types.Armature)
    return holder.data


def pose_of(rig: bpy.types.Object) -> bpy.types.Pose:
    """The pose of an object of type 'ARMATURE'."""
    assert rig.pose is not None
    return rig.pose


def values_of(attribute: bpy.types.Attribute) -> bpy.types.bpy_prop_collection[Any]:
    """What an attribute of a mesh holds, which Blender's API types for every kind of attribute apart."""
    data: bpy.types.bpy_prop_collection[Any] = attribute.data  # type: ignore[attr-defined]
    return data


def enum_items(owner: type[Any], name: str) -> bpy.types.bpy_prop_collection[bpy.types.EnumPropertyItem]:
    """What an enum property of a type can be."""
    found = owner.bl_rna.properties[name]
    assert isinstance(found, bpy.types.EnumProperty)
    return found.enum_items


def registration_of(classes: Iterable[type]) -> tuple[Callable[[], None], Callable[[], None]]:
    """The functions `register` and `unregister` for a module's classes."""
    return bpy.utils.register_classes_factory(classes)  # type: ignore[func-returns-value, return-value]
