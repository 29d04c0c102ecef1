# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 4.5, 5.0 and 5.2: the only file that knows. It asks for features, never for versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy


def channels(datablock: bpy.types.ID) -> bpy.types.ActionChannelbagFCurves:
    """Return the F-Curves of a datablock's action; the action, its slot and layer are made when they are missing.

    A datablock that shares an action with others keeps to its own slot.
    """
    animation = datablock.animation_data_create()
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{datablock.name}Action")
    action = animation.action
    if animation.action_slot is None:
        slots = [slot for slot in action.slots if slot.target_id_type == datablock.id_type]
        free = slots[0] if slots and len(action.slots) == 1 else None
        animation.action_slot = free or action.slots.new(id_type=datablock.id_type, name=datablock.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    assert isinstance(strip, bpy.types.ActionKeyframeStrip)
    return strip.channelbag(animation.action_slot, ensure=True).fcurves


def channel(datablock: bpy.types.ID, data_path: str, index: int = 0, group: str = "") -> bpy.types.FCurve:
    """Return the F-Curve of one value of a datablock, made when it is missing."""
    curves = channels(datablock)
    curve = curves.find(data_path, index=index)
    if curve is not None:
        return curve
    if group and "group_name" in curves.bl_rna.functions["new"].parameters:
        return curves.new(data_path, index=index, group_name=group)
    return curves.new(data_path, index=index)


def channels_there(datablock: bpy.types.Object | bpy.types.Key) -> list[bpy.types.FCurve]:
    """Return the F-Curves that move a datablock by its action; nothing is made."""
    animation = getattr(datablock, "animation_data", None)
    if animation is None or animation.action is None or animation.action_slot is None:
        return []
    strips = [strip for layer in animation.action.layers for strip in layer.strips]
    bags = [strip.channelbag(animation.action_slot) for strip in strips]
    return [curve for bag in bags if bag for curve in bag.fcurves]


def root_package() -> str:
    """Return the extension's own name: `bl_ext.user_default.semblance`, or `semblance` where it is a plain package."""
    return __package__.rpartition(".")[0]


def user_folder() -> str:
    """Return the folder in which this extension may write; empty where Blender did not load it as an extension."""
    package = root_package()
    if not package.startswith("bl_ext.") or not hasattr(bpy.utils, "extension_path_user"):
        return ""
    return bpy.utils.extension_path_user(package, create=True)


def online_access() -> bool:
    """Tell whether Blender allows its extensions to go online; one that does not know the setting does."""
    return bool(getattr(bpy.app, "online_access", True))


def options_of_paths() -> set[str]:
    """Return the options of a property whose path may be relative to the .blend, for a Blender that wants to know."""
    known = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
    return {"PATH_SUPPORTS_BLEND_RELATIVE"} if known else set()


def show_between(strip: bpy.types.Strip, start: int, stop: int) -> None:
    """Show a strip from frame `start` on and no longer at frame `stop`."""
    if hasattr(strip, "left_handle") and hasattr(strip, "right_handle"):
        strip.left_handle, strip.right_handle = start, stop
    else:
        strip.frame_final_start, strip.frame_final_end = start, stop


def shown_between(strip: bpy.types.Strip) -> tuple[int, int]:
    """Return the frames from which on, and at which no longer, a strip is shown."""
    if hasattr(strip, "left_handle") and hasattr(strip, "right_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def content_start(strip: bpy.types.Strip) -> int:
    """Return the frame at which the file of a strip begins, whether that is shown or not."""
    return round(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def begin_content(strip: bpy.types.Strip, frame: int) -> None:
    """Have the file of a strip begin at a frame."""
    if hasattr(strip, "content_start"):
        strip.content_start = frame
    else:
        strip.frame_start = frame


def content_length(strip: bpy.types.Strip) -> int:
    """Return how many frames the file of a strip has; 1 when it could not be read."""
    return strip.content_duration if hasattr(strip, "content_duration") else strip.frame_duration


def show_sequence(context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    """Open the workspace for video editing in the context's window, made when it is missing, with a scene's strips.

    Since Blender 5.0 a workspace knows whose strips it shows; before, the window has to show that scene. Other windows
    and workspaces show what they showed.
    """
    if bpy.app.background or context.window is None:
        return
    open_video_editing(context.window)
    workspace = bpy.data.workspaces.get(EDITING, context.window.workspace)
    if workspace is not None and hasattr(workspace, "sequencer_scene"):
        workspace.sequencer_scene = scene
    else:
        context.window.scene = scene


EDITING = "Video Editing"
"""The workspace that Blender keeps in a template of that name."""


def open_video_editing(window: bpy.types.Window) -> None:
    """Switch a window to the workspace for video editing."""
    if EDITING in bpy.data.workspaces:
        window.workspace = bpy.data.workspaces[EDITING]
        return
    for folder in bpy.utils.app_template_paths():  # type: ignore[attr-defined, func-returns-value]
        template = Path(folder) / "Video_Editing" / "startup.blend"
        if template.is_file():
            bpy.ops.workspace.append_activate(idname=EDITING, filepath=str(template))
            return


def make_movies(settings: bpy.types.ImageFormatSettings) -> None:
    """Let a scene's output be a movie."""
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"


def make_pictures(settings: bpy.types.ImageFormatSettings) -> None:
    """Let a scene's output be PNG pictures with transparency."""
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGBA"


def why_no_compositor_modifier() -> str:
    """Why this Blender has no compositor modifier with inputs for strips, as a sentence; empty when it has."""
    kind: Any = getattr(bpy.types, "SequencerCompositorModifierData", None)
    if kind is not None and "properties" in kind.bl_rna.properties:
        return ""
    return "This Blender cannot composite strips: use Blender 5.2 or later."


def why_no_splats() -> str:
    """Why this Blender cannot draw Gaussian splats that follow a head, as a sentence; empty when it can."""
    kind = bpy.types.PointCloud.bl_rna.properties.get("type")
    draws = isinstance(kind, bpy.types.EnumProperty) and "GAUSSIAN_SPLAT" in kind.enum_items
    if draws and hasattr(bpy.types, "GeometryNodeBoneInfo"):
        return ""
    return "This Blender cannot draw Gaussian splats: use Blender 5.3 or later."


def new_splats(name: str, count: int) -> bpy.types.PointCloud:
    """Return a new point cloud of `count` splats, without any attributes of theirs yet."""
    made: Any = bpy.data.pointclouds.new(name)
    made.resize(count)
    made.type = "GAUSSIAN_SPLAT"
    return made  # type: ignore[no-any-return]


def set_modifier_inputs(modifier: bpy.types.NodesModifier, values: dict[str, Any]) -> None:
    """Set inputs of a Geometry Nodes modifier by their names."""
    interface = modifier.node_group.interface if modifier.node_group else None
    assert interface is not None
    inputs: Any = getattr(getattr(modifier, "properties", None), "inputs", None)
    for item in interface.items_tree:
        if isinstance(item, bpy.types.NodeTreeInterfaceSocket) and item.in_out == "INPUT" and item.name in values:
            if inputs is None:
                modifier[item.identifier] = values[item.name]
            else:
                getattr(inputs, item.identifier).value = values[item.name]
