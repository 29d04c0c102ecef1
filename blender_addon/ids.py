# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads and scenes by ids of their own, which renaming, undo and saving leave alone; a copy gets a new one.

Blender copies an id with what it copies. Therefore it is remembered which object had an id first: in the same session
Blender's own `session_uid` tells an object from its copies, also over undo.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

from .properties import head_settings, scene_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .properties import SemblanceObject, SemblanceScene

    Marked = bpy.types.Object | bpy.types.Scene

_owners: dict[str, int] = {}
"""The `session_uid` of what has an id in the open file."""


def id_of(marked: Marked) -> str:
    """The id of a head or a scene, made when it has none or is a copy of what has it; what is linked keeps its own."""
    settings = settings_of(marked)
    if marked.library is not None:
        return settings.id
    if not settings.id or _owners.get(settings.id, marked.session_uid) != marked.session_uid:
        settings.id = uuid.uuid4().hex
    _owners[settings.id] = marked.session_uid
    return settings.id


def renew(marked: Marked) -> None:
    """Give a head that has come from another file an id of its own."""
    settings_of(marked).id = ""
    id_of(marked)


def find_head(wanted: str) -> bpy.types.Object | None:
    """The head with an id that can be changed; None when it is not in the open file, or in none of its scenes."""
    found = owner(wanted, (each for each in bpy.data.objects if each.users_scene and each.library is None))
    return found if isinstance(found, bpy.types.Object) and head_settings(found).is_head else None


def find_scene(wanted: str) -> bpy.types.Scene | None:
    """The scene with an id; None when it is not in the open file."""
    found = owner(wanted, bpy.data.scenes)
    return found if isinstance(found, bpy.types.Scene) else None


def owner(wanted: str, among: Iterable[Marked]) -> Marked | None:
    """Return which of these has an id first: what it was given to, else, from a file, the first one that has it."""
    if not wanted:
        return None
    if wanted in _owners:
        return next((each for each in among if each.session_uid == _owners[wanted]), None)
    return next((each for each in among if settings_of(each).id == wanted), None)


def settings_of(marked: Marked) -> SemblanceObject | SemblanceScene:
    """What Semblance keeps on a head or a scene."""
    return scene_settings(marked) if isinstance(marked, bpy.types.Scene) else head_settings(marked)


def see_all() -> None:
    """See to it that every head and every scene of the open file has an id, and no two the same."""
    for scene in bpy.data.scenes:
        id_of(scene)
    for each in bpy.data.objects:
        if head_settings(each).is_head:
            id_of(each)


@persistent  # type: ignore[untyped-decorator]
def after_loading(*_: object) -> None:
    """Forget the file before."""
    _owners.clear()
    see_all()


@persistent  # type: ignore[untyped-decorator]
def before_saving(*_: object) -> None:
    """Have copies that nobody has asked about yet saved with ids of their own."""
    see_all()


@persistent  # type: ignore[untyped-decorator]
def before_rendering(*_: object) -> None:
    """Have frames know by their ids what they show."""
    see_all()


def see_first_file() -> None:
    """See to the file that is open when the extension is turned on: as it is turned on, files cannot be changed."""
    see_all()


def register() -> None:
    """Look at files as they are opened and saved."""
    bpy.app.handlers.load_post.append(after_loading)
    bpy.app.handlers.save_pre.append(before_saving)
    bpy.app.handlers.render_init.append(before_rendering)
    bpy.app.timers.register(see_first_file, first_interval=0.0)


def unregister() -> None:
    """Undo `register`."""
    if bpy.app.timers.is_registered(see_first_file):
        bpy.app.timers.unregister(see_first_file)
    bpy.app.handlers.render_init.remove(before_rendering)
    bpy.app.handlers.save_pre.remove(before_saving)
    bpy.app.handlers.load_post.remove(after_loading)
    _owners.clear()
