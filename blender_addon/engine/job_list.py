# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of this machine's engine, whoever asked for them, looked at now and then. No bpy; nothing here waits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...protocol.messages import Announcement, Job, JobState
from .jobs import bar_of
from .link import connect, find
from .pulse import soon

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ...protocol.client import Client
    from .process import EnginePlace

MOST_JOBS = 30
SECONDS_BETWEEN_LISTS = 1.0
SECONDS_BETWEEN_ENGINES = 3.0
"""Before an engine is looked for again: one that is not there, or that was lost."""
ENDED = {JobState.DONE: "Done", JobState.FAILED: "Failed", JobState.CANCELLED: "Cancelled"}
VERBS = {
    "track": "Track",
    "photo": "Photo",
    "build": "Build",
    "reenact": "Reenact",
    "orbit": "Orbit",
    "bake": "Bake",
    "mark": "Sign",
}


class JobList:
    """The engine's newest jobs. It starts no engine; one that runs is found, and kept from leaving.

    Attributes:
        jobs: newest first; those of the last look while the engine is not there.
        text: why they are not up to date; empty when they are.
    """

    def __init__(self, place: Callable[[], EnginePlace]) -> None:
        self.jobs: tuple[Job, ...] = ()
        self.text = ""
        self._place = place
        self._work: Generator[None, None, None] | None = None

    def step(self) -> list[Job]:
        """Go on looking, as far as it goes without waiting; return the jobs that have newly ended."""
        before = {job.id: job for job in self.jobs}
        self._work = self._work or self._look()
        try:
            next(self._work)
        except UserError as error:
            self.text = str(error)
            self._work = rested(SECONDS_BETWEEN_ENGINES)
        except StopIteration:
            self._work = None
        return [job for job in self.jobs if job.state.ended and job.id in before and not before[job.id].state.ended]

    def close(self) -> None:
        """Let go of the engine."""
        if self._work:
            self._work.close()
        self._work = None

    def _look(self) -> Generator[None, None, None]:
        """Find the engine and list its jobs until it is lost."""
        place = self._place()
        if not place.remote and Announcement.read(place.home) is None:
            yield from rested(SECONDS_BETWEEN_ENGINES)
            return
        client = yield from quietly(connect(place) if place.remote else find(place))
        if client is None:
            yield from rested(SECONDS_BETWEEN_ENGINES)
            return
        try:
            yield from self._list(client, place)
        finally:
            client.close()

    def _list(self, client: Client, place: EnginePlace) -> Generator[None, None, None]:
        while self._place() == place:
            question = client.ask_jobs(MOST_JOBS)
            yield from soon(question, None)
            self.jobs, self.text = tuple(Job.from_json(each) for each in question.wait()), ""
            yield from rested(SECONDS_BETWEEN_LISTS)


def rested(seconds: float) -> Generator[None, None, None]:
    """Yield for some time."""
    began = time.monotonic()
    yield
    while time.monotonic() - began < seconds:
        yield


def quietly(
    steps: Generator[str, None, Client] | Generator[str, None, Client | None],
) -> Generator[None, None, Client | None]:
    """Let steps yield nothing instead of texts."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            client: Client | None = end.value
            return client
        yield


def title_of(job: Job) -> str:
    """What a job does and to what, for the artist: "Track clip.mp4"."""
    said = job.parameters
    subject = (
        said.get("source") or said.get("photo") or said.get("file") or said.get("avatar") or said.get("dataset") or ""
    )
    name = Path(str(subject)).name.removesuffix(".safetensors")
    return f"{VERBS.get(job.kind, str(job.kind).capitalize())} {name}".strip()


def standing_of(job: Job) -> str:
    """How a job stands, in a few words."""
    return ENDED.get(job.state) or bar_of(job).text
