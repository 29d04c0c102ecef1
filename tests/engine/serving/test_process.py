# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a process of its own: announced, alone in its home, gone when it should be, and what a kill leaves."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from semblance.common.home import Home
from semblance.common.processes import is_alive
from semblance.engine.commands.cli import main
from semblance.engine.commands.engine import running_engine
from semblance.engine.jobs.store import JobStore, Record
from semblance.protocol.address import Address
from semblance.protocol.client import Client, EngineRefused, EngineUnreachable
from semblance.protocol.jobs import JOBS, JobKind
from semblance.protocol.messages import STATE_FILE, Announcement, Job, JobState
from semblance.tests.makers.engines import start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO


class Engines:
    """Engines started by a test; they all end with it."""

    def __init__(self, home: Path, worker: tuple[str, ...]) -> None:
        self.home, self._worker = home, worker
        self._processes: list[subprocess.Popen[str]] = []
        self.seconds_to_hear = 60.0  # a busy machine wakes a worker late
        self.seconds_to_linger = 0.2
        self.seconds_of_idleness = 1e9

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
        start = start_script(self._worker, self.seconds_to_hear, self.seconds_to_linger, self.seconds_of_idleness)
        command = [sys.executable, "-P", "-c", start, "serve", "--home", str(self.home)]
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

    def cancel(self, job: Job) -> None:
        """Ask for a job to end."""
        with running_engine(self.home) as client:
            client.cancel(job.id)

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
def test_an_engine_for_other_machines_speaks_tls_and_shows_the_same_certificate_again(engines):
    found = []
    for _ in range(2):
        process = engines.start("--remote")
        said = Announcement.read(engines.home)
        found.append(said.fingerprint)
        with running_engine(engines.home) as client:
            assert client.status().home == ""
            with pytest.raises(EngineRefused, match="names a path"):
                client.submit(JOBS[JobKind.TRACK](source="/clip.mp4", dataset="d"))
        plain = Client(Address("127.0.0.1", said.port, said.token))
        with pytest.raises(EngineUnreachable):
            plain.status()
        plain.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
    assert found[0] == found[1] != ""
    assert stat.S_IMODE((engines.home / "tls.pem").stat().st_mode) == 0o600


def test_a_certificate_without_its_key_is_refused_in_a_sentence(tmp_path, capsys):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    for words in (["--certificate", str(wrong)], ["--certificate", str(wrong), "--key", str(wrong)]):
        with pytest.raises(SystemExit) as left:
            main(["serve", "--home", str(tmp_path / "home"), "--remote", *words])
        assert left.value.code == 2
        assert "belong together" in capsys.readouterr().err


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


@pytest.mark.slow
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


def worker_of(home: Path, job: Job) -> int:
    """The process number that the engine wrote down for a job's worker."""
    return record_of(home, job).worker


def state_of(home: Path, job: Job) -> JobState:
    """The state that the engine wrote down for a job."""
    return record_of(home, job).job.state


def record_of(home: Path, job: Job) -> Record:
    """What the engine wrote down about a job."""
    store = JobStore(Home(home).database)
    try:
        record = store.get(job.id)
        assert record is not None
        return record
    finally:
        store.close()


@pytest.mark.slow
def test_an_engine_that_somebody_started_stays(engines):
    process = engines.start()
    with held_open(engines.home):
        pass
    with running_engine(engines.home) as client:
        assert client.status().process == process.pid


@pytest.mark.slow
def test_an_engine_leaves_when_the_last_of_its_users_has_gone(engines):
    process = engines.start("--while-used")
    with held_open(engines.home):
        with held_open(engines.home):
            pass
        track = engines.submit("track", source="/short", dataset="d")
        engines.wait(track, JobState.DONE)
        with held_open(engines.home):
            assert process.poll() is None
    assert process.wait(300) == 0
    assert not (engines.home / STATE_FILE).exists()
    assert errors_of(process).read() == ""


@pytest.mark.slow
def test_an_idle_engine_measures_its_machine_once_unless_it_knows(engines):
    engines.seconds_of_idleness = 0.2
    engines.start()
    wait_until(lambda: [record.job.kind for record in JobStore(Home(engines.home).database).all()])
    engines.wait(jobs_of(engines)[0], JobState.DONE)
    time.sleep(1.0)
    assert [job.kind for job in jobs_of(engines)] == [JobKind.MEASURE]


def jobs_of(engines: Engines) -> list[Job]:
    with running_engine(engines.home) as client:
        return client.jobs()


@pytest.mark.slow
def test_an_engine_that_nobody_uses_stays_while_there_are_jobs(engines):
    process = engines.start("--while-used")
    with held_open(engines.home):
        track = engines.submit("track", source="/long", dataset="d")
        engines.wait(track, JobState.RUNNING)
        waiting = engines.submit("track", source="/short", dataset="d")
    begun = told(engines.home, track)
    wait_until(lambda: told(engines.home, track) > begun + 30)  # of 0.05 seconds: longer than it lingers
    assert process.poll() is None
    engines.cancel(track)
    assert process.wait(300) == 0
    assert state_of(engines.home, waiting) is JobState.DONE


@pytest.mark.slow
def test_the_token_stays_from_start_to_start_and_is_private(engines):
    first = engines.start()
    token = Announcement.read(engines.home).token
    first.send_signal(signal.SIGTERM)
    assert first.wait(300) == 0
    assert stat.S_IMODE((engines.home / "token").stat().st_mode) == 0o600
    second = engines.start()
    assert Announcement.read(engines.home).token == token
    second.send_signal(signal.SIGTERM)
    assert second.wait(300) == 0
    (engines.home / "token").write_text("guessable")
    engines.start()
    assert len(Announcement.read(engines.home).token) > 32


@pytest.mark.slow
def test_an_engine_that_is_wanted_waits_for_one_that_leaves(engines):
    first = engines.start()
    engines.wait(engines.submit("track", source="/long", dataset="d"), JobState.RUNNING)
    second = engines.spawn("--while-used")
    first.send_signal(signal.SIGTERM)
    wait_until(lambda: (said := Announcement.read(engines.home)) is not None and said.process == second.pid)
    assert first.wait(300) == 0


@contextmanager
def held_open(home: Path) -> Iterator[None]:
    """Be present at the engine of `home`."""
    said = Announcement.read(home)
    assert said is not None
    client = Client(Address.announced(said))
    question = client.ask("GET", "/v1/presence")
    wait_until(lambda: question.answered() or question.begun == 200)
    assert question.begun == 200
    yield
    assert not question.answered(), "the engine went away"
    client.close()


def told(home: Path, job: Job) -> int:
    """How many lines of progress a job has written."""
    return len((home / "jobs" / job.id / "progress.jsonl").read_text().splitlines())
