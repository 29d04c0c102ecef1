# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that touches bpy."""

from . import preferences, properties

MODULES = (preferences, properties)


def register() -> None:
    """Register the extension's classes, in the order in which they need each other."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Undo `register`."""
    for module in reversed(MODULES):
        module.unregister()
