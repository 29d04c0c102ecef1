# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a head knows: relative to its .blend where that is saved, so that both can be carried elsewhere.

Blender itself looks after the paths of its own datablocks only: those on heads are looked after here, as files are
saved elsewhere and as heads are linked and appended.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from .. import ids
from ..access import preferences_of
from ..properties import head_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("head_path", "performance", "dataset", "driver", "motion")
"""The settings of a head that are paths."""


def path_of(head: bpy.types.Object, name: str) -> Path | None:
    """The file or folder that a setting of a head names; None when it names none."""
    text = str(getattr(head_settings(head), name))
    if not text:
        return None
    return Path(os.path.normpath(Path(bpy.path.abspath(text, library=library_of(head, name))).absolute()))


def keep_path(head: bpy.types.Object, name: str, path: Path | None) -> None:
    """Let a setting of a head name a file or folder, relative to the .blend where that is saved."""
    setattr(head_settings(head), name, written(path, bpy.data.filepath) if path else "")


def written(path: Path, blend: str) -> str:
    """How a path is written in the file `blend`, empty for one that is not saved: relative, where the artist lets
    Blender do so and there is a way from there.
    """
    if blend and preferences_of(bpy.context).filepaths.use_relative_paths:
        with suppress(ValueError):  # another drive
            return "//" + Path(os.path.relpath(path, Path(blend).absolute().parent)).as_posix()
    return str(path)


def library_of(head: bpy.types.Object, name: str) -> bpy.types.Library | None:
    """The file from whose place a path of a head counts; None for the open one. An override has its reference's paths
    as long as it has none of its own.
    """
    reference: Any = head.override_library.reference if head.override_library else None
    if reference and getattr(head_settings(reference), name) == getattr(head_settings(head), name):
        return library_of(reference, name)
    return head.library


def own_heads() -> Iterator[bpy.types.Object]:
    """Yield the heads of the open file that can be changed there."""
    yield from (each for each in bpy.data.objects if head_settings(each).is_head and each.library is None)


def rewrite(blend: str) -> None:
    """Write all paths as they are to be in the file `blend`."""
    for head in own_heads():
        for name in NAMES:
            path = path_of(head, name)
            text = written(path, blend) if path else ""
            if library_of(head, name) is None and text != getattr(head_settings(head), name):
                setattr(head_settings(head), name, text)


@persistent  # type: ignore[untyped-decorator]
def before_saving(blend: str = "", *_: object) -> None:
    """Write the paths for the place where the file is about to be."""
    rewrite(blend or bpy.data.filepath)


@persistent  # type: ignore[untyped-decorator]
def after_saving(blend: str = "", *_: object) -> None:
    """Where a copy was saved elsewhere, or nothing was, write the paths again for the file that stays open."""
    if not blend or Path(blend) == Path(bpy.data.filepath):
        return
    for head in own_heads():
        for name in NAMES:
            text = str(getattr(head_settings(head), name))
            if text.startswith("//") and library_of(head, name) is None:
                path = Path(bpy.path.abspath(text, start=str(Path(blend).parent)))
                setattr(head_settings(head), name, written(path.absolute(), bpy.data.filepath))


@persistent  # type: ignore[untyped-decorator]
def after_importing(imported: Any, *_: object) -> None:
    """Let heads that were appended have ids of their own, and paths that count from this file."""
    for item in imported.import_items:
        head = item.id
        if not isinstance(head, bpy.types.Object) or head.library is not None or not head_settings(head).is_head:
            continue
        ids.renew(head)
        sources = [each.filepath for each in (item.source_library, *item.source_libraries) if each]
        for name in NAMES if sources else ():
            text = str(getattr(head_settings(head), name))
            if text.startswith("//"):
                folder = str(Path(bpy.path.abspath(sources[0])).parent)
                keep_path(head, name, Path(bpy.path.abspath(text, start=folder)).absolute())


HANDLERS = (
    ("save_pre", before_saving),
    ("save_post", after_saving),
    ("save_post_fail", after_saving),
    ("blend_import_post", after_importing),
)
"""What is told when; a Blender that does not know one of these occasions does without."""


def register() -> None:
    """Look after the paths."""
    for occasion, hear in HANDLERS:
        told = getattr(bpy.app.handlers, occasion, None)
        if told is not None:
            told.append(hear)


def unregister() -> None:
    """Undo `register`."""
    for occasion, hear in HANDLERS:
        told = getattr(bpy.app.handlers, occasion, None)
        if told is not None:
            told.remove(hear)
