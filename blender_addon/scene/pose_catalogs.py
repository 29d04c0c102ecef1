# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs for the pose library: lines of their own in Blender's file of catalogs, which may have the artist's, too.

The file is described in Blender's manual under "Asset Catalogs": a line with the version, then one with id, path and
simple name of each catalog.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ...common.files import written_whole
from ..access import preferences_of
from ..words import translated
from .poses import EXPRESSION, VISEME

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "blender_assets.cats.txt"
VERSION = "VERSION 1"
CATALOGS = {
    EXPRESSION: ("7093fef3-d1f2-596d-a094-5748a84f38fe", "Semblance/Expressions", "Semblance-Expressions"),
    VISEME: ("1456a02d-d740-5fd2-a85d-9be815556ac3", "Semblance/Visemes", "Semblance-Visemes"),
}
"""Id, path and simple name by the kind of pose: the same in all files, so that poses keep their catalogs elsewhere."""
NONE = "00000000-0000-0000-0000-000000000000"


def put_in_catalog(action: bpy.types.Action, kind: str) -> None:
    """Put an asset into the catalog of its kind, unless the artist has put it into another one."""
    said = action.asset_data
    if said is not None and said.catalog_id == NONE:
        said.catalog_id = CATALOGS[kind][0]


def keep_catalogs(blend: Path, actions: Iterable[bpy.types.Action]) -> None:
    """Have those catalogs of ours that assets of a saved file are in where Blender looks for them.

    Catalogs that are there stay as they are, also ours that the artist has renamed.

    Raises:
        UserError: the file of catalogs is of another version, or cannot be read or written.
    """
    used = {said.catalog_id for said in (action.asset_data for action in actions) if said}
    wanted = [each for each in CATALOGS.values() if each[0] in used]
    path = library_root(blend) / NAME
    try:
        before = path.read_text(encoding="utf-8") if path.is_file() else f"{VERSION}\n"
        lines = [line.strip() for line in before.splitlines()]
        if VERSION not in lines:
            raise UserError(
                translated("{path} is of a version that Semblance does not know; it was left as it is.", path=path)
            )
        known = {line.partition(":")[0] for line in lines}
        missing = [":".join(each) for each in wanted if each[0] not in known]
        if missing:
            with written_whole(path) as partial:
                joined = before if before.endswith("\n") else f"{before}\n"
                partial.write_text(joined + "".join(f"{line}\n" for line in missing), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            translated("The catalogs of the poses cannot be kept in {path} ({error}).", path=path, error=error)
        ) from error


def library_root(blend: Path) -> Path:
    """The folder whose catalogs count for a file: that of the asset library that it is in, else its own."""
    libraries = preferences_of(bpy.context).filepaths.asset_libraries
    roots = [Path(bpy.path.abspath(each.path)) for each in libraries if each.path]
    return next((each for each in roots if blend.is_relative_to(each)), blend.parent)
