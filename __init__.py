# SPDX-License-Identifier: GPL-3.0-or-later
"""Semblance: photo-real portrait avatars in Blender.

This package is both the Blender extension and the pip package ``semblance``. Only Blender calls `register`,
so the add-on is imported there and not when the engine imports the package.
"""


def register() -> None:
    """Switch the extension on (called by Blender)."""
    from . import blender_addon

    blender_addon.register()


def unregister() -> None:
    """Switch the extension off (called by Blender)."""
    from . import blender_addon

    blender_addon.unregister()
