# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a checkout, or of an installed extension, the engine is made from: what its set-up and Blender compare."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from .stamp import NOT_SOURCES, Stamp, digest_of_files, digest_of_sources

if TYPE_CHECKING:
    from pathlib import Path

ENGINE_ROOMS = ("common", "protocol", "tracking", "neural", "engine")
"""Folders that the engine consists of."""
ENGINE_FILES = ("pyproject.toml", "setup.py", "blender_manifest.toml", "README.md", "__init__.py", "py.typed")
"""Files that its package is built from beside them."""
ENGINE_LOCKS = ("engine.txt",)
"""What it needs, in requirements/."""
LIBRARIES_DOWNLOAD, LIBRARIES_DISK = 430, 1300
"""Megabytes of these without PyTorch, as wheels and installed."""


def engine_stamp(root: Path, torch: str) -> Stamp:
    """The stamp of an engine made from what is in a folder, with a requirement of PyTorch."""
    return Stamp(digest_of_locks(root / "requirements", ENGINE_LOCKS), torch, digest_of_engine(root), version_of(root))


def digest_of_locks(folder: Path, names: tuple[str, ...]) -> str:
    """Digest of some locks."""
    return digest_of_files([folder / name for name in names], folder)


def digest_of_engine(root: Path) -> str:
    """Digest of the engine's source."""
    return digest_of_sources(root, ENGINE_ROOMS, ENGINE_FILES)


def copy_engine(root: Path, folder: Path) -> None:
    """Copy what the engine's package is built from into a folder."""
    for room in ENGINE_ROOMS:
        shutil.copytree(root / room, folder / room, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    for name in ENGINE_FILES:
        shutil.copy(root / name, folder / name)


def version_of(root: Path) -> str:
    """The program's version."""
    text = (root / "blender_manifest.toml").read_text(encoding="utf-8")
    (found,) = re.findall(r'^version = "(.+)"$', text, re.MULTILINE)
    return str(found)
