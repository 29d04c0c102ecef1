# SPDX-License-Identifier: GPL-3.0-or-later
"""Long tasks as Blender sees them: how to ask for them, follow them, and say where they stand. No bpy.

A task is a generator that yields a `Bar` while it works and returns its result. Blender's timer steps it in a window;
`run_to_end` steps it on the command line, in tests and wherever there is no window: one path for both.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...common.clock import duration
from ...common.errors import UserError
from ...common.home import Home
from ...common.progress import Cancelled
from ...protocol.client import Client, EngineRefused, EngineUnreachable, Question, WrongToken
from ...protocol.jobs import JobKind, JobRequest, Photo, Track
from ...protocol.messages import Job, JobState, known_fields
from ...protocol.remote_jobs import Sender, fetched
from ..words import translated
from .installing import Wishes, remove, set_up
from .link import connect, end_unless_busy, find, restart
from .pulse import awaited, soon

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocol.splats import SplatCloud
    from ...protocol.transfers import Moved, Moving
    from .process import EnginePlace

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".heic", ".heif", ".avif", ".webp", ".bmp", ".tif", ".tiff", ".jp2")
SECONDS_BETWEEN_QUESTIONS = 0.25
PATIENCE = 60.0
"""Seconds of silence after which the engine counts as hanging; a busy one still answers within a few."""
MOST_LOSSES = 4
SECONDS_OF_LUCK = 30.0
"""An engine that was there for so long and is lost is lost for the first time."""

SECONDS_OF_ABSENCE = 600.0
"""For which an engine on another machine is waited for, whose job goes on meanwhile."""
SECONDS_BETWEEN_ATTEMPTS = 2.0
SECONDS_TO_MEASURE = 2.0
LEAST_TOLD = 1_000_000
"""Bytes of a file whose size is worth a word."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Bar:
    """A progress bar: its text, and how full it is (0 to 1)."""

    text: str
    factor: float = 0.0


Task = Generator[Bar, None, Result]


def new_avatar_job(source: Path, choices: dict[str, Any], **given: Any) -> Track | Photo:
    """Return the job that turns footage or a photo into a dataset.

    Args:
        source: the video or the photo.
        choices: what the artist has chosen, by name; what this kind of job has no parameter for is left out.
        given: other parameters.

    Raises:
        UserError: the file is missing, or neither a video nor a picture by its name.
    """
    if kind_of_source(source) is JobKind.TRACK:
        return Track(source=str(source), **known_fields(Track, choices), **given)
    return Photo(photo=str(source), **known_fields(Photo, choices), **given)


def kind_of_source(source: Path) -> JobKind:
    """Return which job a file wants. Raises UserError for a file that is missing or of no known kind."""
    if not source.is_file():
        raise UserError(translated("There is no file at {source}; choose a video or a photo.", source=source))
    if source.suffix.lower() in VIDEO_SUFFIXES:
        return JobKind.TRACK
    if source.suffix.lower() in PHOTO_SUFFIXES:
        return JobKind.PHOTO
    raise UserError(
        translated(
            "{source} is neither a video nor a picture that Semblance reads; choose an MP4 or a JPEG.",
            source=source.name,
        )
    )


def free_name(stem: str, taken: Iterable[str]) -> str:
    """Return a name for a dataset and its avatar: `stem` made safe for files, with a number when it is taken."""
    base = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:60] or "avatar"
    names, number = set(taken), 1
    while (name := base if number == 1 else f"{base}_{number}") in names:
        number += 1
    return name


def follow(place: EnginePlace, request: JobRequest, started: Callable[[Job], None] = lambda _job: None) -> Task[Job]:
    """Have the engine do a job: find or start the engine, ask, then yield a `Bar` until the job is done; return it.

    `started` is told the job as soon as the engine has taken it. Closing the generator leaves the job to the engine; to
    end the job, cancel it.

    Raises:
        UserError: there is no engine, or the job failed. Cancelled: the job was cancelled.
    """
    client = yield from connecting(place)
    try:
        sender = Sender(client.address, Home(place.home)) if place.remote else None
        if sender:
            request = yield from moving(sender.prepared(request))
        question = client.ask_to_do(request)
        yield from awaited(client, question, Bar("Asking the engine"))  # it may have to unpack a dataset first
        job = Job.from_json(question.wait())
    finally:
        client.close()
    if sender:
        sender.notes.keep(Home(place.home), job.id)
    started(job)
    return (yield from attend(place, job))


def attend(place: EnginePlace, job: Job) -> Task[Job]:
    """Yield how a job in the engine stands until it is done; return it. A lost engine is found, or started, again; one
    on another machine is waited for. What was made there is brought here.

    Raises:
        UserError: the job failed, or the engine was lost again and again. Cancelled: the job was cancelled.
    """
    losses = 0
    while not job.state.ended:
        client = yield from (reconnecting(place, bar_of(job).factor) if place.remote else connecting(place))
        began = time.monotonic()
        try:
            job = yield from watch(client, job)
        except (EngineUnreachable, WrongToken):
            losses = 1 if time.monotonic() - began > SECONDS_OF_LUCK else losses + 1
            if losses == MOST_LOSSES:
                raise
            yield Bar("Looking for the engine", job.fraction)
        finally:
            client.close()
    if job.state == JobState.CANCELLED:
        raise Cancelled
    if job.state == JobState.FAILED:
        raise UserError(job.error or "The job failed; look into the engine's log.")
    return (yield from brought(place, job))


def brought(place: EnginePlace, job: Job) -> Task[Job]:
    """Fetch what a job that is done has made on another machine; return it with the paths that it has here."""
    if not place.remote or job.state is not JobState.DONE:
        return job
    client = yield from reconnecting(place, job.fraction)
    client.close()
    return (yield from moving(fetched(client.address, Home(place.home), job)))


def reconnecting(place: EnginePlace, factor: float) -> Task[Client]:
    """Connect to an engine on another machine; while the network or the machine is away, wait for it.

    Raises:
        EngineUnreachable: it was away for long.
    """
    began = time.monotonic()
    while True:
        try:
            return (yield from connecting(place))
        except EngineUnreachable:
            if time.monotonic() - began > SECONDS_OF_ABSENCE:
                raise
        again = time.monotonic() + SECONDS_BETWEEN_ATTEMPTS
        while time.monotonic() < again:
            yield Bar("Waiting for the engine", factor)


def moving(steps: Moving[Result]) -> Task[Result]:
    """Let a transfer be a task: its bars say which file, bytes and the time left."""
    clock: tuple[str, int, float] = ("", 0, 0.0)
    try:
        while True:
            try:
                moved = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            if clock[0] != moved.doing + moved.name:
                clock = (moved.doing + moved.name, moved.done, time.monotonic())
            yield Bar(text_of(moved, clock[1], time.monotonic() - clock[2]), moved.done / max(1, moved.total))
    finally:
        steps.close()


def text_of(moved: Moved, begun: int, seconds: float) -> str:
    """How far a transfer is, in words, that had done `begun` bytes so many seconds ago."""
    words = f"{translated(moved.doing)} {moved.name}".strip()
    if moved.total < LEAST_TOLD:
        return words
    said = translated(
        "{words} {done:.1f} of {total:.1f} MB",
        words=words,
        done=moved.done / 1e6,
        total=moved.total / 1e6,
    )
    if seconds < SECONDS_TO_MEASURE or moved.done <= begun:
        return said
    left = (moved.total - moved.done) * seconds / (moved.done - begun)
    return translated("{text}, {time} left", text=said, time=duration(left, coarse=True)) if left >= 1 else said


def connecting(place: EnginePlace) -> Task[Client]:
    """Find or start the engine, as a task."""
    return (yield from as_bars(connect(place)))


def restarting(place: EnginePlace) -> Task[None]:
    """End the engine of this machine and start another, as a task."""
    client = yield from as_bars(restart(place))
    client.close()


def as_bars(steps: Generator[str, None, Result]) -> Task[Result]:
    """Let steps that yield texts be a task."""
    try:
        while True:
            try:
                text = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield Bar(text)
    finally:
        steps.close()


def watch(client: Client, job: Job) -> Task[Job]:
    """Yield how a job stands until it has ended; return it as it ended.

    Raises:
        EngineUnreachable: the engine has gone, or hangs.
    """
    while not job.state.ended:
        yield bar_of(job)
        asked = time.monotonic()
        question = client.ask_job(job.id)
        yield from soon(question, bar_of(job), PATIENCE)
        job = Job.from_json(question.wait())
        while not job.state.ended and time.monotonic() - asked < SECONDS_BETWEEN_QUESTIONS:
            yield bar_of(job)
    return job


def asking(place: EnginePlace, ask: Callable[[Client], Question], text: str) -> Task[Question]:
    """Ask the engine a short question, as a task whose result is the answered question."""
    client = yield from connecting(place)
    try:
        question = ask(client)
        yield from soon(question, Bar(text))
        question.wait_for_bytes(0.0)
        return question
    finally:
        client.close()


def describing(place: EnginePlace, avatar: str) -> Task[dict[str, Any] | None]:
    """Ask an engine that runs what an avatar's file says of itself; None where none runs, or it has no such avatar.

    Raises:
        UserError: the engine hangs, or is another than it should be.
    """
    client = yield from as_bars(connect(place) if place.remote else find(place))
    if client is None:
        return None
    try:
        question = client.ask_avatar(avatar)
        yield from soon(question, Bar("Asking for the avatar"))
        said: dict[str, Any] | None = question.wait().get("metadata") or None
        return said
    except EngineRefused:
        return None
    finally:
        client.close()


def fetching_splats(place: EnginePlace, avatar: str) -> Task[SplatCloud]:
    """Ask the engine for an avatar's splats, as a task.

    Raises:
        UserError: there is no engine, or the avatar has no splats.
    """
    client = yield from connecting(place)
    try:
        question = client.ask_splats(avatar)
        yield from awaited(client, question, Bar("Reading the splats"))
        return question.cloud()
    finally:
        client.close()


def setting_up(place: EnginePlace, wishes: Wishes) -> Task[None]:
    """Install, repair or update the engine, as a task."""
    yield from as_bars(end_unless_busy(place))
    steps = set_up(place, wishes)
    try:
        for share, message in steps:
            yield Bar(message, share)
    finally:
        steps.close()


def removing(place: EnginePlace) -> Task[None]:
    """Remove the engine, as a task."""
    yield from as_bars(end_unless_busy(place))
    for share in remove(place):
        yield Bar("Removing the engine", share)


def run_to_end(task: Task[Result], show: Callable[[Bar], None] = lambda _bar: None, pause: float = 0.05) -> Result:
    """Step a task until it ends and return its result; `show` hears every bar."""
    while True:
        try:
            bar = next(task)
        except StopIteration as end:
            result: Result = end.value
            return result
        show(bar)
        time.sleep(pause)


def bar_of(job: Job) -> Bar:
    """Return the progress bar of a job: stage, share, time left."""
    if job.state == JobState.QUEUED:
        return Bar("Waiting for its turn")
    if job.state == JobState.CANCELLING:
        return Bar("Cancelling", job.fraction)
    if job.finishing:
        return Bar("Writing the avatar", job.fraction)
    parts = [f"{translated(job.stage or 'Starting')} {job.fraction:.0%}"]
    if job.seconds_left is not None and job.seconds_left >= 1:
        parts.append(translated("{time} left", time=duration(job.seconds_left, coarse=True)))
    return Bar(", ".join(parts), job.fraction)
