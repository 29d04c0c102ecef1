# SPDX-License-Identifier: GPL-3.0-or-later
"""What the microphone hears as the sound of a film that is being written: a thread listens, the film takes."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..heads.arrays import Numbers
    from .microphone import Microphone

SILENCE = 2.0
"""Seconds without a sample after which the sound has ended: the microphone was unplugged, or is stuck."""


class Hearing:
    """The sound of a film: from a moment of the clock on, what a microphone hears; close it after use."""

    name = "the microphone"

    def __init__(self, microphone: Microphone) -> None:
        """The microphone is closed with this."""
        self._microphone = microphone
        self._blocks: deque[Numbers] = deque()
        self._news = threading.Condition()
        self._ended = False
        self._thread: threading.Thread | None = None

    def align(self, moment: float) -> None:
        """Begin: `moment` is that of the film's second 0. Only the first call counts."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, args=(moment,), name="hearing", daemon=True)
            self._thread.start()

    def samples(self) -> Generator[Numbers, None, None]:
        """Yield `[2, n]` float32, as `sound_samples` does, as they come."""
        while True:
            with self._news:
                if not self._news.wait_for(lambda: self._blocks or self._ended, SILENCE) or not self._blocks:
                    return
                block = self._blocks.popleft()
            yield block

    def close(self) -> None:
        """Stop listening."""
        self._microphone.stop()
        if self._thread is None:
            self._microphone.close()
        else:
            self._thread.join(SILENCE)

    def _listen(self, moment: float) -> None:
        try:
            for block in self._microphone.samples(moment):
                with self._news:
                    self._blocks.append(block)
                    self._news.notify()
        finally:
            self._microphone.close()
            with self._news:
                self._ended = True
                self._news.notify()
