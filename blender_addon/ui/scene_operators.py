# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that change the scene at once: load a performance, add an avatar that was built before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...common.errors import UserError
from ...protocol.client import Client
from ...protocol.messages import AvatarInfo
from ...tracking.performances.captures.registry import BY_SUFFIX
from .. import preferences
from ..access import registration_of, scene_of
from ..engine import jobs
from ..operators import Outcome, SemblanceOperator, ask_for_file
from ..properties import active_head, head_settings
from ..scene import driving
from ..scene.avatar_scene import add_known_avatar, shoot_with
from ..words import translated
from . import activity
from .showing import hide_startup_cube, look_through_camera

if TYPE_CHECKING:
    from ...protocol.client import Question


class SEMBLANCE_OT_load_performance(SemblanceOperator):
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

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for the file."""
        return ask_for_file(self, context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Load it."""
        scene, head, path = scene_of(context), active_head(context), Path(bpy.path.abspath(self.filepath))
        assert head is not None  # else the operator is disabled
        self.report({"INFO"}, driving.drive(scene, head, path, scene.frame_current))
        return {"FINISHED"}


_choices: list[tuple[str, str, str]] = []
"""What the search menu shows. Blender keeps no copy of dynamic enum items, so Python must."""
_found: dict[str, AvatarInfo] = {}
"""What the engine said of each avatar when it was last asked."""


def avatar_choices(_self: object, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    """The avatars that the engine had when the menu was opened."""
    return _choices


class SEMBLANCE_OT_add_avatar(SemblanceOperator):
    """Add an avatar that was built before, at rest, with its head and camera"""

    bl_idname = "semblance.add_avatar"
    bl_label = "Add Avatar"
    bl_options = {"UNDO"}
    bl_property = "choice"

    avatar: StringProperty(name="Avatar", description="Name of the avatar in the engine", options={"SKIP_SAVE"})
    choice: EnumProperty(name="Avatar", items=avatar_choices, options={"SKIP_SAVE", "HIDDEN"})
    listed: BoolProperty(description="The engine was asked for its avatars", options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no avatar can be added now."""
        if reason := activity.busy_reason():
            return reason
        folder = preferences.home_folder() / "avatars"
        if preferences.engine_place().remote or any(folder.glob("*.safetensors")):
            return ""
        return "No avatar is built yet: begin with a video or a photo."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask the engine, which may have to be started first, then let the artist choose."""
        if self.listed:
            assert context.window_manager is not None
            context.window_manager.invoke_search_popup(self)
            return {"RUNNING_MODAL"}

        def show(question: Question) -> str:
            keep_found([AvatarInfo.from_json(each) for each in question.wait()])
            bpy.ops.semblance.add_avatar("INVOKE_DEFAULT", listed=True)  # type: ignore[attr-defined]
            return ""

        place = preferences.engine_place()
        activity.begin(self.bl_label, jobs.asking(place, Client.ask_avatars, "Asking for the avatars"), show)
        return {"FINISHED"}

    def run(self, context: bpy.types.Context) -> Outcome:
        """Add it.

        Raises:
            UserError: the engine has no such avatar, or its file or its head's is missing or damaged.
        """
        if not self.listed:
            keep_found(known_avatars())
        wanted = self.avatar or self.choice
        if wanted not in _found:
            raise UserError(translated("There is no avatar {wanted!r} in the engine; build it first.", wanted=wanted))
        scene = scene_of(context)
        made = add_known_avatar(scene, _found[wanted], preferences.home_folder())
        hide_startup_cube(scene)
        look_through_camera(made)
        return {"FINISHED"}


class SEMBLANCE_OT_use_its_camera(SemblanceOperator):
    """Render through this head's own camera, in pictures of its footage's size and shape"""

    bl_idname = "semblance.use_its_camera"
    bl_label = "Use Its Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is no camera to use."""
        head = active_head(context)
        if head is None:
            return "There is no head yet: make one with New Avatar."
        return "" if head_settings(head).camera else translated("The camera of {head} is gone.", head=head.name)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Make it the scene's."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        shoot_with(scene_of(context), head)
        look_through_camera(head)
        return {"FINISHED"}


def keep_found(avatars: list[AvatarInfo]) -> None:
    """Keep what the engine has, for the search menu."""
    _found.clear()
    _found.update({each.id: each for each in avatars})
    _choices[:] = [(each.id, each.id, each.error or str(each.metadata.get("kind", ""))) for each in avatars]


def known_avatars() -> list[AvatarInfo]:
    """Ask the engine which avatars it has, starting it when it is not there. Waits for it.

    Raises:
        UserError: there is no engine and none can be started.
    """
    asked = jobs.run_to_end(jobs.asking(preferences.engine_place(), Client.ask_avatars, "Asking for the avatars"))
    return [AvatarInfo.from_json(each) for each in asked.wait()]


CLASSES = (SEMBLANCE_OT_load_performance, SEMBLANCE_OT_add_avatar, SEMBLANCE_OT_use_its_camera)

register, unregister = registration_of(CLASSES)
