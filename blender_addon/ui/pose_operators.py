# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose library: made with pictures of the head itself, shown in the Asset Browser and under the 3D view."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ...common.errors import UserError
from .. import preferences
from ..access import preferences_of, registration_of, windows
from ..engine.jobs import Bar
from ..engine.process import why_no_engine
from ..properties import active_head, head_settings
from ..render import thumbnails
from ..scene import pose_library
from ..scene.pose_catalogs import keep_catalogs
from ..scene.poses import POSES
from ..words import translated
from . import activity
from .animate_operators import NO_HEAD, HeadOperator
from .long_task import LongTask

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats
    from ..engine.jobs import Task
    from ..operators import Outcome

Pictures = dict[str, "Floats"]
"""A picture for each pose, by its title."""


class SEMBLANCE_OT_make_pose_library(LongTask):
    """Put 20 expressions and 15 visemes into this file as assets, with pictures of this head: its avatar's, if built"""

    bl_idname = "semblance.make_pose_library"
    bl_label = "Make Pose Library"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no library can be made now."""
        return "" if active_head(context) else NO_HEAD

    def run(self, context: bpy.types.Context) -> Outcome:
        """Take the pictures, then make the assets."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled

        def finish(pictures: Pictures) -> str:
            made = pose_library.add_poses(POSES, pictures)
            if not bpy.data.filepath:
                said = "{count} poses are in the Asset Browser under Current File; save the file to get their catalogs."
                return translated(said, count=len(made))
            keep_catalogs(Path(bpy.data.filepath), made)
            show_catalogs()
            return translated("{count} poses are in the Asset Browser under Current File.", count=len(made))

        return self.carry_out(picturing(head.session_uid, head.name), finish, undo=self.bl_label)


def picturing(uid: int, name: str) -> Task[Pictures]:
    """Take a picture of a head, known by its `session_uid`, in each pose. Where its avatar cannot be painted, its mesh
    is.

    Raises:
        UserError: the head is gone.
    """
    pictures: Pictures = {}
    as_avatar: bool | None = None
    for number, pose in enumerate(POSES):
        yield Bar(pose.title, number / len(POSES))
        while bpy.app.is_job_running("RENDER"):
            yield Bar("Waiting for the render", number / len(POSES))
        head = next((each for each in bpy.data.objects if each.session_uid == uid), None)
        if head is None:
            raise UserError(translated("{name} is gone; press Make Pose Library for another head.", name=name))
        if as_avatar is None:
            as_avatar = bool(head_settings(head).avatar) and not why_no_engine(preferences.engine_place())
        try:
            pictures[pose.title] = thumbnails.picture_of(head, pose.values, as_avatar=as_avatar)
        except RuntimeError as error:
            if not as_avatar:
                raise UserError(translated("Blender cannot render {name}: {error}", name=name, error=error)) from error
            as_avatar = False
            pictures[pose.title] = thumbnails.picture_of(head, pose.values, as_avatar=False)
    return pictures


@persistent  # type: ignore[untyped-decorator]
def after_saving(blend: str = "", *_: object) -> None:
    """Have the catalogs of the poses beside a file that was just saved."""
    if poses := pose_library.poses_here():
        try:
            keep_catalogs(Path(blend or bpy.data.filepath), poses)
        except UserError as error:
            activity.say(activity.Message(str(error), problem=True))
        show_catalogs()


def show_catalogs() -> None:
    """Have open Asset Browsers read the catalogs anew."""
    for window in windows():
        for area in window.screen.areas if window.screen else ():
            if area.ui_type == "ASSETS":
                shown = bpy.context.temp_override(window=window, screen=window.screen, area=area)
                with suppress(RuntimeError), shown:  # where it shows no assets yet
                    bpy.ops.asset.library_refresh()


LIBRARY_TYPES = (
    ("LOCAL", "Current File", "", 1),
    ("ALL", "All", "", 2),
    ("ESSENTIALS", "Essentials", "", 3),
    ("CUSTOM", "Custom", "", 100),
)
"""Blender's numbers for where an asset is; it tells operators of shelves."""


class SEMBLANCE_OT_apply_pose(HeadOperator):
    """Move this head's face to a pose of the library. It is keyed where Auto Keying is on"""

    bl_idname = "semblance.apply_pose"
    bl_label = "Apply Face Pose"

    asset_library_type: EnumProperty(items=LIBRARY_TYPES, options={"SKIP_SAVE", "HIDDEN"})
    asset_library_identifier: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    relative_asset_identifier: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    pose: StringProperty(name="Pose", description="The pose's name", options={"SKIP_SAVE", "HIDDEN"})
    library: StringProperty(
        name="File", description="The file that has it; this one when empty", options={"SKIP_SAVE", "HIDDEN"}
    )
    share: FloatProperty(
        name="Blend", description="How much of the pose is taken", default=1.0, min=0.0, max=1.0, subtype="FACTOR",
        options={"SKIP_SAVE"},
    )  # fmt: skip
    flip: BoolProperty(name="Flip", description="Take it as in a mirror", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Note which asset is meant, for when the operator is adjusted; Ctrl flips it.

        The shelf says so by properties, the Asset Browser by what is active there.
        """
        asset = context.asset
        if self.relative_asset_identifier:
            place, _, self.pose = self.relative_asset_identifier.rpartition("/Action/")
            self.pose = self.pose.removeprefix("Action/")
            libraries = preferences_of(context).filepaths.asset_libraries
            root = libraries.get(self.asset_library_identifier)
            self.library = str(Path(root.path) / place) if root and place else ""
        elif asset is not None and not self.pose:
            self.pose = asset.name
            self.library = "" if asset.local_id else asset.full_library_path
        self.flip = self.flip or event.ctrl
        return self.execute(context)

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        pose_library.apply(head, self.chosen_values(), share=self.share, flip=self.flip)
        return ""

    def chosen_values(self) -> dict[str, float]:
        """What the chosen pose sets.

        Raises:
            UserError: there is no such pose.
        """
        if self.library:
            return pose_library.values_in(Path(bpy.path.abspath(self.library)), self.pose)
        action = bpy.data.actions.get(self.pose)
        values: dict[str, float] = pose_library.values_of(action) if action else {}
        if not values:
            raise UserError(
                translated(
                    "{pose} is no pose of a face; press Make Pose Library.", pose=self.pose or translated("Nothing")
                )
            )
        return values


class SEMBLANCE_AST_poses(bpy.types.AssetShelf):
    """The poses at the foot of the 3D view, where a head is active in Object Mode."""

    bl_idname = "SEMBLANCE_AST_poses"
    bl_space_type = "VIEW_3D"
    bl_activate_operator = SEMBLANCE_OT_apply_pose.bl_idname
    bl_default_preview_size = 80
    bl_options = {"DEFAULT_VISIBLE"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only for heads of ours, once there are poses."""
        if getattr(context, "object", None) is None or context.mode not in ("OBJECT", "POSE"):  # none without a window
            return False
        if active_head(context) is None:
            return False
        return any(each.get(pose_library.MARK) for each in bpy.data.actions)

    @classmethod
    def asset_poll(cls, asset: bpy.types.AssetRepresentation | None) -> bool:
        """Only our poses."""
        return asset is not None and is_pose(asset)


def is_pose(asset: bpy.types.AssetRepresentation) -> bool:
    """Tell whether an asset is a pose of a face."""
    said = asset.metadata
    return asset.id_type == "ACTION" and said is not None and pose_library.TAG in said.tags


def draw_in_browser(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Offer a pose in the Asset Browser's context menu."""
    if menu.layout and context.asset is not None and is_pose(context.asset):
        menu.layout.separator()
        menu.layout.operator(SEMBLANCE_OT_apply_pose.bl_idname, icon="MESH_MONKEY")


CLASSES = (SEMBLANCE_OT_make_pose_library, SEMBLANCE_OT_apply_pose, SEMBLANCE_AST_poses)

register_classes, unregister_classes = registration_of(CLASSES)


def register() -> None:
    """Register the operators, the shelf and the menu's line."""
    register_classes()
    bpy.types.ASSETBROWSER_MT_context_menu.append(draw_in_browser)
    bpy.app.handlers.save_post.append(after_saving)


def unregister() -> None:
    """Undo `register`."""
    bpy.app.handlers.save_post.remove(after_saving)
    bpy.types.ASSETBROWSER_MT_context_menu.remove(draw_in_browser)
    unregister_classes()
