# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures that nobody caught, in one sentence."""

from __future__ import annotations

import errno
import tempfile
import time
import traceback
from pathlib import Path

from .errors import UserError
from .files import FULL

UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)
"""What the system says of a place where a user may not write, or where something else lies."""


def mendable(error: Exception) -> UserError | None:
    """Return the error as one that the user can mend; None when it is a fault of ours."""
    if isinstance(error, UserError):
        return error
    if is_out_of_memory(error):
        return UserError("The memory ran out; close other programs, or choose a smaller preset or size, and try again.")
    if isinstance(error, OSError) and error.errno in FULL:
        return UserError("The disk is full; free some space and try again.")
    if isinstance(error, OSError) and error.errno in UNUSABLE and error.filename:
        return UserError(f"{error.filename} cannot be used ({error.strerror}); choose another place.")
    return None


def sentence_about(error: Exception, log: Path | str) -> str:
    """Return one sentence about any error; `log` is where its traceback is: a file, or words for the place."""
    mended = mendable(error)
    return str(mended) if mended else f"Semblance made a mistake ({type(error).__name__}); please report it with {log}."


def log_traceback(error: Exception, log: Path) -> Path:
    """Append the error's traceback to `log`, or to a file in the temporary folder when that cannot be; return where."""
    text = time.strftime("\n%Y-%m-%d %H:%M:%S\n") + "".join(traceback.format_exception(error))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        append(text, log)
    except OSError:
        log = Path(tempfile.gettempdir()) / log.name
        append(text, log)
    return log


def append(text: str, path: Path) -> None:
    """Add `text` to the end of a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether the error is Python's, or PyTorch's on either device, for memory that ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
