# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job names a file that lies on no disk of the engine's yet: by what is in it. `sha256:HEX/NAME`."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..common.home import LONGEST_NAME, is_name

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PREFIX = "sha256:"
DIGEST = re.compile(r"[0-9a-f]{64}")
DATASET_SUFFIX = ".dataset"
"""Ends the name of a dataset's archive (`archives`), which stands for the dataset."""
PIECE = 1 << 20
SECONDS_A_STEP = 0.008


@dataclass(frozen=True)
class Reference:
    """A file by its contents.

    Attributes:
        digest: SHA-256 of the contents, 64 hexadecimal digits, small.
        name: what the file is to be called; its suffix says of which kind it is.
    """

    digest: str
    name: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.digest}/{self.name}"

    @classmethod
    def read(cls, text: str) -> Reference | None:
        """The reference that a text is; None for any other text."""
        digest, _, name = text.removeprefix(PREFIX).partition("/")
        good = text.startswith(PREFIX) and DIGEST.fullmatch(digest) and is_file_name(name)
        return cls(digest, name) if good else None

    @classmethod
    def to(cls, file: Path, digest: str) -> Reference:
        """The reference to a file with this digest, by a name that every engine takes."""
        return cls(digest, plain_name(file.name))


def is_file_name(name: str) -> bool:
    """Tell whether a text is a bare file name that cannot lead out of a folder, nor hide there."""
    return is_name(name) and not name.endswith((" ", "."))


def plain_name(name: str) -> str:
    """A file's name, with other letters in place of those that `is_file_name` does not take.

    >>> plain_name("Interview (final).MOV")
    'Interview _final_.MOV'
    """
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (stem, dot + suffix) if dot and stem else (name, "")
    cleaned = "".join(each if is_name(f"a{each}") else "_" for each in stem)[: LONGEST_NAME - 30]
    made = (cleaned if cleaned[:1].isalnum() else f"_{cleaned}") + suffix
    return made if is_file_name(made) else "file"


def digesting(file: Path) -> Generator[tuple[int, int], None, str]:
    """Compute a file's SHA-256 in steps; yields bytes read and to read. Raises OSError when it cannot be read."""
    digest, done, size = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as opened:
        began = time.monotonic()
        while piece := opened.read(PIECE):
            digest.update(piece)
            done += len(piece)
            if time.monotonic() - began > SECONDS_A_STEP:
                yield done, size
                began = time.monotonic()
    return digest.hexdigest()
