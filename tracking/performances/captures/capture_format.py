# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of performance file is: how it is recognised, read and written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ....common.errors import UserError
from .tables import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...heads.head import MorphableHead
    from ..performance import Performance

FIRST_BYTES = 4096


@dataclass(frozen=True)
class CaptureFile:
    """A file that may hold a performance; what several formats look at is read once."""

    path: Path

    @cached_property
    def start(self) -> bytes:
        """Its first bytes.

        Raises:
            UserError: the file is absent.
        """
        if not self.path.is_file():
            raise UserError(f"There is no performance file at {self.path}.")
        with self.path.open("rb") as file:
            return file.read(FIRST_BYTES)

    @cached_property
    def letters(self) -> bytes:
        """The first bytes without a byte order mark, leading space and the zeros of wide characters."""
        return self.start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")

    @cached_property
    def table(self) -> Table:
        """The file as a table with a heading.

        Raises:
            UserError: it is none.
        """
        return read_table(self.path)


@dataclass(frozen=True)
class CaptureFormat:
    """A kind of performance file.

    Attributes:
        name: what it is called on the command line.
        title: what it is called in a sentence.
        suffix: how the name of a file ends that is written in this format unless told otherwise; empty for none.
        recognises: tells whether a file is one, by its contents; formats are asked in the registry's order.
        read: returns its performance; of the average person of the head where the file does not say whose it is.
        write: writes a performance, whose own head is given, to a path, whole or not at all.
        needs_its_head: a file makes sense only with the head that it was made for.
    """

    name: str
    title: str
    suffix: str
    recognises: Callable[[CaptureFile], bool]
    read: Callable[[CaptureFile, MorphableHead], Performance]
    write: Callable[[Performance, Path, MorphableHead], None]
    needs_its_head: bool = False
