# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that change the scene at once: load a performance, add an avatar that was built before."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ...common.errors import UserError
from ...protocol.messages import AvatarInfo
from ...tracking.performances.captures.registry import BY_SUFFIX
from ...tracking.performances.rest import rest_performance
from .. import preferences
from ..engine import jobs
from ..properties import active_head
from ..scene import reenact
from ..scene.avatar_scene import add_avatar
from .job_operators import Reasoned, look_through_camera


class SEMBLANCE_OT_load_performance(Reasoned, bpy.types.Operator):
    """Turn a performance, a Live Link Face CSV or ARKit JSON into keyframes of this head, from the current frame on"""

    bl_idname = "semblance.load_performance"
    bl_label = "Load Performance"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(
        default=";".join(f"*{suffix}" for suffix, each in BY_SUFFIX.items() if not each.needs_its_head),
        options={"HIDDEN"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no performance can be loaded now."""
        return "" if active_head(context) else "There is no head yet: make one with New Avatar."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Load it."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            said = reenact.drive(context.scene, active_head(context), path, context.scene.frame_current)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, said)
        return {"FINISHED"}


_choices: list[tuple[str, str, str]] = []
"""What the search menu shows. Blender keeps no copy of dynamic enum items, so Python must."""


def avatar_choices(_self: object, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    """The avatars that the engine had when the menu was opened."""
    return _choices


class SEMBLANCE_OT_add_avatar(Reasoned, bpy.types.Operator):
    """Add an avatar that was built before, at rest, with its head and camera"""

    bl_idname = "semblance.add_avatar"
    bl_label = "Add Avatar"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "choice"

    avatar: StringProperty(name="Avatar", description="Name of the avatar in the engine", options={"SKIP_SAVE"})
    choice: EnumProperty(name="Avatar", items=avatar_choices, options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no avatar can be added now."""
        folder = preferences.home_folder() / "avatars"
        if preferences.engine_place().remote or any(folder.glob("*.safetensors")):
            return ""
        return "No avatar is built yet: press Build Avatar."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Let the artist choose."""
        try:
            found = known_avatars()
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _choices[:] = [(each.id, each.id, each.error or str(each.metadata.get("kind", ""))) for each in found]
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        wanted = self.avatar or self.choice
        try:
            info = next((each for each in known_avatars() if each.id == wanted), None)
            if info is None:
                raise UserError(f"There is no avatar {wanted!r} in the engine; build it first.")
            made = add_known_avatar(context.scene, info)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        look_through_camera(made)
        return {"FINISHED"}


def known_avatars() -> list[AvatarInfo]:
    """Ask the engine which avatars it has, starting it when it is not there."""
    client = jobs.run_to_end(jobs.connecting(preferences.engine_place()))
    try:
        return client.avatars()
    finally:
        client.close()


def add_known_avatar(scene: bpy.types.Scene, info: AvatarInfo) -> bpy.types.Object:
    """Add an avatar's head at rest to the scene, from what its file says of itself; its performance file goes beside
    the engine's other data.

    Raises:
        UserError: the avatar file is damaged, or its head's file is missing.
    """
    if info.error:
        raise UserError(info.error)
    path = preferences.home_folder() / "performances" / f"{info.id}_rest.npz"
    try:
        rest_performance(info.metadata).save(path)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"The avatar {info.id} does not say whose it is; build it again.") from error
    head_path = info.metadata.get("head_path") or ""
    made = add_avatar(
        scene, path, head_path=Path(head_path) if head_path else None, avatar=info.id, name=info.id, adopt=False
    )
    made.semblance.time_code = info.metadata.get("time_code", 0.5)
    return made


CLASSES = (SEMBLANCE_OT_load_performance, SEMBLANCE_OT_add_avatar)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
