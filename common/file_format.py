# SPDX-License-Identifier: GPL-3.0-or-later
"""The header that every file of ours carries: the name of its format, and the format's version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import UserError


@dataclass(frozen=True)
class FileFormat:
    """A format of files: its name, and the newest version that this Semblance reads; it writes no other."""

    name: str
    version: int

    @property
    def header(self) -> dict[str, str | int]:
        """What a JSON header begins with."""
        return {"format": self.name, "version": self.version}

    @property
    def text_header(self) -> dict[str, str]:
        """The same where a header holds nothing but text, as that of a safetensors file."""
        return {"format": self.name, "version": str(self.version)}

    def version_in(self, header: object, *, foreign: str, newer: str, damaged: str) -> int:
        """Return the version that a header names, as it was read from a file.

        Raises:
            UserError: with the sentence `foreign` when the header is of no such file, `newer` when its version is,
                `damaged` when it names none.
        """
        if not isinstance(header, Mapping) or header.get("format") != self.name:
            raise UserError(foreign)
        try:
            version = int(header["version"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(damaged) from error
        if version > self.version:
            raise UserError(newer)
        return version
