# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in Blender. Its modules are imported when Blender registers it: those that need no bpy work without."""

import atexit
from types import ModuleType


def modules() -> tuple[ModuleType, ...]:
    """What is registered, in the order in which one needs the other."""
    from . import (
        activity,
        command_line,
        operators_jobs,
        operators_scene,
        operators_sequencer,
        panels,
        preferences,
        properties,
        rendering,
    )

    return (
        preferences,
        properties,
        activity,
        operators_jobs,
        operators_scene,
        panels,
        rendering,
        operators_sequencer,
        command_line,
    )


def register() -> None:
    """Register the extension's classes."""
    for module in modules():
        module.register()
    atexit.register(unregister)  # Blender as a Python module crashes or hangs at exit while our classes are registered


def unregister() -> None:
    """Undo `register`."""
    atexit.unregister(unregister)
    for module in reversed(modules()):
        module.unregister()
