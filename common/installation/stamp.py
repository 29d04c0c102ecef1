# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment was made from, written when all of it was there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ..files import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "semblance-stamp"
NOT_SOURCES = ("__pycache__",)


@dataclass(frozen=True)
class Stamp:
    """What an environment was made from.

    Attributes:
        locks: digest of the locks of its libraries.
        torch: requirement of PyTorch, with its build; empty without.
        sources: digest of the program's own source in it.
        version: the program's version.
        packages: names of what was in it, which two stamps may differ in.
    """

    locks: str
    torch: str
    sources: str
    version: str
    packages: tuple[str, ...] = field(default=(), compare=False)

    def write(self, folder: Path) -> None:
        """Write it into an environment, which counts as whole from then on."""
        with written_whole(folder / NAME) as file:
            file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_stamp(folder: Path) -> Stamp | None:
    """Read an environment's stamp; None where it has none, or one that an older version wrote."""
    try:
        values = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Stamp(**{**values, "packages": tuple(values["packages"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def digest_of_files(files: Iterable[Path], root: Path) -> str:
    """Digest of files' names (below `root`) and contents, the same whatever their order and the system."""
    digest = hashlib.sha256()
    for file in sorted(files):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def digest_of_sources(root: Path, rooms: Iterable[str], files: Iterable[str]) -> str:
    """Digest of the source that ships: all files of some folders, and some single ones."""
    inside = [path for room in rooms for path in (root / room).rglob("*") if path.is_file()]
    kept = [path for path in inside if not set(path.parts) & set(NOT_SOURCES)]
    return digest_of_files([*kept, *(root / name for name in files)], root)
