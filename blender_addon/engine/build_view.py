# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of the build that runs: how its losses go and what the avatar looks like. No bpy; nothing here waits."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ...protocol.client import EngineRefused
from ...protocol.jobs import JobKind
from ...protocol.messages import Curve, Job, JobState
from ..words import translated
from .pulse import soon

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...protocol.client import Client

SECONDS_BETWEEN_LOOKS = 4.0


class BuildView:
    """The build that runs, else the one that ran last.

    Attributes:
        job: how it stands; None before the first.
        curve: its losses.
        picture: bytes of its newest preview, a PNG or JPEG; empty while there is none.
        number: grows with every new curve or picture.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.curve, self.picture, self.number = Curve(), b"", 0
        self._looked = float("-inf")

    def follow(self, jobs: tuple[Job, ...]) -> None:
        """Take note of how the jobs stand."""
        known = self.job.id if self.job else ""
        running = next((job for job in jobs if job.kind is JobKind.BUILD and is_at_work(job)), None)
        self.job = running or next((job for job in jobs if job.id == known), None)
        if (self.job.id if self.job else "") != known:
            self.curve, self.picture, self._looked = Curve(), b"", float("-inf")
            self.number += 1

    def look(self, client: Client, jobs: tuple[Job, ...]) -> Generator[None, None, None]:
        """Ask for what is new, now and then while a build runs, and once more when it has ended."""
        before = self.job
        self.follow(jobs)
        job = self.job
        if job is None or not job.preview:
            return
        has_ended = before is not None and before.id == job.id and is_at_work(before) and not is_at_work(job)
        if not has_ended and not (is_at_work(job) and time.monotonic() - self._looked > SECONDS_BETWEEN_LOOKS):
            return
        with suppress(EngineRefused):  # an older engine, or the picture is just being written anew
            question = client.ask_curve(job.id)
            yield from soon(question, None)
            curve = Curve.from_json(question.wait())
            question = client.ask_preview(job.id)
            yield from soon(question, None)
            picture = question.wait_for_bytes(client.seconds_to_answer)
            if (curve, picture) != (self.curve, self.picture):
                self.curve, self.picture, self.number = curve, picture, self.number + 1
        self._looked = time.monotonic()


def is_at_work(job: Job) -> bool:
    """Tell whether a job's worker lives."""
    return job.state in (JobState.RUNNING, JobState.CANCELLING)


def watched_loss(curve: Curve) -> str:
    """The loss to watch, in words: "Loss 0.043 after 812 steps"; empty while there is none."""
    values = [each for each in curve.losses.get(curve.watched, ()) if each is not None]
    if not values:
        return ""
    return translated("Loss {loss:.3f} after {steps:,} steps", loss=values[-1], steps=curve.steps[-1])
