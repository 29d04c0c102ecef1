# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of an environment are whole: every file that their installation recorded is there, at its size."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from .indexes import normalised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SITE_PACKAGES = ("lib/python3*/site-packages", "Lib/site-packages")
"""On Linux and macOS, on Windows."""


def whole_packages(environment: Path) -> dict[str, str]:
    """Return name and version of every package of a virtual environment of which nothing is missing."""
    places = {place.resolve() for pattern in SITE_PACKAGES for place in environment.glob(pattern)}
    records = [record for place in places for record in place.glob("*.dist-info/RECORD")]
    named = [(re.fullmatch(r"(.+)-([^-]+)\.dist-info", record.parent.name), record) for record in records]
    return {normalised(found[1]): found[2] for found, record in named if found and is_whole(record)}


def is_whole(record: Path) -> bool:
    """Tell whether all files of a package are there, from its RECORD (path, hash, size); contents are not read."""
    root = record.parent.parent
    return all(size_of(root / path) == size for path, size in recorded(record))


def recorded(record: Path) -> Iterator[tuple[str, int]]:
    """Give path and size of the files that an installation recorded; what Python compiled is left out."""
    with record.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if len(row) == 3 and row[2] and not row[0].endswith(".pyc"):
                yield row[0], int(row[2])


def size_of(file: Path) -> int:
    """Bytes of a file; -1 where there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return -1
