# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when a disk or a quota is full."""


@contextmanager
def full_disk_told(target: Path) -> Iterator[None]:
    """Turn a full disk in the body, which writes `target`, into a `UserError`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise UserError(f"The disk is full: {target} was not written; free some space and try again.") from error
        raise


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success flush it to disk and rename it to `path`.

    The temporary name keeps the suffix of `path`, for writers that choose a format by it. When the body fails,
    the temporary file is removed and `path` is left as it was. A full disk becomes a `UserError`.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        with full_disk_told(target):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink()
