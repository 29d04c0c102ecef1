# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: steps to the end of a plan, with checkpoints, loss curves, previews and progress."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...common.errors import UserError
from ...common.files import written_whole
from ...common.progress import Cancelled, Listener, Progress
from ..styleavatar.networks.portrait import PortraitNetwork
from ..styleavatar.networks.windows import CENTRED
from ..styleavatar.training.batches import cut_batch
from ..styleavatar.training.presets import smaller_preset
from ..styleavatar.training.sampling import Sampler
from ..styleavatar.training.trainer import Trainer
from .checkpoints import Standing, load_checkpoint, read_standing, save_checkpoint
from .health import Health

CHECKPOINT_SECONDS = 40.0
PREVIEW_SECONDS = 10.0
PREVIEW_FRAMES = 3
MOST_SETBACKS = 3
"""How often a lost training goes on from its last good checkpoint, before it is given up."""


class TrainingDiverged(RuntimeError):
    """Training cannot go on; its text is one sentence that says what to do."""


@dataclass(frozen=True)
class Plan:
    """How long to train: until `seconds` of training or `steps` are done; one of them is None."""

    seconds: float | None
    steps: int | None

    def fraction(self, standing: Standing) -> float:
        """How much of the plan is done; 1 and more when it is over."""
        return self.done(standing) / self.amount

    @property
    def amount(self) -> float:
        """How much is asked for: steps, or else seconds."""
        amount = self.steps if self.steps is not None else self.seconds
        assert amount is not None
        return amount

    def done(self, standing: Standing) -> float:
        """How much of that is done."""
        return standing.step if self.steps is not None else standing.seconds

    def seconds_left(self, standing: Standing) -> float | None:
        """Estimate of the time to the end."""
        if self.seconds is not None:
            return max(0.0, self.seconds - standing.seconds)
        return standing.seconds / standing.step * (self.amount - standing.step) if standing.step else None


class TrainingRun:
    """One run of the loop.

    Args:
        folder: where `checkpoint.safetensors`, `curves.jsonl` and `preview.png` go.
        trainer, sampler: what learns, and from what.
        plan: how long.
        label: tells this training from others.
        listener: hears several times a step.
    """

    def __init__(
        self, folder: Path, trainer: Trainer, sampler: Sampler, plan: Plan, label: str, listener: Listener
    ) -> None:
        self.folder, self.trainer, self.sampler, self.plan, self.listener = folder, trainer, sampler, plan, listener
        self.team, self.health = trainer.team, Health()
        self.standing = Standing(label, 0, 0.0)
        self.preview = folder / "preview.png"
        self._checkpoint, self._curves = folder / "checkpoint.safetensors", folder / "curves.jsonl"
        self._message = self._notice = ""
        self._seed = sampler.draws.seed

    def to_the_end(self, resume: bool) -> Standing:
        """Train until the plan is fulfilled; return where it stands then.

        A training that is lost (see `health`) goes on from its last good checkpoint with half the learning rate.

        Raises:
            TrainingDiverged, Cancelled, UserError: the checkpoint keeps what was learnt before.
        """
        with self.team.leader_goes_first():
            self._begin(resume or not self.team.leads)
        saved = shown = time.monotonic() - PREVIEW_SECONDS / 2
        try:
            while (fraction := self.team.agreed(self.plan.fraction(self.standing))) < 1:
                wrong = self.health.see(self._one_step(fraction))
                if not self.team.all_well(wrong is None):
                    self._go_back(wrong or "it went wrong in another process")
                if time.monotonic() - shown >= PREVIEW_SECONDS:
                    self._show()
                    shown = time.monotonic()
                if self.health.sound and time.monotonic() - saved >= CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
        except Cancelled:
            if self.health.sound:
                self._save()
            raise
        self._save()
        self._show()
        self._breathe()
        return self.standing

    def _begin(self, resume: bool) -> None:
        """Go on from the checkpoint where there is one of this training; forget an older one's curves."""
        found = read_standing(self._checkpoint) if resume else None
        if found is not None and found.label == self.standing.label:
            self._load(found)
            self._forget_curves_after(found.step)
        else:
            self._checkpoint.unlink(missing_ok=True)
            self._curves.unlink(missing_ok=True)
            self._save()

    def _load(self, standing: Standing) -> None:
        """Be where the checkpoint is; after setbacks, more carefully and with other draws."""
        load_checkpoint(self._checkpoint, self.trainer.modules, self.trainer.optimisers)
        self.standing = standing
        self.trainer.caution = standing.setbacks
        if standing.setbacks:
            draws = replace(self.sampler.draws, seed=self._seed + standing.setbacks)
            self.sampler = self.sampler.redrawn(draws)

    def _go_back(self, wrong: str) -> None:
        """Leave a lost training for its last good checkpoint; the time that it took is gone.

        Raises:
            TrainingDiverged: it was lost too often.
        """
        lost, found = self.standing, read_standing(self._checkpoint)
        if lost.setbacks == MOST_SETBACKS or found is None:
            raise TrainingDiverged(
                f"Training went wrong {lost.setbacks + 1} times, last at step {lost.step}: {wrong}; build with a "
                "smaller preset, or look at the dataset for frames that are tracked badly."
            )
        self._load(replace(found, seconds=lost.seconds, setbacks=lost.setbacks + 1))
        self.health = Health()
        self._forget_curves_after(found.step)
        self._notice = f"; went back from step {lost.step} to {found.step}: {wrong}"
        self.team.wait()  # until all have read what is now overwritten
        self._save()

    def _one_step(self, fraction: float) -> dict[str, float]:
        started = time.monotonic()
        step = self.standing.step
        try:
            told = self.trainer.step(self.sampler.batch(step), step, fraction, self._breathe)
        except torch.OutOfMemoryError as error:
            self._use_less_memory(error)
            return {}
        self.standing = replace(
            self.standing, step=step + 1, seconds=self.standing.seconds + time.monotonic() - started
        )
        self._message = f"step {step + 1}, L1 {told['l1']:.4f}{self._notice}"
        self._note({"step": step + 1, "seconds": round(self.standing.seconds, 3)}, told)
        self._breathe()
        return told

    def _note(self, row: dict[str, float], told: dict[str, float]) -> None:
        """Add a row to the curves."""
        if self.team.leads:
            with open(self._curves, "a", encoding="utf-8") as file:
                file.write(json.dumps(row | {name: round(value, 6) for name, value in told.items()}) + "\n")

    def _use_less_memory(self, error: torch.OutOfMemoryError) -> None:
        """Halve the batch, once.

        Raises:
            UserError: it was halved before, or cannot be.
        """
        preset = self.trainer.preset
        if self.sampler.draws.size < preset.batch or preset.batch == 1 or self.team.size > 1:
            smaller = smaller_preset(preset)
            advice = (
                f"build with the preset {smaller.name} ({smaller.network.resolution} pixels)"
                if smaller
                else "close other programs that use it"
            )
            raise UserError(
                f"The GPU's memory is too small to train {preset.name} ({preset.network.resolution} pixels) with "
                f"{self.sampler.draws.size} pictures at once; {advice}."
            ) from error
        self.trainer.forget_step()
        self.sampler = self.sampler.redrawn(replace(self.sampler.draws, size=preset.batch // 2))
        self._notice = f"; the GPU's memory holds {preset.batch // 2} pictures at once, not {preset.batch}"

    def _breathe(self) -> None:
        """Tell the listener where the training stands; it may raise `Cancelled`."""
        done, total = self.plan.done(self.standing), self.plan.amount
        preview = str(self.preview) if self.preview.is_file() else None
        left = self.plan.seconds_left(self.standing)
        self.listener(Progress("Training", done, total, self._message, left, preview))

    def _save(self) -> None:
        if self.team.leads:
            save_checkpoint(self._checkpoint, self.standing, self.trainer.modules, self.trainer.optimisers)

    def _forget_curves_after(self, step: int) -> None:
        """Drop the rows of steps that the kill undid."""
        if not (self.team.leads and self._curves.is_file()):
            return
        rows = [row for row in self._curves.read_text(encoding="utf-8").splitlines() if row.endswith("}")]
        kept = [row for row in rows if json.loads(row)["step"] <= step]
        with written_whole(self._curves) as partial:
            partial.write_text("".join(f"{row}\n" for row in kept), encoding="utf-8")

    def _show(self) -> None:
        """Write the preview: footage above, avatar below, for a few frames."""
        if not self.team.leads:
            return
        frames = self.sampler.frames
        chosen = np.linspace(0, len(frames) - 1, PREVIEW_FRAMES).round().astype(int)
        batch = cut_batch(frames, chosen, self.sampler.time_codes, CENTRED, self.trainer.device)
        network = self.trainer.painter(self.standing.step, self.sampler.identity)
        with torch.inference_mode():
            painted = network(batch.uv, batch.texture, batch.time_code)[:, :3]
        rows = [np.concatenate(list(to_pictures(each)), 1) for each in (batch.footage, painted)]
        with written_whole(self.preview) as partial:
            Image.fromarray(np.concatenate(rows)).save(partial)


def to_pictures(tensor: torch.Tensor) -> np.ndarray:
    """`[B, C, H, W]` in [-1, 1] as uint8 `[B, H, W, C]`."""
    return tensor.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def best_time_code(network: PortraitNetwork, sampler: Sampler, count: int = 8) -> float:
    """The time code, of `count` across the footage, with which the network paints all of the footage best.

    Rendering takes one fixed code (Sec. 3.4), so it should suit more than its own moment.
    """
    frames = sampler.frames
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
    batch = cut_batch(frames, chosen, sampler.time_codes, CENTRED, batch_device(network))
    errors = {}
    with torch.inference_mode():
        for code in sampler.time_codes[chosen]:
            painted = network(batch.uv, batch.texture, torch.full((1,), float(code), device=batch.uv.device))[:, :3]
            errors[float(code)] = float(((painted - batch.footage).abs() * batch.matte).mean())
    return min(errors, key=errors.__getitem__)


def batch_device(network: torch.nn.Module) -> torch.device:
    """Where a network lies."""
    return next(network.parameters()).device
