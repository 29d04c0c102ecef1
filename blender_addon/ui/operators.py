# SPDX-License-Identifier: GPL-3.0-or-later
"""What our operators share: a reason where they are grey, and the way they ask for a file."""

from __future__ import annotations

from typing import Literal

import bpy

Outcome = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
"""What an operator tells Blender."""


class Reasoned(bpy.types.Operator):
    """An operator that is greyed out with a reason: `disabled_reason` is empty when it can run."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the operator cannot run now, as a sentence."""
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell Blender whether the operator can run, and the artist why not."""
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason


def ask_for_file(operator: bpy.types.Operator, context: bpy.types.Context) -> Outcome:
    """Open the file browser; when the artist has chosen, it sets the operator's `filepath` and runs it."""
    assert context.window_manager is not None
    context.window_manager.fileselect_add(operator)
    return {"RUNNING_MODAL"}
