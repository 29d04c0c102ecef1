# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the weights of others' networks lie on this machine; Semblance ships none.

A file that was imported is known by its path. Others are found by the names that their authors gave them, and are
checked when they are loaded.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...common.errors import UserError
from ...common.file_format import FileFormat
from ...common.home import Home, default_home
from ...common.imported import ImportedFiles
from .registry import REGISTRY, how_to_bring

FOLDER_VARIABLE = "SEMBLANCE_WEIGHTS"
IMPORTED = ImportedFiles("weights.json", FileFormat("semblance-weights", 1), "weights")


def find(name: str) -> Path | None:
    """Return the file of a network that has one, `name` in the registry; None where it is not on this machine.

    Raises:
        UserError: the list of imported weights is damaged or from a newer version.
    """
    (file,) = REGISTRY[name].files
    return places(name)[file]


def find_parts(name: str) -> dict[str, Path] | None:
    """Return the files of a network by part; None unless all of them are on this machine.

    Raises:
        UserError: the list of imported weights is damaged or from a newer version.
    """
    found = {part: path for part, path in places(name).items() if path}
    return found if len(found) == len(REGISTRY[name].files) else None


def places(name: str, home: Home | None = None) -> dict[str, Path | None]:
    """Return where each part of a network is, None where it is not; `home` is the default one where none is given.

    Raises:
        UserError: the list of imported weights is damaged or from a newer version.
    """
    home = home or Home(default_home())
    imported = IMPORTED.paths(home.folder)
    found: dict[str, Path | None] = {}
    for part, file in REGISTRY[name].files.items():
        known = imported.get(part)
        named = (path for folder in folders(home) for each in file.names if (path := folder / each).is_file())
        found[part] = known if known and known.is_file() else next(named, None)
    return found


def folders(home: Home | None = None) -> tuple[Path, ...]:
    """Return the folders that are looked into: the user's, the home's, Semblance's older one, and PyTorch's.

    The user's is `$SEMBLANCE_WEIGHTS`, where it is set.
    """
    users = os.environ.get(FOLDER_VARIABLE)
    cache = Path.home() / ".cache"
    own = (home or Home(default_home())).weights
    return (*([Path(users)] if users else []), own, cache / "semblance/weights", cache / "torch/hub/checkpoints")


def missing(name: str, otherwise: str) -> UserError:
    """Return the error for a network that was asked for and is not here; `otherwise` says what else the user can do."""
    return UserError(f"{REGISTRY[name].title} is not on this machine: {how_to_bring(name)}, or {otherwise}.")
