# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a pass over frames is, and how long it will take."""

from __future__ import annotations

import time
from dataclasses import replace

from .progress import Listener, Progress


class Clock:
    """Tells a listener how far a pass over frames is and how long it will take."""

    def __init__(self, stage: str, total: int, listener: Listener) -> None:
        self._progress = Progress(stage, 0, total)
        self._listener = listener
        self._start = time.monotonic()

    def tell(self, done: int) -> None:
        """Report that `done` frames are finished and the next one is on."""
        total = int(self._progress.total)
        passed = time.monotonic() - self._start
        left = passed / done * max(0, total - done) if done and total else None
        message = f"frame {done + 1} of {total}" if total else f"frame {done + 1}"
        self._listener(replace(self._progress, done=done, message=message, seconds_left=left))
