# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop of every kind of avatar: steps to the end of a plan, with checkpoints, curves and previews."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from PIL import Image

from ...common.errors import UserError
from ...common.files import written_whole
from ...common.progress import Cancelled, GoodEnough, Listener, Progress
from .checkpoint_writer import CheckpointWriter
from .checkpoints import DTYPES, TrainingState, load_checkpoint, name_of, read_state
from .curves import CURVES_FILE, add_row, forget_rows_after
from .health import Health
from .pace import Pace

if TYPE_CHECKING:
    from pathlib import Path

    from .learner import Learner
    from .plan import Plan

CHECKPOINT_SECONDS, CHECKPOINT_SHARE = 40.0, 0.02
"""From one checkpoint to the next, at least, and of the time how much training may wait for them."""
PREVIEW_SECONDS, PREVIEW_SHARE = 10.0, 0.05
"""Likewise of previews."""
PREVIEW_QUALITY = 90
"""Of JPEG: a PNG of `final` takes a second."""
MOST_SETBACKS = 3
"""How often a lost training goes on from its last good checkpoint, before it is given up."""


class TrainingDiverged(RuntimeError):
    """Training cannot go on; its text is one sentence that says what to do."""


class TrainingRun:
    """One run of the loop.

    Args:
        folder: where `checkpoint.safetensors`, `curves.jsonl` and `preview.jpg` go.
        learner: what learns.
        plan: how long.
        label: tells this training from others.
        listener: hears several times a step; on `GoodEnough` the training ends after the step.

    Attributes:
        good_enough: the listener has had it end before the plan was fulfilled.
    """

    def __init__(self, folder: Path, learner: Learner, plan: Plan, label: str, listener: Listener) -> None:
        self.learner, self.plan, self.listener = learner, plan, listener
        self.group, self.health = learner.group, Health()
        self.state = TrainingState(label, 0, 0.0, dtype=name_of(learner.dtype))
        self._checkpoint, self._curves = folder / "checkpoint.safetensors", folder / CURVES_FILE
        self._writer = CheckpointWriter(self._checkpoint)
        self._preview = folder / "preview.jpg"
        self._message = self._notice = ""
        self._halved = self.good_enough = False

    def to_the_end(self, resume: bool) -> TrainingState:
        """Train until the plan is fulfilled; return how far training has come then.

        A training that is lost (see `health`) goes on from its last good checkpoint with half the learning rate.

        Raises:
            TrainingDiverged, Cancelled, UserError: the checkpoint keeps what was learnt before.
        """
        with closing(self._writer):
            with self.group.main_process_first():
                self._begin(resume or not self.group.is_main)
            try:
                self._learn()
            except Cancelled:
                if self.health.sound:
                    self._save()
                raise
            self._save()
        self._show()
        self._breathe()
        return self.state

    def _learn(self) -> None:
        """Do steps until the plan is fulfilled, with checkpoints and previews in between."""
        saving = Pace(CHECKPOINT_SECONDS, CHECKPOINT_SHARE, CHECKPOINT_SECONDS)
        showing = Pace(PREVIEW_SECONDS, PREVIEW_SHARE, PREVIEW_SECONDS / 2)
        while (fraction := self.group.broadcast(self._fraction)) < 1:
            wrong = self.health.see(self._one_step(fraction))
            if not self.group.all(wrong is None):
                self._go_back(wrong or "it went wrong in another process")
            if showing.is_due:
                with showing.taken():
                    self._show()
            if self.health.sound and saving.is_due:
                with saving.taken():
                    self._save()

    @property
    def _fraction(self) -> float:
        """How much of the training is done: all where it is good enough."""
        return 1.0 if self.good_enough else self.plan.fraction(self.state)

    def _begin(self, resume: bool) -> None:
        """Go on from the checkpoint where there is one of this training; forget an older one's curves."""
        found = read_state(self._checkpoint) if resume else None
        if found is not None and found.label == self.state.label:
            self._load(found)
            self._forget_curves_after(found.step)
        else:
            self._checkpoint.unlink(missing_ok=True)
            self._curves.unlink(missing_ok=True)
            self._save()
            self._writer.finish()  # before the other processes look for it

    def _load(self, state: TrainingState) -> None:
        """Be where the checkpoint is, in its arithmetic; after setbacks, more carefully."""
        load_checkpoint(self._checkpoint, self.learner.modules, self.learner.optimisers)
        self.learner.dtype = DTYPES.get(state.dtype, self.learner.dtype)
        self.learner.be_careful(state.setbacks)
        self.state = replace(state, dtype=name_of(self.learner.dtype))

    def _go_back(self, wrong: str) -> None:
        """Leave a lost training for its last good checkpoint; the time that it took is gone.

        Raises:
            TrainingDiverged: it was lost too often.
        """
        self._writer.finish()
        self.group.barrier()  # until it is there for all
        lost, found = self.state, read_state(self._checkpoint)
        if lost.setbacks == MOST_SETBACKS or found is None:
            raise TrainingDiverged(
                f"Training went wrong {lost.setbacks + 1} times, last at step {lost.step}: {wrong}; build with a "
                "smaller preset, or look at the dataset for frames that are tracked badly."
            )
        self._load(replace(found, seconds=lost.seconds, setbacks=lost.setbacks + 1))
        self.health = Health()
        self._forget_curves_after(found.step)
        self._notice = f"; went back from step {lost.step} to {found.step}: {wrong}"
        self.group.barrier()  # until all have read what is now overwritten
        self._save()

    def _one_step(self, fraction: float) -> dict[str, float]:
        """Do a step; return its losses by name, none where memory did not suffice for it."""
        started, index = time.monotonic(), self.state.step
        try:
            losses = self.learner.step(index, fraction, self._breathe)
        except torch.OutOfMemoryError as error:
            self._use_less_memory(error)
            return {}
        seconds = self.state.seconds + time.monotonic() - started
        self.state = replace(self.state, step=index + 1, seconds=seconds, dtype=name_of(self.learner.dtype))
        name, value = next(iter(losses.items()))
        self._message = f"step {index + 1}, {name.capitalize()} {value:.4f}{self._notice}"
        if self.group.is_main:
            add_row(self._curves, index + 1, seconds, losses)
        self._breathe()
        return losses

    def _use_less_memory(self, error: torch.OutOfMemoryError) -> None:
        """Halve the batch, once.

        Raises:
            UserError: it was halved before, or cannot be.
        """
        learner, size = self.learner, self.learner.batch_size
        if self._halved or size == 1 or self.group.world_size > 1:
            smaller = learner.smaller_size
            advice = f"build with the preset {smaller}" if smaller else "close other programs that use it"
            raise UserError(
                f"The GPU's memory is too small to train {learner.size} with {size} "
                f"{'picture' if size == 1 else 'pictures'} at once; {advice}."
            ) from error
        learner.halve_batch()
        self._halved = True
        self._notice = f"; the GPU's memory holds {learner.batch_size} pictures at once, not {size}"

    def _breathe(self) -> None:
        """Tell the listener how far training has come; it may raise `Cancelled`, or find that it is good enough."""
        done, total = self.plan.done(self.state), self.plan.amount
        preview = str(self._preview) if self._preview.is_file() else None
        left = self.plan.seconds_left(self.state)
        try:
            self.listener(Progress("Training", done, total, self._message, left, preview, may_end=True))
        except GoodEnough:
            self.good_enough = True

    def _save(self) -> None:
        if self.group.is_main:
            self._writer.write(self.state, self.learner)

    def _forget_curves_after(self, step: int) -> None:
        if self.group.is_main:
            forget_rows_after(self._curves, step)

    def _show(self) -> None:
        """Write the preview."""
        if self.group.is_main:
            with written_whole(self._preview) as partial:
                Image.fromarray(self.learner.preview(self.state.step)).save(partial, quality=PREVIEW_QUALITY)
