# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that carry avatars between computers and out of files: Import, Export, Relink, Remove Avatar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...common.errors import UserError
from ...common.home import Home
from ...tracking.performances.performance import Performance
from .. import ids, preferences
from ..access import registration_of
from ..engine import avatar_files
from ..operators import SemblanceOperator, ask_for_file
from ..properties import active_head, head_settings
from ..scene import driving
from ..scene.avatar_scene import give_avatar
from ..scene.paths import keep_path, path_of
from ..scene.removing import remove_avatar
from ..words import CONTEXT, translated
from .activity import NotOpenError, busy_reason
from .long_task import LongTask, linked_reason

if TYPE_CHECKING:
    from ..engine.jobs import Task
    from ..operators import Outcome

AVATAR_GLOB = f"*{avatar_files.SUFFIX}"
GLOBS = {"AVATAR": AVATAR_GLOB, "DATASET": "dataset.json", "PERFORMANCE": "*.npz", "HEAD": "*"}
NO_HEAD = "There is no head yet: make one with New Avatar."


def carrying_in(source: Path) -> Task[tuple[str, dict[str, Any]]]:
    """Bring an avatar's file into the engine, wherever that is."""
    place = preferences.engine_place()
    return avatar_files.sending(place, source) if place.remote else avatar_files.importing(place.home, source)


class SEMBLANCE_OT_import_avatar(LongTask):
    """Copy an avatar's file, as Export Avatar writes it, into the engine, so that heads can use it"""

    bl_idname = "semblance.import_avatar"
    bl_label = "Import Avatar"

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=AVATAR_GLOB, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why none can be imported now."""
        return busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for the file."""
        return ask_for_file(self, context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Copy it."""
        return self.carry_out(
            carrying_in(chosen(self.filepath)),
            lambda made: translated("{avatar} is in the engine: press Add Avatar to use it.", avatar=made[0]),
        )


class SEMBLANCE_OT_export_avatar(LongTask):
    """Copy this head's avatar into a file, to carry it to another computer"""

    bl_idname = "semblance.export_avatar"
    bl_label = "Export Avatar"

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=AVATAR_GLOB, options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is none to export."""
        head = active_head(context)
        if head is None:
            return NO_HEAD
        avatar = head_settings(head).avatar
        if not avatar:
            return translated("{head} has no avatar yet: press Build Avatar.", head=head.name)
        if reason := busy_reason():
            return reason
        return (
            ""
            if Home(preferences.home_folder()).avatar(avatar).is_file()
            else translated("{avatar} is not on this computer.", avatar=avatar)
        )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for the file."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        self.filepath = f"{head_settings(head).avatar}{avatar_files.SUFFIX}"
        return ask_for_file(self, context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Copy it."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        avatar = head_settings(head).avatar
        task = avatar_files.exporting(preferences.home_folder(), avatar, chosen(self.filepath))
        return self.carry_out(task, lambda file: translated("{avatar} is in {file}.", avatar=avatar, file=file))


class SEMBLANCE_OT_relink(LongTask):
    """Choose a file of this head that is missing, or another in its place"""

    bl_idname = "semblance.relink"
    bl_label = "Relink"

    kind: EnumProperty(
        name="Kind",
        translation_context=CONTEXT,
        items=(
            ("AVATAR", "Avatar", "The trained avatar (.safetensors)"),
            ("DATASET", "Dataset", "The tracked footage: its dataset.json"),
            ("PERFORMANCE", "Performance", "The performance that was tracked in the footage (.npz)"),
            ("HEAD", "Head", "The file of the morphable head"),
        ),
    )
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*", options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to relink."""
        head = active_head(context)
        return linked_reason(head) if head else NO_HEAD

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for the file."""
        self.filter_glob = GLOBS[self.kind]
        return ask_for_file(self, context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Relink it; an avatar is copied into the engine's home first.

        Raises:
            UserError: the file is not of the kind, or of another person.
        """
        head, file = active_head(context), chosen(self.filepath)
        assert head is not None  # else the operator is disabled
        if self.kind == "AVATAR":
            return self.relink_avatar(head, file)
        if self.kind == "DATASET":
            relink_dataset(head, file)
        elif self.kind == "PERFORMANCE":
            check_person(head, file)
            keep_path(head, "performance", file)
        elif not file.is_file():
            raise UserError(translated("There is no file at {file}; choose the head's file.", file=file))
        else:
            keep_path(head, "head_path", file)
        bpy.ops.ed.undo_push(message=self.bl_label)
        return {"FINISHED"}

    def relink_avatar(self, head: bpy.types.Object, file: Path) -> Outcome:
        """Copy an avatar's file into the engine's home, then give it to the head."""
        own, name = ids.id_of(head), head.name
        if (model := avatar_files.read_description(file).get("head")) != head_settings(head).head_name:
            raise UserError(
                translated(
                    "{file} was built with the head {model}, which {name} is not; press Add Avatar for it.",
                    file=file.name,
                    model=model,
                    name=name,
                )
            )

        def finish(made: tuple[str, dict[str, Any]]) -> str:
            found = ids.find_head(own)
            if found is None:
                raise NotOpenError(
                    translated(
                        "{name} is no longer there; {avatar} is in the engine: press Add Avatar.",
                        name=name,
                        avatar=made[0],
                    )
                )
            give_avatar(found, *made)
            return translated("{head} has the avatar {avatar}.", head=found.name, avatar=made[0])

        return self.carry_out(carrying_in(file), finish, undo=self.bl_label)


class SEMBLANCE_OT_remove_avatar(SemblanceOperator):
    """Remove this head from the file, with its rig, camera, plate and collection. The avatar stays in the engine"""

    bl_idname = "semblance.remove_avatar"
    bl_label = "Remove Avatar"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to remove."""
        head = active_head(context)
        return linked_reason(head) if head else NO_HEAD

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask first."""
        assert context.window_manager is not None
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Remove it."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        if bpy.context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        name = head.name
        remove_avatar(head)
        self.report({"INFO"}, translated("{name} is removed.", name=name))
        return {"FINISHED"}


def chosen(filepath: str) -> Path:
    """The file that the artist chose."""
    return Path(bpy.path.abspath(filepath)).absolute()


def relink_dataset(head: bpy.types.Object, file: Path) -> None:
    """Let a head be built of a dataset, which is told by its folder or a file in it.

    Raises:
        UserError: there is no dataset, or of another person.
    """
    folder = file if file.is_dir() else file.parent
    if not (folder / "dataset.json").is_file():
        raise UserError(
            translated("There is no dataset.json in {folder}; choose the folder of a tracked dataset.", folder=folder)
        )
    performance = folder / "performance.npz"
    check_person(head, performance)
    keep_path(head, "dataset", folder)
    before = path_of(head, "performance")
    if before is None or not before.is_file():
        keep_path(head, "performance", performance)


def check_person(head: bpy.types.Object, file: Path) -> None:
    """Make sure that a performance is of a head's own model and person.

    Raises:
        UserError: it cannot be read, or is of another.
    """
    given, own = Performance.load(file), driving.own_performance(head)
    model = head_settings(head).head_name
    if given.head != model or (own and not same_identity(own, given)):
        raise UserError(
            translated(
                "{file} is of another person or head model than {head}; choose its own.", file=file, head=head.name
            )
        )


def same_identity(first: Performance, second: Performance) -> bool:
    """Tell whether two performances have the same identity coefficients, but for rounding as they were written."""
    return first.identity.shape == second.identity.shape and bool(abs(first.identity - second.identity).max() < 1e-3)


CLASSES = (
    SEMBLANCE_OT_import_avatar,
    SEMBLANCE_OT_export_avatar,
    SEMBLANCE_OT_relink,
    SEMBLANCE_OT_remove_avatar,
)

register, unregister = registration_of(CLASSES)
