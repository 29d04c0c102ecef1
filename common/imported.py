# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the user's files were imported: names and paths in a small file of the engine's home."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .files import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .file_format import FileFormat


@dataclass(frozen=True)
class ImportedFiles:
    """A list of imported files of one sort.

    Attributes:
        file: the list's name in a home.
        format: its header.
        what: what is listed, in the plural ("heads"); also the list's key in the file.
    """

    file: str
    format: FileFormat
    what: str

    def paths(self, home: Path) -> dict[str, Path]:
        """Return the path of each file that was imported into the home folder, by name.

        Raises:
            UserError: the list is damaged or from a newer version.
        """
        file = home / self.file
        damaged = f"{file} is damaged; delete it and import your {self.what} again."
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            paths = {str(name): Path(path) for name, path in content[self.what].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise UserError(damaged) from error
        newer = f"{file} was written by a newer Semblance; update Semblance to read it."
        self.format.version_in(content, foreign=newer, newer=newer, damaged=damaged)
        return paths

    def remember(self, home: Path, paths: Mapping[str, Path]) -> None:
        """Note where the files called by these names are.

        Raises:
            UserError: the list is damaged or from a newer version, or the disk is full.
        """
        known = {**self.paths(home), **paths}
        content = {**self.format.header, self.what: {name: str(path) for name, path in known.items()}}
        with written_whole(home / self.file) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
