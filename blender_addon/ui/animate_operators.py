# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for animators: keys of the face, takes, strips, fewer keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

from ...common.errors import UserError
from ...tracking.heads.head import ARKIT_NAMES
from ..access import mesh_of, registration_of, scene_of
from ..operators import Outcome, SemblanceOperator
from ..properties import active_head
from ..scene import controls, driving, takes
from ..scene.paths import path_of
from ..scene.smooth_keys import Tolerance, reduce_keys
from ..words import translated
from .long_task import linked_reason

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_HEAD = "There is no head yet: make one with New Avatar."


class HeadOperator(SemblanceOperator):
    """An operator that changes the active head."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is no head to change, or what it lacks."""
        head = active_head(context)
        if head is None:
            return NO_HEAD
        if reason := linked_reason(head):
            return reason
        try:
            takes.animated(head)
        except UserError as error:
            return str(error)
        return cls.lacking(head)

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """What a head lacks for this, as a sentence; empty when it lacks nothing."""
        return ""

    def run(self, context: bpy.types.Context) -> Outcome:
        """Change it, and say what was done."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        said = self.change(scene_of(context), head)
        if said:
            self.report({"INFO"}, said)
        return {"FINISHED"}

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """What the operator does to a head; returns what to say. It may raise `UserError`."""
        raise NotImplementedError


class SEMBLANCE_OT_drive_again(HeadOperator):
    """Put the same performance onto this head once more as a new take, with strengths and smoothing as they are now"""

    bl_idname = "semblance.drive_again"
    bl_label = "Drive Again"

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """See `HeadOperator.lacking`."""
        file = path_of(head, "motion")
        if file is None:
            return "Drive this head first, from a video or a performance."
        return "" if file.is_file() else translated("{file} is gone; load another performance.", file=file)

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        file = path_of(head, "motion")
        assert file is not None  # else the operator is disabled
        return driving.drive(scene, head, file, scene.frame_current)


_takes: list[tuple[str, str, str]] = []
"""What the menu of takes shows. Blender keeps no copy of dynamic enum items, so Python must."""


def take_choices(_self: object, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    """The takes of the open file."""
    _takes[:] = [
        (
            each.name,
            each.name,
            translated("Frames {start:.0f} to {stop:.0f}", start=each.frame_range[0], stop=each.frame_range[1]),
        )
        for each in takes.takes()
    ]
    return _takes


class SEMBLANCE_OT_use_take(HeadOperator):
    """Let this head do another take; the one that it does now is kept"""

    bl_idname = "semblance.use_take"
    bl_label = "Take"

    take: EnumProperty(name="Take", items=take_choices)

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """See `HeadOperator.lacking`."""
        return "" if takes.takes() else "There is no take yet: drive this head first."

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        takes.use_take(head, bpy.data.actions[self.take])
        return ""


class SEMBLANCE_OT_push_down(HeadOperator):
    """Make a strip of this head's take, called like it, on new tracks of the Nonlinear Animation editor"""

    bl_idname = "semblance.push_down"
    bl_label = "Push Down to Strip"

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """See `HeadOperator.lacking`."""
        return "" if any(takes.curves_of(head)) else "This head has no keys: drive or keyframe it first."

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        return translated("{take} is a strip now.", take=takes.push_down(head))


class SEMBLANCE_OT_reduce_keys(HeadOperator):
    """Replace this head's keys by fewer with smooth handles. No frame is farther off than is allowed here"""

    bl_idname = "semblance.reduce_keys"
    bl_label = "Reduce Keys"

    slider: FloatProperty(
        name="Expressions", description="How far an expression may be off", default=0.01, min=0.0, max=0.5, precision=3
    )
    angle: FloatProperty(
        name="Rotation", description="How far head and eyes may be off", default=0.0035, min=0.0, max=0.5,
        subtype="ANGLE", precision=3,
    )  # fmt: skip
    length: FloatProperty(
        name="Location", description="How far the head may be off", default=0.0005, min=0.0, max=0.1,
        subtype="DISTANCE", precision=4,
    )  # fmt: skip

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """See `HeadOperator.lacking`."""
        return "" if any(takes.curves_of(head)) else "This head has no keys: drive or keyframe it first."

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        before, after = reduce_keys(head, Tolerance(self.slider, self.angle, self.length))
        return translated("{after} keys instead of {before}.", after=after, before=before)


class SEMBLANCE_OT_add_controls(HeadOperator):
    """Give the rig of a head from an older file the jaw bone and the look-at target"""

    bl_idname = "semblance.add_controls"
    bl_label = "Add Jaw and Look-At Target"

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """See `HeadOperator.lacking`."""
        assert head.parent is not None
        if controls.has_controls(head.parent):
            return "This head's rig has them."
        overridden = head.override_library or head.parent.override_library
        return "This head comes from another file: add them there." if overridden else ""

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        assert head.parent is not None
        if bpy.context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        controls.add_controls(head, head.parent)
        return ""


class SEMBLANCE_OT_key_expressions(HeadOperator):
    """Keyframe expressions of this head at the current frame"""

    bl_idname = "semblance.key_expressions"
    bl_label = "Key the Face"

    names: StringProperty(
        name="Expressions", description="Their names with commas between; all of them when empty", options={"SKIP_SAVE"}
    )

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        keys = mesh_of(head).shape_keys
        assert keys is not None  # else the operator is disabled
        wanted: Sequence[str] = self.names.split(",") if self.names else ARKIT_NAMES
        for name in wanted:
            if name in keys.key_blocks:
                keys.key_blocks[name].keyframe_insert("value", group="Expression")
        return ""


class SEMBLANCE_OT_relax_face(HeadOperator):
    """Set all expressions of this head to 0"""

    bl_idname = "semblance.relax_face"
    bl_label = "Relax the Face"

    def change(self, scene: bpy.types.Scene, head: bpy.types.Object) -> str:
        """See `HeadOperator.change`."""
        keys = mesh_of(head).shape_keys
        assert keys is not None  # else the operator is disabled
        for name in ARKIT_NAMES:
            if name in keys.key_blocks:
                keys.key_blocks[name].value = 0.0
        return ""


CLASSES = (
    SEMBLANCE_OT_drive_again,
    SEMBLANCE_OT_use_take,
    SEMBLANCE_OT_push_down,
    SEMBLANCE_OT_reduce_keys,
    SEMBLANCE_OT_add_controls,
    SEMBLANCE_OT_key_expressions,
    SEMBLANCE_OT_relax_face,
)

register, unregister = registration_of(CLASSES)
