# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a process of its own: announced, alone in its home, gone when it should be, and what a kill leaves."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from semblance.common.processes import is_alive
from semblance.engine.commands.cli import main
from semblance.engine.commands.engine import running_engine
from semblance.protocol.jobs import JOBS, JobKind
from semblance.protocol.messages import STATE_FILE, Announcement, Job, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

# Without PyTorch, for these tests start many engines.
START = """
import sys
from semblance.engine.commands import cli
from semblance.neural import device
from semblance.engine.jobs import scheduler
from semblance.engine.serving import process, server
scheduler.WORKER = tuple(sys.argv.pop(1).split("|"))
scheduler.SECONDS_TO_HEAR = float(sys.argv.pop(1))
scheduler.SECONDS_TO_CLEAN_UP = 60.0
process.device_facts = server.device_facts = lambda: device.DeviceFacts("cpu", "CPU", "none", ())
cli.main()
"""


class Engines:
    """Engines started by a test; they all end with it."""

    def __init__(self, home: Path, worker: tuple[str, ...]) -> None:
        self.home, self._worker = home, worker
        self._processes: list[subprocess.Popen[str]] = []
        self.seconds_to_hear = 60.0  # a busy machine wakes a worker late

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start an engine and wait until it is announced."""
        process = self.spawn(*arguments)
        deadline = time.monotonic() + 300
        while (said := Announcement.read(self.home)) is None or said.process != process.pid:
            assert process.poll() is None, errors_of(process).read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        """Start an engine."""
        stand_in = ("|".join(self._worker), str(self.seconds_to_hear))
        command = [sys.executable, "-P", "-c", START, *stand_in, "serve", "--home", str(self.home)]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._processes.append(process)
        return process

    def submit(self, kind: str, **parameters: str) -> Job:
        """Queue a stand-in task."""
        with running_engine(self.home) as client:
            return client.submit(JOBS[JobKind(kind)](**parameters))

    def job(self, job: Job) -> Job:
        """The job as it stands."""
        with running_engine(self.home) as client:
            return client.job(job.id)

    def wait(self, job: Job, *states: JobState) -> Job:
        """The job as soon as it is in one of these states and, when running, has a worker that works."""
        deadline = time.monotonic() + 300
        while not ((now := self.job(job)).state in states and (now.state.ended or now.fraction > 0)):
            assert time.monotonic() < deadline, f"waited in vain: {now}"
            time.sleep(0.02)
        return now

    def end(self) -> None:
        """Kill what is left."""
        for process in self._processes:
            process.kill()
            process.wait()
            errors_of(process).close()


def errors_of(process: subprocess.Popen[str]) -> IO[str]:
    """What it writes to its standard error."""
    assert process.stderr is not None
    return process.stderr


@pytest.fixture
def engines(tmp_path: Path, stand_in_worker: tuple[str, ...]) -> Iterator[Engines]:
    started = Engines(tmp_path / "home", stand_in_worker)
    yield started
    started.end()


def test_an_engine_announces_itself_privately_and_leaves_nothing_when_asked_to_go(engines):
    process = engines.start()
    assert stat.S_IMODE((engines.home / STATE_FILE).stat().st_mode) == 0o600
    job = engines.submit("track", source="/long", dataset="d")
    engines.wait(job, JobState.RUNNING)
    process.send_signal(signal.SIGTERM)
    assert process.wait(300) == 0
    assert not (engines.home / STATE_FILE).exists()
    assert (engines.home / "jobs" / job.id / "cleaned").exists()
    assert errors_of(process).read() == ""


@pytest.mark.slow
def test_a_second_engine_and_a_taken_port_are_refused_in_a_sentence(engines, tmp_path, capsys):
    engines.start()
    refused = engines.spawn()
    assert refused.wait(300) == 2
    said = Announcement.read(engines.home)
    assert errors_of(refused).read() == (
        f"An engine is already running for {engines.home} (process {said.process}, port {said.port});"
        " use that one, or stop it first.\n"
    )
    with pytest.raises(SystemExit) as left:
        main(["serve", "--home", str(tmp_path / "other"), "--port", str(said.port)])
    assert left.value.code == 2
    assert capsys.readouterr().err == f"The port {said.port} is in use; choose another, or leave --port out.\n"


@pytest.mark.slow
def test_a_killed_engine_leaves_no_worker_and_the_next_one_puts_its_jobs_right(engines):
    first = engines.start()
    track = engines.submit("track", source="/long", dataset="d")
    engines.wait(track, JobState.RUNNING)
    build = engines.submit("build", dataset="/long", avatar="a")
    kill(first)
    assert Announcement.read(engines.home).process == first.pid, "a killed engine cannot remove its state file"
    second = engines.start()
    assert engines.job(track).state is JobState.FAILED
    assert engines.job(track).error == "The engine was killed while this job ran; start it again."
    engines.wait(build, JobState.RUNNING)
    kill(second)
    engines.start()
    engines.wait(build, JobState.RUNNING)
    with running_engine(engines.home) as client:
        client.cancel(build.id)
    engines.wait(build, JobState.CANCELLED)


def kill(engine: subprocess.Popen[str]) -> None:
    """End an engine without a chance to do anything."""
    engine.kill()
    engine.wait()


def test_a_deaf_worker_does_not_outlive_a_killed_engine(engines):
    engines.seconds_to_hear = 0.2
    killed = engines.start()
    track = engines.submit("track", source="/deaf", dataset="d")
    wait_until(lambda: (engines.home / "jobs" / track.id / "deaf").exists())
    worker = worker_of(engines.home, track)
    assert is_alive(worker)
    kill(killed)
    engines.start()
    assert engines.job(track).state is JobState.FAILED
    wait_until(lambda: not is_alive(worker))


def wait_until(true: Callable[[], bool]) -> None:
    """Return as soon as something is true."""
    deadline = time.monotonic() + 300
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def worker_of(home: Path, job: Job) -> int:
    """The process number that the engine wrote down for a job's worker."""
    from semblance.common.home import Home
    from semblance.engine.jobs.store import JobStore

    store = JobStore(Home(home).database)
    try:
        record = store.get(job.id)
        assert record is not None
        return record.worker
    finally:
        store.close()


def test_an_engine_leaves_with_its_parent(engines):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = engines.start("--parent", str(parent.pid))
    assert process.poll() is None
    parent.communicate(b"\n")
    assert process.wait(300) == 0
    assert not (engines.home / STATE_FILE).exists()
