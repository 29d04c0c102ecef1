# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in Blender. Its modules are imported when Blender registers it: those that need no bpy work without."""

import atexit
from types import ModuleType


def modules() -> tuple[ModuleType, ...]:
    """What is registered, in the order in which one needs the other."""
    from . import command_line, ids, preferences, properties
    from .render import registration
    from .scene import paths
    from .ui import (
        activity,
        bake_operators,
        carrying_operators,
        engine_operators,
        job_operators,
        job_panel,
        job_watch,
        long_task,
        movie_credentials,
        panels,
        remote_card,
        scene_operators,
        sequence_operators,
        setup_card,
        splat_operators,
    )

    return (
        preferences,
        properties,
        ids,
        paths,
        activity,
        setup_card,
        long_task,
        engine_operators,
        remote_card,
        job_operators,
        scene_operators,
        splat_operators,
        bake_operators,
        carrying_operators,
        panels,
        job_watch,
        job_panel,
        registration,
        sequence_operators,
        movie_credentials,
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
