# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in Blender. Its modules are imported when Blender registers it: those that need no bpy work without."""

import atexit
from types import ModuleType


def modules() -> tuple[ModuleType, ...]:
    """What is registered, in the order in which one needs the other."""
    from . import animation_properties, command_line, ids, preferences, properties, translations
    from .render import registration
    from .scene import paths
    from .ui import (
        activity,
        animate_operators,
        animate_panel,
        bake_operators,
        beyond_drawing,
        beyond_panel,
        beyond_watch,
        build_panel,
        build_pictures,
        carrying_operators,
        confidence,
        engine_operators,
        expected,
        first_look,
        job_operators,
        job_panel,
        job_watch,
        key_baking,
        live_panel,
        live_session,
        long_task,
        menus,
        movie_credentials,
        panels,
        pin_drawing,
        pin_operators,
        pin_panel,
        pin_pointer,
        pin_session,
        pose_operators,
        remote_card,
        scene_operators,
        sequence_operators,
        setup_card,
        splat_operators,
    )

    return (
        translations,
        preferences,
        properties,
        animation_properties,
        ids,
        paths,
        activity,
        setup_card,
        long_task,
        engine_operators,
        expected,
        remote_card,
        job_operators,
        scene_operators,
        splat_operators,
        bake_operators,
        carrying_operators,
        animate_operators,
        key_baking,
        pose_operators,
        panels,
        first_look,
        animate_panel,
        beyond_watch,
        beyond_drawing,
        beyond_panel,
        confidence,
        pin_session,
        pin_drawing,
        pin_operators,
        pin_pointer,
        pin_panel,
        menus,
        live_session,
        live_panel,
        job_watch,
        build_pictures,
        build_panel,
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
