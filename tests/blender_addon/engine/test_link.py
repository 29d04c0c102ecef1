# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine for all Blenders: found, shared, outliving each of them, and not waited for when it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.blender_addon.engine import frame_service, link, presence, pulse
from semblance.blender_addon.engine.jobs import as_bars, attend, connecting, follow, restarting, run_to_end
from semblance.blender_addon.engine.picture_feed import PictureFeed, Wanted, Wish
from semblance.blender_addon.engine.process import EnginePlace
from semblance.common.errors import UserError
from semblance.common.locks import taken
from semblance.common.processes import is_alive
from semblance.protocol.client import EngineUnreachable
from semblance.protocol.inputs import Maps
from semblance.protocol.jobs import Build, Track
from semblance.protocol.look import USUAL_LOOK
from semblance.protocol.messages import Announcement, JobState
from semblance.tests.makers.engines import stand_in_python, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from semblance.protocol.messages import Job

PROGRAM = """
import sys
from pathlib import Path
from semblance.blender_addon.engine.jobs import connecting, run_to_end
from semblance.blender_addon.engine.process import EnginePlace
from semblance.protocol.jobs import Track
client = run_to_end(connecting(EnginePlace(Path(sys.argv[1]), Path(sys.argv[2]))), pause=0.01)
print(client.status().process, flush=True)
for line in sys.stdin:
    print(client.submit(Track(source=line.strip(), dataset="d")).id, flush=True)
"""
"""What a Blender is to the engine. It prints the engine's process number, then the id of each job that it is told."""

NOTHING = Maps(*np.zeros((2, 1, 4, 4, 3), np.float16))


class Programs:
    """Programs that share the engine of a home; they all end with the test, and so does the engine."""

    def __init__(self, place: EnginePlace) -> None:
        self.place = place
        self._started: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        """Start one; it does not wait for it."""
        command = [sys.executable, "-c", PROGRAM, str(self.place.home), str(self.place.python)]
        pipe = subprocess.PIPE
        self._started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return self._started[-1]

    def end(self) -> None:
        """Kill what is left."""
        said = Announcement.read(self.place.home)
        for program in self._started:
            kill(program)
            for pipe in (program.stdin, program.stdout, program.stderr):
                assert pipe is not None
                pipe.close()
        presence.leave_all()
        frame_service.forget_all()
        if said:
            with suppress(OSError):
                os.kill(said.process, signal.SIGCONT)
                os.kill(said.process, signal.SIGTERM)
        wait_until(lambda: not link.is_served(self.place))
        link.reap()


def kill(program: subprocess.Popen[str]) -> None:
    """End a program without a chance to do anything."""
    program.kill()
    program.wait()


def line_of(program: subprocess.Popen[str]) -> str:
    """The next line that a program prints."""
    line = out_of(program).readline()
    assert line, program.stderr.read() if program.stderr else ""
    return line.strip()


def out_of(program: subprocess.Popen[str]) -> IO[str]:
    """What a program prints."""
    assert program.stdout is not None
    return program.stdout


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """A home whose engine leaves soon after its last user."""
    (tmp_path / "home").mkdir()
    started = Programs(EnginePlace(tmp_path / "home", stand_in_python(tmp_path, seconds_to_linger=0.3)))
    yield started
    started.end()


def gone(process: int) -> bool:
    """Tell whether an engine, perhaps a child of this process, has ended."""
    link.reap()
    return not is_alive(process)


def job_of(place: EnginePlace, job: str) -> Job:
    """A job as it stands."""
    client = run_to_end(connecting(place), pause=0.01)
    try:
        return client.job(job)
    finally:
        client.close()


@pytest.mark.slow
def test_two_that_ask_at_once_share_one_engine_which_lives_as_long_as_either(programs):
    first, second = programs.start(), programs.start()
    engine = int(line_of(first))
    assert int(line_of(second)) == engine
    kill(first)
    assert second.stdin is not None
    second.stdin.write("/short\n")
    second.stdin.flush()
    assert line_of(second)
    assert is_alive(engine)
    kill(second)
    wait_until(lambda: not is_alive(engine))
    assert Announcement.read(programs.place.home) is None


@pytest.mark.slow
def test_a_job_outlives_who_asked_for_it_and_is_found_and_cancelled_by_another(programs):
    first = programs.start()
    engine = int(line_of(first))
    assert first.stdin is not None
    first.stdin.write("/long\n")
    first.stdin.flush()
    job = line_of(first)
    kill(first)
    lines = programs.place.home / "jobs" / job / "progress.jsonl"
    wait_until(lambda: lines.exists() and len(lines.read_text().splitlines()) > 30)  # longer than an engine lingers
    client = run_to_end(connecting(programs.place), pause=0.01)
    assert client.status().process == engine
    assert [(each.id, each.state) for each in client.jobs()] == [(job, JobState.RUNNING)]
    client.cancel(job)
    client.close()
    wait_until(lambda: job_of(programs.place, job).state is JobState.CANCELLED)
    presence.leave_all()
    wait_until(lambda: not is_alive(engine))


@pytest.mark.slow
def test_a_build_is_followed_over_the_end_of_its_engine(programs):
    told: list[Job] = []
    task = follow(programs.place, Build(dataset="/long", avatar="a"), told.append)
    while not told or next(task).text.startswith(("Waiting", "Starting")):
        next(task)
    first = Announcement.read(programs.place.home)
    assert first is not None
    os.kill(first.process, signal.SIGKILL)
    wait_until(lambda: next(task) and (said := Announcement.read(programs.place.home)) and said != first)
    while not next(task).text.startswith("Training"):
        pass
    client = run_to_end(connecting(programs.place), pause=0.01)
    client.cancel(told[0].id)
    client.close()
    task.close()
    wait_until(lambda: job_of(programs.place, told[0].id).state is JobState.CANCELLED)


@pytest.mark.slow
def test_a_job_that_others_asked_for_can_be_attended(programs):
    client = run_to_end(connecting(programs.place), pause=0.01)
    job = client.submit(Track(source="/short", dataset="d"))
    client.close()
    assert run_to_end(attend(programs.place, job), pause=0.01).result["frames"] == 5


@pytest.mark.slow
def test_who_waits_for_the_engine_that_another_starts_is_not_held_up_by_its_end(programs):
    lock = taken(programs.place.home / link.STARTING_LOCK)
    assert lock is not None
    waiting = programs.start()
    steps = connecting(programs.place)
    for _ in range(20):
        assert next(steps).text.startswith("Starting")
    assert Announcement.read(programs.place.home) is None, "two start an engine at once"
    steps.close()
    lock.let_go()
    assert int(line_of(waiting))


@pytest.mark.slow
def test_an_engine_that_is_announced_just_before_another_would_be_started_is_taken(programs):
    first = run_to_end(connecting(programs.place), pause=0.01)
    taken_instead = run_to_end(as_bars(link.start(programs.place)), pause=0.01)
    assert taken_instead.status().process == first.status().process
    first.close()
    taken_instead.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped there")
def test_an_engine_that_hangs_hangs_nobody_and_is_restarted(programs, monkeypatch):
    monkeypatch.setattr(pulse, "PATIENCE", 0.3)
    monkeypatch.setattr(pulse, "SECONDS_BETWEEN_QUESTIONS", 0.1)
    monkeypatch.setattr(link, "PATIENCE", 0.3)
    monkeypatch.setattr(link, "SECONDS_TO_STOP", 0.3)
    client = run_to_end(connecting(programs.place), pause=0.01)
    process = client.status().process
    frame_service._kept[programs.place] = client
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(EngineUnreachable, match="Restart Engine"):
        frame_service.avatar_pictures(programs.place, "a", NOTHING, USUAL_LOOK)
    feed: PictureFeed[str] = PictureFeed(programs.place)
    feed.want(Wish((Wanted("a", NOTHING, USUAL_LOOK),), "now"))
    longest = 0.0
    while "Restart Engine" not in feed.text:
        began = time.monotonic()
        feed.step()
        longest = max(longest, time.monotonic() - began)
    assert longest < 2.0, "a step of the window waited"
    feed.close()
    run_to_end(restarting(programs.place), pause=0.01)
    client = run_to_end(connecting(programs.place), pause=0.01)
    assert client.status().process != process
    client.close()
    wait_until(lambda: gone(process))


@pytest.mark.slow
def test_setting_up_ends_an_idle_engine_and_waits_for_no_busy_one(programs):
    client = run_to_end(connecting(programs.place), pause=0.01)
    process = client.status().process
    job = client.submit(Track(source="/long", dataset="d"))
    with pytest.raises(UserError, match="running jobs"):
        run_to_end_of(link.end_unless_busy(programs.place))
    client.cancel(job.id)
    wait_until(lambda: client.job(job.id).state is JobState.CANCELLED)
    client.close()
    run_to_end_of(link.end_unless_busy(programs.place))
    wait_until(lambda: gone(process))
    run_to_end_of(link.end_unless_busy(programs.place))


def run_to_end_of(steps: Iterator[str]) -> None:
    for _ in steps:
        time.sleep(0.01)
