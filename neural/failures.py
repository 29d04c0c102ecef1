# SPDX-License-Identifier: GPL-3.0-or-later
"""Unexpected failures, in one sentence."""

from __future__ import annotations

import errno
from pathlib import Path

from ..common.errors import UserError


def sentence_about(error: Exception, log: Path) -> str:
    """Return one sentence for the user about an error that nobody caught; `log` holds the traceback."""
    if isinstance(error, UserError):
        return str(error)
    if is_out_of_memory(error):
        return "The memory ran out; close other programs, or choose a smaller preset or size, and try again."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full; free some space and try again."
    return f"Semblance made a mistake ({type(error).__name__}); please report it with the log {log}."


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether the error is Python's, or PyTorch's on either device, for memory that ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
