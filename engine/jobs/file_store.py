# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that came from clients or are to be fetched by them, kept by the SHA-256 of their contents.

`files/HEX/content` is a whole file, `files/HEX/partial` what has come of one so far, `files/HEX/named/` the same file
under the names that jobs know it by. A file is whole or partial: it gets its place only once its contents are checked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from ...common.errors import UserError
from ...common.files import full_disk_told
from ...protocol.references import DIGEST, Reference

MOST_BYTES = 64 << 30
"""Of one file."""
SPARE_BYTES = 1 << 30
"""Left free on the disk, whatever comes."""
SECONDS_KEPT = 14 * 24 * 3600.0
"""How long a file that no job needs is kept after its last use."""


class FileStore:
    """The files of a home. Its functions wait for the disk: call them on a thread."""

    def __init__(self, folder: Path, needed: Callable[[], Collection[str]] = tuple) -> None:
        """`needed` gives the digests of files that jobs which have not ended name; they are kept."""
        self._folder, self._needed = folder, needed
        self._lock = threading.Lock()

    def content(self, digest: str) -> Path | None:
        """The whole file with this digest; None when it is not (all) here."""
        path = self._folder / digest / "content"
        if not DIGEST.fullmatch(digest) or not path.is_file():
            return None
        with suppress(OSError):
            os.utime(path)
        return path

    def here(self, digest: str) -> int:
        """How many bytes of a file that is not whole have come."""
        try:
            return (self._folder / digest / "partial").stat().st_size
        except OSError:
            return 0

    def add(self, digest: str, offset: int, total: int, piece: bytes) -> int:
        """Add a piece of a file, which goes on where the last one ended; return how many bytes are here then.

        Raises:
            WrongPlace: the piece does not go on there.
            UserError: the file is too large for this engine or its disk, or its contents are not what its name says.
        """
        with self._lock:
            if (whole := self.content(digest)) is not None:
                return whole.stat().st_size
            here = self.here(digest)
            if offset != here or offset + len(piece) > total:
                raise WrongPlace(here)
            self._refuse_too_large(total, total - here)
            partial = self._folder / digest / "partial"
            partial.parent.mkdir(parents=True, exist_ok=True)
            with full_disk_told(partial), partial.open("ab") as file:
                file.write(piece)
        if offset + len(piece) == total:
            self._finish(digest)
        return offset + len(piece)

    def keep(self, file: Path) -> tuple[str, int]:
        """Keep a file of the engine's for clients to fetch; return its digest and size.

        What happens to the file at its own place afterwards does not change what is kept.
        """
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        place = self._folder / digest / "content"
        if self.content(digest) is None:
            place.parent.mkdir(parents=True, exist_ok=True)
            linked_or_copied(file, place)
        return digest, place.stat().st_size

    def named(self, reference: Reference) -> Path:
        """The path of a file under the name that a job knows it by.

        Raises:
            UserError: the file has not come yet, or is no longer here.
        """
        content = self.content(reference.digest)
        if content is None:
            raise UserError(f"The engine does not have the file {reference.name} (any more); send it, and ask again.")
        path = content.parent / "named" / reference.name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            linked_or_copied(content, path)
        return path

    def reference_to(self, path: str) -> Reference | None:
        """The reference that a path in this store was made of; None for any other path."""
        try:
            parts = Path(path).relative_to(self._folder).parts
        except ValueError:
            return None
        named = len(parts) == 3 and parts[1] == "named"
        return Reference.read(f"sha256:{parts[0]}/{parts[2]}") if named else None

    def clean(self, wanted: int = 0) -> None:
        """Remove what was not used for long and, while fewer than `wanted` bytes are free, what was not used longest;
        nothing that a job needs.
        """
        if not self._folder.is_dir():
            return
        needed, now = set(self._needed()), time.time()
        found = sorted((last_use(each), each) for each in self._folder.iterdir() if each.name not in needed)
        for used, folder in found:
            if now - used > SECONDS_KEPT or shutil.disk_usage(self._folder).free < wanted:
                shutil.rmtree(folder, ignore_errors=True)

    def _refuse_too_large(self, total: int, coming: int) -> None:
        if total > MOST_BYTES:
            raise UserError(f"The file is larger than {MOST_BYTES >> 30} GB; send a shorter or smaller one.")
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < coming + SPARE_BYTES:
            self.clean(coming + SPARE_BYTES)
            if shutil.disk_usage(self._folder).free < coming + SPARE_BYTES:
                raise UserError("The disk of the engine's machine is full; free some space there and try again.")

    def _finish(self, digest: str) -> None:
        partial = self._folder / digest / "partial"
        with partial.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            partial.unlink(missing_ok=True)
            raise UserError("The contents of the file are not what its name says; send it again.")
        partial.replace(partial.with_name("content"))


class WrongPlace(Exception):
    """A piece of a file does not go on where the last one ended.

    Attributes:
        here: how many bytes there are.
    """

    def __init__(self, here: int) -> None:
        super().__init__(here)
        self.here = here


def linked_or_copied(file: Path, place: Path) -> None:
    """Let a file be at another place, too: without using the disk again where that can be done."""
    with full_disk_told(place):
        try:
            os.link(file, place)
        except FileExistsError:
            return
        except OSError:
            shutil.copyfile(file, place)


def last_use(folder: Path) -> float:
    """When a file was used last, or a piece of it came, in seconds since 1970."""
    times = [each.stat().st_mtime for name in ("content", "partial") if (each := folder / name).exists()]
    return max(times, default=0.0)
