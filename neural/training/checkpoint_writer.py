# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints written by a thread of their own: training waits for their copies only, not for the disk."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from .checkpoints import copied, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from .checkpoints import TrainingState
    from .learner import Learner


class CheckpointWriter:
    """Writes a training's checkpoints to one file, each whole or not at all, one after the other.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._writing: Future[None] | None = None

    def write(self, state: TrainingState, learner: Learner) -> None:
        """Copy what is learnt now, and go on while it is written; errors as `finish`, of the one before."""
        self.finish()
        tensors = copied(learner.modules, learner.optimisers)
        self._writing = self._thread.submit(write_checkpoint, self.path, state, tensors)

    def finish(self) -> None:
        """Wait until the file holds what was last to be written.

        Raises:
            UserError: the disk is full.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """Finish, and end the thread."""
        try:
            self.finish()
        finally:
            self._thread.shutdown()
