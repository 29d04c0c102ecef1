# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when a disk or a quota is full."""


LONGEST_NAME = 255
"""Bytes that a file's name may have on all usual systems."""


def hidden_beside(path: Path, ending: str) -> Path:
    """Return a hidden path beside `path`, by its name and an ending; a long name is cut so that it may be used.

    Example:
        >>> hidden_beside(Path("takes/IMG_0001"), ".partial").as_posix()
        'takes/.IMG_0001.partial'
    """
    room = LONGEST_NAME - len(f".{ending}".encode(errors="surrogateescape"))
    whole = path.name.encode(errors="surrogateescape")
    if len(whole) <= room:
        return path.with_name(f".{path.name}{ending}")
    mark = hashlib.sha256(whole).hexdigest()[:12]
    start = whole[: room - len(mark) - 1].decode(errors="ignore")
    return path.with_name(f".{start}-{mark}{ending}")


def free_name(wanted: Path, is_taken: Callable[[Path], bool], ending: str = "") -> Path:
    """Return `wanted`, or where that is taken the first free one of that name with a number, before its `ending`.

    Example:
        >>> free_name(Path("me_clip.mp4"), lambda path: "_" not in path.stem[3:], ".mp4").as_posix()
        'me_clip_2.mp4'
    """
    start = wanted.name.removesuffix(ending)
    numbered = (wanted.with_name(f"{start}_{number}{ending}") for number in count(2))
    return next(each for each in chain([wanted], numbered) if not is_taken(each))


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
    the temporary file is removed and `path` is left as it was. A link stays one: the file that it points at is written.

    Raises:
        UserError: the disk is full, or something that is no file has this name.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # links were followed: this one leads in a circle
        raise UserError(f"{path} is a link that leads nowhere; choose another name to write to.")
    if target.exists() and not target.is_file():
        raise UserError(f"{path} is {'a folder' if target.is_dir() else 'no file'}; choose another name to write to.")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden_beside(target.with_suffix(""), f".{os.getpid()}.partial{target.suffix}")
    try:
        with full_disk_told(target):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_privately(path: Path, text: str) -> None:
    """Write a file, whole, readable by this user only.

    Raises:
        UserError: the disk is full.
    """
    with written_whole(path) as partial:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        partial.write_text(text, encoding="utf-8")
