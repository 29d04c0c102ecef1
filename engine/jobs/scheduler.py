# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the queued jobs, each in a worker process of its own, and keeps their records true."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ...common.errors import UserError
from ...common.home import HOME_VARIABLE, Home
from ...protocol.jobs import JOBS, JobKind, JobRequest
from ...protocol.messages import JobState
from ...protocol.references import DIGEST
from .requests import checked
from .store import JobStore, Record
from .worker import CANCEL_LINE, FINISH_LINE, JOB_FILE, LOCK_FILE, LOG_FILE, OUTCOME_FILE, PROGRESS_FILE, End, Outcome

WORKER = (sys.executable, "-P", "-m", f"{__package__}.worker")
"""What is started for a job, with the job's folder as its argument."""
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_HEAR = 0.8
"""A worker that has not answered a request to stop after this time is killed."""
SECONDS_TO_CLEAN_UP = 10.0
"""A worker that has answered is killed after this time."""
MOST_ATTEMPTS = 3
"""Workers started for one job before it counts as failed: one that takes the whole machine down ends some time."""


class Scheduler:
    """Supervises workers. All its methods run on the event loop's thread."""

    def __init__(self, home: Home, at_once: int = 1) -> None:
        self.home = home
        self.store = JobStore(home.database, self._announce)
        self.leaving = False
        self._at_once = at_once
        self._change = asyncio.Event()
        self._stops: dict[str, asyncio.Event] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._workers: dict[str, asyncio.subprocess.Process] = {}

    def start(self) -> None:
        """Put right what an earlier engine left, and begin with the queue."""
        for record in self.store.in_state(JobState.RUNNING, JobState.CANCELLING):
            end_orphan(self.home.job(record.job.id), record.worker)
            self._put_right(record, "The engine was killed while this job ran")
        self._start_queued()

    def submit(self, job: JobRequest) -> Record:
        """Queue a job."""
        record = self.store.add(job.kind, asdict(job))
        self._start_queued()
        return record

    def cancel(self, name: str) -> Record | None:
        """Ask a job to stop; one that has ended stays as it is. None when there is no such job."""
        record = self.store.get(name)
        if record is None:
            return None
        if record.job.state is JobState.QUEUED:
            return self.store.update(name, state=JobState.CANCELLED)
        if record.job.state is JobState.RUNNING:
            self._stops[name].set()
            return self.store.update(name, state=JobState.CANCELLING)
        return record

    def finish(self, record: Record) -> Record:
        """Have a job that runs end with what it has.

        Raises:
            UserError: it is of a kind that cannot, or does not run.
        """
        name, job = record.job.id, record.job
        if not JOBS[job.kind].may_end:
            raise UserError(f"The {job.kind} job {name} has no use before its end; wait for it, or cancel it.")
        if job.state is not JobState.RUNNING:
            raise UserError(f"The job {name} is not running; only one that runs can end with what it has.")
        if worker := self._workers.get(name):
            ask(worker, FINISH_LINE)
        return self.store.update(name, finishing=True)

    def move(self, record: Record, places: int) -> Record:
        """Let a job that waits change places with the one so many places later (earlier, where negative), if any.

        Raises:
            UserError: it does not wait.
        """
        waiting = self.store.in_state(JobState.QUEUED)
        here = next((place for place, each in enumerate(waiting) if each.job.id == record.job.id), None)
        if here is None:
            raise UserError(f"The job {record.job.id} is not waiting; only those that wait have a turn.")
        if not 0 <= here + places < len(waiting):
            return record
        other = waiting[here + places]
        self.store.update(other.job.id, turn=turn_of(record))
        return self.store.update(record.job.id, turn=turn_of(other))

    def remove(self, record: Record) -> None:
        """Forget a job that has ended, and what it printed; what it made stays.

        Raises:
            UserError: it has not ended.
        """
        if not record.job.state.ended:
            raise UserError(f"The job {record.job.id} has not ended yet; wait for it, or cancel it first.")
        self.store.remove(record.job.id)
        shutil.rmtree(self.home.job(record.job.id), ignore_errors=True)

    async def leave(self) -> None:
        """Stop every worker, for the engine ends: what can be resumed goes on when the engine is started again."""
        self.leaving = True
        self._announce()
        for stop in self._stops.values():
            stop.set()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def retry(self, record: Record) -> Record:
        """Queue what an ended job was asked for once more, as a job of its own.

        Raises:
            UserError: it has not ended, or this Semblance no longer knows such a job.
        """
        if not record.job.state.ended:
            raise UserError(f"The job {record.job.id} has not ended yet; wait for it, or cancel it first.")
        return self.submit(checked(record.job.kind, record.job.parameters))

    @property
    def has_work(self) -> bool:
        """True while a job runs or waits."""
        return bool(self._running) or bool(self.store.in_state(JobState.QUEUED))

    def files_needed(self) -> set[str]:
        """The digests of sent files that jobs name which have not ended; may be asked on any thread."""
        waiting = self.store.in_state(JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)
        return set(DIGEST.findall(json.dumps([record.job.parameters for record in waiting])))

    def change(self) -> asyncio.Event:
        """Return an event that is set at the next change of any job."""
        return self._change

    def _announce(self) -> None:
        changed, self._change = self._change, asyncio.Event()
        changed.set()

    def _start_queued(self) -> None:
        for record in self.store.in_state(JobState.QUEUED):
            if self.leaving or len(self._running) >= self._at_once:
                return
            name = record.job.id
            self._stops[name] = asyncio.Event()
            self.store.update(name, state=JobState.RUNNING, attempts=record.attempts + 1)
            self._running[name] = asyncio.create_task(self._supervise(record))

    async def _supervise(self, record: Record) -> None:
        name, folder = record.job.id, self.home.job(record.job.id)
        try:
            prepare_folder(folder, record)
            process = self._workers[name] = await start_worker(folder, self.home)
            if self.store.update(name, worker=process.pid).job.finishing:
                ask(process, FINISH_LINE)
            await self._follow(name, folder, process)
            self._conclude(name, folder, process.returncode or 0)
        except OSError as error:
            self.store.update(name, state=JobState.FAILED, error=f"The job could not be started: {error}; try again.")
        finally:
            del self._running[name], self._stops[name]
            self._workers.pop(name, None)
            self._start_queued()

    async def _follow(self, name: str, folder: Path, process: asyncio.subprocess.Process) -> None:
        """Carry progress into the record until the worker has ended; stop it when asked."""
        lines, deadline, stopping = ProgressLines(folder / PROGRESS_FILE), float("inf"), False
        ended = asyncio.ensure_future(process.wait())
        stop = asyncio.ensure_future(self._stops[name].wait())
        while not ended.done():
            awaited = {ended} if stop.done() else {ended, stop}
            await asyncio.wait(awaited, timeout=SECONDS_BETWEEN_LOOKS, return_when=asyncio.FIRST_COMPLETED)
            if stop.done() and deadline == float("inf"):
                ask(process, CANCEL_LINE)
                deadline = time.monotonic() + SECONDS_TO_HEAR
            for line in lines.new():
                if line.get("stopping") and not stopping:
                    stopping, deadline = True, time.monotonic() + SECONDS_TO_CLEAN_UP
            self._tell(name, lines.latest)
            if time.monotonic() > deadline:
                kill_group(process.pid)
        stop.cancel()

    def _tell(self, name: str, line: dict[str, Any]) -> None:
        """Carry a line of progress into the job's record, when it says something new."""
        record = self.store.get(name)
        if record is None or not line:
            return
        told = {key: line[key] for key in ("stage", "fraction", "message", "seconds_left")}
        picture = line["preview"] or record.picture
        if picture != record.picture or any(getattr(record.job, key) != value for key, value in told.items()):
            with suppress(UserError):  # a full disk: the job may still end well
                self.store.update(name, **told, picture=picture, preview=bool(picture))

    def _conclude(self, name: str, folder: Path, code: int) -> None:
        """Write down how the job ended."""
        record = self.store.get(name)
        assert record is not None
        outcome = Outcome.load(folder)
        if outcome is not None and outcome.end is End.DONE:
            self.store.update(
                name, state=JobState.DONE, result=outcome.result, fraction=1.0, seconds_left=0.0, worker=0
            )
        elif outcome is not None and outcome.end is End.FAILED:
            self.store.update(name, state=JobState.FAILED, error=outcome.error, seconds_left=None, worker=0)
        elif record.job.state is JobState.CANCELLING:
            self.store.update(name, state=JobState.CANCELLED, seconds_left=None, worker=0)
        elif self.leaving:
            self._put_right(record, "The engine was stopped while this job ran")
        else:
            error = sentence_about_death(record.job.kind, code, folder / LOG_FILE)
            self.store.update(name, state=JobState.FAILED, error=error, seconds_left=None, worker=0)

    def _put_right(self, record: Record, reason: str) -> None:
        """Decide about a job whose worker ended with its engine: it goes on if it can, else it has failed."""
        name, job = record.job.id, record.job
        if job.state is JobState.CANCELLING:
            self.store.update(name, state=JobState.CANCELLED, seconds_left=None, worker=0)
        elif JOBS[job.kind].resumable and record.attempts < MOST_ATTEMPTS:
            self.store.update(
                name, state=JobState.QUEUED, stage="", fraction=0.0, message="", seconds_left=None, worker=0
            )
        else:
            error = f"{reason}; start it again."
            self.store.update(name, state=JobState.FAILED, error=error, seconds_left=None, worker=0)


class ProgressLines:
    """Reads a growing file of JSON lines; a line that is still being written waits for its end."""

    def __init__(self, path: Path) -> None:
        self.latest: dict[str, Any] = {}
        self._path, self._offset = path, 0

    def new(self) -> list[dict[str, Any]]:
        """Return the lines that were completed since the last call; the newest progress stays in `latest`."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = [line for line in map(parsed, whole.splitlines()) if line]
        self.latest = next((line for line in reversed(lines) if "stage" in line), self.latest)
        return lines


def parsed(line: bytes) -> dict[str, Any]:
    """Return a line of progress; nothing for one that a full disk cut short."""
    try:
        values: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return values


def prepare_folder(folder: Path, record: Record) -> None:
    """Make the job's folder say what to do, and nothing of an earlier attempt."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PROGRESS_FILE, OUTCOME_FILE):
        (folder / name).unlink(missing_ok=True)
    text = json.dumps({"kind": record.job.kind, "parameters": record.job.parameters})
    (folder / JOB_FILE).write_text(text, encoding="utf-8")


async def start_worker(folder: Path, home: Home) -> asyncio.subprocess.Process:
    """Start the worker of the job in `folder`, in a process group of its own, whose default home is `home`."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": 0x00000200 | 0x00004000}  # CREATE_NEW_PROCESS_GROUP, BELOW_NORMAL_PRIORITY_CLASS
    command = (*WORKER, str(folder))
    with (folder / LOG_FILE).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, HOME_VARIABLE: str(home.folder)},
            **apart,
        )


def ask(process: asyncio.subprocess.Process, line: bytes) -> None:
    """Ask a worker politely."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(line)


def turn_of(record: Record) -> float:
    """When a job that waits is to begin, beside others."""
    return record.job.turn or record.job.created


def kill_group(process: int) -> None:
    """Kill a worker and whatever it started."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            os.kill(process, signal.SIGTERM)
        else:
            os.killpg(process, signal.SIGKILL)


def end_orphan(folder: Path, process: int) -> None:
    """Make sure that the worker of a killed engine has ended. It holds its lock as long as it lives."""
    if not folder.is_dir():
        return
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=SECONDS_TO_HEAR)
    except Timeout:
        if process:
            kill_group(process)
        lock.acquire(timeout=SECONDS_TO_CLEAN_UP)
    lock.release()


def sentence_about_death(kind: JobKind, code: int, log: Path) -> str:
    """Say why a worker may have ended without a word; `code` is its exit code, negative for a signal."""
    again = "it continues where it stopped" if JOBS[kind].resumable else "it starts over"
    if code == -9:
        return (
            f"The {kind} job was killed by the system, most likely for lack of memory; close other programs or choose a"
            f" smaller preset or size, then start it again: {again}."
        )
    ending = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"The {kind} job's process ended by itself ({ending}); start it again: {again} (log: {log})."
