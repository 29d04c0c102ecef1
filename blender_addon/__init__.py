# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that touches bpy."""


def register() -> None:
    """Register the add-on's classes."""


def unregister() -> None:
    """Undo `register`."""
