# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the user's head files were imported: names and paths in a small file of the engine's home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.file_format import FileFormat
from ...common.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE, FORMAT = "heads.json", FileFormat("semblance-heads", 1)


def imported_heads(home: Path) -> dict[str, Path]:
    """Return the path of each head that was imported into the home folder.

    Raises:
        UserError: the file that lists them is damaged or from a newer version.
    """
    file = home / FILE
    damaged = f"{file} is damaged; delete it and import your heads again."
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        heads = {str(name): Path(path) for name, path in content["heads"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UserError(damaged) from error
    newer = f"{file} was written by a newer Semblance; update Semblance to read it."
    FORMAT.version_in(content, foreign=newer, newer=newer, damaged=damaged)
    return heads


def remember_imported(home: Path, names: Iterable[str], path: Path) -> None:
    """Note that the heads called `names` are in the file at `path`.

    Raises:
        UserError: the list of heads is damaged or from a newer version, or the disk is full.
    """
    heads = {**imported_heads(home), **dict.fromkeys(names, path)}
    content = {**FORMAT.header, "heads": {name: str(path) for name, path in heads.items()}}
    with written_whole(home / FILE) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
