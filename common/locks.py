# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks between programs, which the system lets go when their holder ends in whatever way. Standard library only."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Lock:
    """A lock that is held until it is let go, or its holder's process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def let_go(self) -> None:
        """Let others have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def taken(path: Path) -> Lock | None:
    """Take the lock of a file, which is made when absent; None when somebody has it. Never waits."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_now(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    return Lock(descriptor)


def lock_now(descriptor: int) -> None:
    """Lock an open file. Raises OSError when somebody has."""
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
