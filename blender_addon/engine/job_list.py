# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of this machine's engine, whoever asked for them, looked at now and then. No bpy; nothing here waits."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...protocol.client import EngineRefused
from ...protocol.expectations import Expectation
from ...protocol.messages import Announcement, Job, JobState
from ..words import translated
from .build_view import BuildView
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
TITLES = {
    "track": "Track {name}",
    "photo": "Photo {name}",
    "build": "Build {name}",
    "reenact": "Reenact {name}",
    "orbit": "Orbit {name}",
    "bake": "Bake {name}",
    "mark": "Sign {name}",
    "measure": "Measure This Computer",
}


class JobList:
    """The engine's newest jobs. It starts no engine; one that runs is found, and kept from leaving.

    Attributes:
        jobs: newest first; those of the last look while the engine is not there.
        text: why they are not up to date; empty when they are.
        build: what is seen of the build that runs.
        expectations: how long builds take; empty while no engine has said so.
    """

    def __init__(self, place: Callable[[], EnginePlace]) -> None:
        self.jobs: tuple[Job, ...] = ()
        self.text = ""
        self.build = BuildView()
        self.expectations: tuple[Expectation, ...] = ()
        self._place = place
        self._work: Generator[None, None, None] | None = None

    def step(self) -> list[Job]:
        """Go on looking, as far as it goes without waiting; return the jobs that have newly ended."""
        before = self.jobs
        self._work = self._work or self._look()
        try:
            next(self._work)
        except UserError as error:
            self.text = str(error)
            self._work = rested(SECONDS_BETWEEN_ENGINES)
        except StopIteration:
            self._work = None
        return newly_ended(self.jobs, before)

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
        yield from self._ask_expectations(client)
        while self._place() == place:
            known = self.jobs
            question = client.ask_jobs(MOST_JOBS)
            yield from soon(question, None)
            self.jobs, self.text = tuple(Job.from_json(each) for each in question.wait()), ""
            yield from self.build.look(client, self.jobs)
            if newly_ended(self.jobs, known):  # a build, too, tells how quickly this machine trains
                yield from self._ask_expectations(client)
            yield from rested(SECONDS_BETWEEN_LISTS)

    def _ask_expectations(self, client: Client) -> Generator[None, None, None]:
        question = client.ask_expectations()
        yield from soon(question, None)
        with suppress(EngineRefused):  # an older engine
            self.expectations = tuple(Expectation.from_json(each) for each in question.wait())


def newly_ended(jobs: tuple[Job, ...], before: tuple[Job, ...]) -> list[Job]:
    """Those of the jobs that had not ended before."""
    known = {job.id: job for job in before}
    return [job for job in jobs if job.state.ended and job.id in known and not known[job.id].state.ended]


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
    title = TITLES.get(job.kind, str(job.kind).capitalize() + " {name}")
    return translated(title, name=name).strip()


def standing_of(job: Job) -> str:
    """How a job stands, in a few words."""
    return ENDED.get(job.state) or bar_of(job).text


def place_in_line(job: Job, jobs: tuple[Job, ...]) -> int:
    """How many of the jobs that wait are before this one, which waits, too."""
    waiting = [each for each in jobs if each.state is JobState.QUEUED and each.id != job.id]
    return sum((each.turn or each.created) < (job.turn or job.created) for each in waiting)
