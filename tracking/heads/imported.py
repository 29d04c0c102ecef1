# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the user's head files were imported: names and paths in a small file of the engine's home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...common.file_format import FileFormat
from ...common.imported import ImportedFiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEADS = ImportedFiles("heads.json", FileFormat("semblance-heads", 1), "heads")


def imported_heads(home: Path) -> dict[str, Path]:
    """Return the path of each head that was imported into the home folder.

    Raises:
        UserError: the file that lists them is damaged or from a newer version.
    """
    return HEADS.paths(home)


def remember_imported(home: Path, names: Iterable[str], path: Path) -> None:
    """Note that the heads called `names` are in the file at `path`.

    Raises:
        UserError: the list of heads is damaged or from a newer version, or the disk is full.
    """
    HEADS.remember(home, dict.fromkeys(names, path))
