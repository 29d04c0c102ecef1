# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that touches bpy."""

from . import (
    activity,
    command_line,
    operators_jobs,
    operators_scene,
    panels,
    preferences,
    properties,
    rendering,
)

MODULES = (
    preferences,
    properties,
    activity,
    operators_jobs,
    operators_scene,
    panels,
    rendering,
    command_line,
)


def register() -> None:
    """Register the extension's classes, in the order in which they need each other."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Undo `register`."""
    for module in reversed(MODULES):
        module.unregister()
