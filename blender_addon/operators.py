# SPDX-License-Identifier: GPL-3.0-or-later
"""What our operators share: why they are grey, how they tell the artist what went wrong, how they ask for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import bpy

from ..common.errors import UserError
from .words import translated

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
"""What an operator tells Blender."""


when_refused: list[Callable[[str], None]] = []
"""Told of each sentence that an operator reports as an error: the report itself can have no button."""


class SemblanceOperator(bpy.types.Operator):
    """An operator that is greyed out with a reason, and that reports a `UserError` as its one sentence."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the operator cannot run now, as a sentence; empty when it can."""
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell Blender whether the operator can run, and the artist why not."""
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(translated(reason))
        return not reason

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Run, and report what the user has to mend."""
        try:
            return self.run(context)
        except UserError as error:
            self.report({"ERROR"}, translated(str(error)))
            for hear in when_refused:
                hear(str(error))
            return {"CANCELLED"}

    def run(self, context: bpy.types.Context) -> Outcome:
        """What the operator does; it may raise `UserError`."""
        raise NotImplementedError


def ask_for_file(operator: bpy.types.Operator, context: bpy.types.Context) -> Outcome:
    """Open the file browser; when the artist has chosen, it sets the operator's `filepath` and runs it."""
    assert context.window_manager is not None
    context.window_manager.fileselect_add(operator)
    return {"RUNNING_MODAL"}
