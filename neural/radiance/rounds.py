# SPDX-License-Identifier: GPL-3.0-or-later
"""A training in rounds: on what there is, then, after each update, on what the head itself shows."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from ...tracking.detection.landmarks import LandmarkDetector
from ..pretrained.arcface import ArcFace
from ..pretrained.weights import find
from ..training.loop import TrainingRun
from .restoration.drift import DriftJudge
from .restoration.posed_photo import PosedPhoto
from .updates import Update, updated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...common.progress import Listener
    from ...tracking.heads.head import MorphableHead
    from ..training.checkpoints import TrainingState
    from ..training.plan import Plan
    from .learner import RadianceLearner
    from .restoration.choice import ChosenRestorer
    from .scene import RadianceScene

FIRST_SHARE = 0.5
"""Of the time that the first round takes, where others follow, which share the rest."""
KEY_VIEWS = 100
"""So many views are restored where a network takes seconds for each."""


class Rounds:
    """One training after another of the same learner.

    Attributes:
        learner: what learns.
        sentences: what was done in updates, for the avatar's file.
    """

    def __init__(self, learner: RadianceLearner, folder: Path, plan: Plan, label: str, listener: Listener) -> None:
        """Train in `folder` for the time of `plan`, all rounds together; `label` tells this training from others."""
        self.learner, self.sentences = learner, list[str]()
        self._folder, self._plan, self._label, self._listener = folder, plan, label, listener

    def all(
        self, updates: int, restorer: ChosenRestorer | None, head: MorphableHead, resume: bool
    ) -> Iterator[TrainingState]:
        """Train the first round and one after each of so many updates; yield what came of each. No other begins after
        one that was good enough.

        Arguments: what restores, where there are updates; the head that the scene shows; whether to go on from
        checkpoints. Errors as `training.loop.TrainingRun.to_the_end`.
        """
        scene = self.learner.scene
        shares = [1.0] if not updates else [FIRST_SHARE, *[(1 - FIRST_SHARE) / updates] * updates]
        for number, share in enumerate(shares):
            if number and restorer:
                update = self._update(scene, head, number, restorer)
                self.learner.go_on_with(update.scene, update.frames)
                self.sentences = [updates_sentence(number, restorer, update.rejected)]
            run = self._run(number, share)
            yield run.to_the_end(resume)
            if run.good_enough:
                return

    def _run(self, number: int, share: float) -> TrainingRun:
        folder = self._folder / f"update-{number}" if number else self._folder
        folder.mkdir(parents=True, exist_ok=True)
        return TrainingRun(folder, self.learner, self._plan.part(share), f"{self._label} {number}", self._listener)

    def _update(self, scene: RadianceScene, head: MorphableHead, number: int, restorer: ChosenRestorer) -> Update:
        """Draw and restore the scene's frames."""
        cache = self._folder / f"update-{number}" / f"restored-{self._label[:12]}"
        with ExitStack() as stack:
            opened = stack.enter_context(restorer.opened(posed_photo(scene, head)))
            objection = most = None
            if restorer.weights:
                detector = stack.enter_context(LandmarkDetector(still=True))
                arcface = find("arcface")
                objection = DriftJudge(detector.detect, ArcFace(arcface).code if arcface else None).objection
                most = KEY_VIEWS if self.learner.group.device.type == "cpu" else None
            return updated(
                scene,
                self.learner.network,
                opened,
                cache,
                objection=objection,
                most=most,
                listener=self._listener,
            )


def posed_photo(scene: RadianceScene, head: MorphableHead) -> PosedPhoto:
    """The scene's first photograph, and the head as it shows it."""
    index = scene.photographs[0] if scene.photographs else 0
    vertices, matte = scene.vertices[index].cpu().numpy(), scene.alphas[index].cpu().numpy() / np.float32(255)
    return PosedPhoto(
        head, vertices, scene.camera, scene.colours[index].cpu().numpy(), matte, scene.camera.project(vertices)
    )


def updates_sentence(number: int, restorer: ChosenRestorer, rejected: int) -> str:
    """What an avatar's file says of its updates."""
    often = f"{number} times" if number > 1 else "once"
    drifted = f" {rejected} views were left as drawn, because they no longer showed the person." if rejected else ""
    return f"The pictures were updated {often}. {restorer.sentence}{drifted}"
