# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file a dataset was made from, so that another one of the same name does not take its place."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.files import free_name
from .dataset import Dataset

if TYPE_CHECKING:
    from pathlib import Path

MADE_FROM = "made_from"
"""Entry of a dataset's `performance.extra`: the path of the video or photo."""
FOOTAGE_SHA256 = "footage_sha256"
"""Entry of the same: the hexadecimal SHA-256 of that file, which says which it was wherever an avatar is passed on."""


def origin_facts(source: Path) -> dict[str, str]:
    """The entries of `performance.extra` that say which file a dataset was made from."""
    with source.open("rb") as file:
        return {MADE_FROM: str(source), FOOTAGE_SHA256: hashlib.file_digest(file, "sha256").hexdigest()}


def is_made_from(folder: Path, source: Path) -> bool:
    """Tell whether the dataset `folder` was made from the file `source`; False where that cannot be told."""
    try:
        performance = Dataset.open(folder).performance()
    except (UserError, OSError):
        return False
    origin = performance.extra.get(MADE_FROM) or performance.source
    return bool(origin) and os.path.realpath(origin) == os.path.realpath(source)


def free_place(wanted: Path, source: Path) -> Path:
    """Return the folder for a dataset of the file `source`: `wanted`, with a number where it is another file's."""
    return free_name(wanted, lambda place: place.exists() and not is_made_from(place, source))
