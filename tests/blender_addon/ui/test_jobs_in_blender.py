# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs in Blender: those that others asked for are seen, cancelled, done again, read and used."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from semblance.blender_addon.engine import link, presence
from semblance.blender_addon.engine.job_list import JobList, standing_of, title_of
from semblance.blender_addon.engine.jobs import connecting, run_to_end
from semblance.blender_addon.engine.process import EnginePlace
from semblance.protocol.jobs import Build, JobKind, Track
from semblance.protocol.messages import Announcement, Job, JobState
from semblance.tests.makers.engines import stand_in_python, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = """
import bpy, time
from pathlib import Path
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon.ui import activity, job_panel, job_requests, job_watch, long_task
from semblance.common.errors import UserError
from semblance.protocol.messages import JobState


def look_until(true):
    deadline = time.monotonic() + 300
    while not true():
        assert time.monotonic() < deadline, job_watch.known.jobs
        assert job_watch.look() > 0
        time.sleep(0.01)


def known(id):
    return next((job for job in job_watch.known.jobs if job.id == id), None)


def refused(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("it was not refused")
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[EnginePlace]:
    """A home whose engine does stand-in tasks."""
    given = EnginePlace(tmp_path / "home", stand_in_python(tmp_path, seconds_to_linger=0.3))
    yield given
    presence.leave_all()
    if said := Announcement.read(given.home):
        with suppress(OSError):
            os.kill(said.process, signal.SIGTERM)
    wait_until(lambda: not link.is_served(given))
    link.reap()


def environment(place: EnginePlace) -> dict[str, str]:
    return {"SEMBLANCE_HOME": str(place.home), "SEMBLANCE_ENGINE_PYTHON": str(place.python)}


@pytest.mark.slow
def test_the_jobs_of_another_blender_are_seen_and_looked_after(run_blender, place):
    client = run_to_end(connecting(place), pause=0.01)
    long = client.submit(Track(source="/long", dataset="long"))
    waiting = client.submit(Track(source="/fault", dataset="fault"))
    script = """
long, waiting = sys.argv[1:3]
look_until(lambda: known(long) and known(long).state is JobState.RUNNING)
assert known(waiting).state is JobState.QUEUED
assert set(job_watch.datasets_to_come()) == {"long", "fault"}
assert job_requests.free_dataset("long") == "long_2"
assert "is not done" in refused(lambda: bpy.ops.semblance.add_result(job=long))
assert bpy.ops.semblance.cancel_job(job=long) == {"FINISHED"}
look_until(lambda: known(long).state is JobState.CANCELLED)
look_until(lambda: known(waiting).state is JobState.FAILED)
assert activity.message().problem and "Track fault failed" in activity.message().text
assert bpy.ops.semblance.show_job_log(job=waiting) == {"FINISHED"}
assert "ZeroDivisionError" in bpy.data.texts[f"Log of job {waiting}"].as_string()
assert "Semblance made a mistake" in refused(lambda: bpy.ops.semblance.retry_job(job=waiting))
look_until(lambda: len(job_watch.known.jobs) == 3)
assert [job.state for job in job_watch.known.jobs].count(JobState.FAILED) == 2
assert "no job" in refused(lambda: bpy.ops.semblance.add_result(job="absent"))
semblance.unregister()
"""
    run_blender(START + script, long.id, waiting.id, environment=environment(place))
    client.close()


@pytest.mark.slow
def test_a_build_of_a_blender_that_is_gone_reaches_the_head(run_blender, place):
    client = run_to_end(connecting(place), pause=0.01)
    held = client.submit(Track(source="/long", dataset="d"))
    build = client.submit(Build(dataset="/short", avatar="me_preview"))
    script = """
held, build = sys.argv[1:3]
head = bpy.data.objects.new("Me", bpy.data.meshes.new("Me"))
head.semblance.is_head, head.semblance.dataset = True, "/short"
look_until(lambda: known(build))
assert bpy.ops.semblance.cancel_job(job=held) == {"FINISHED"}
look_until(lambda: known(build).state is JobState.DONE)
assert head.semblance.avatar == "me_preview" and "Me is built" in activity.message().text
head.semblance.avatar = ""
assert bpy.ops.semblance.add_result(job=build) == {"FINISHED"}
assert head.semblance.avatar == "me_preview"
process = job_watch.known
assert bpy.ops.semblance.restart_engine() == {"FINISHED"}
look_until(lambda: not job_watch.known.text and known(build))
"""
    run_blender(START + script, held.id, build.id, environment=environment(place))
    client.close()


def test_a_list_without_an_engine_starts_none(tmp_path):
    known = JobList(lambda: EnginePlace(tmp_path))
    for _ in range(5):
        assert known.step() == []
    assert (known.jobs, known.text) == ((), "")
    assert list(tmp_path.iterdir()) == []


def test_what_rows_say():
    job = Job("1", JobKind.TRACK, JobState.DONE, {"source": "/a/clip.mp4", "dataset": "/b/c"})
    assert (title_of(job), standing_of(job)) == ("Track clip.mp4", "Done")
    build = Job("2", JobKind.BUILD, JobState.RUNNING, {"dataset": "/b/c", "avatar": "/b/me.safetensors"}, "Training")
    assert (title_of(build), standing_of(build)) == ("Build me", "Training 0%")


def test_add_avatar_does_not_wait_for_the_engine_to_start(run_blender, place):
    script = """
from types import SimpleNamespace
from semblance.blender_addon.ui import scene_operators
asked = scene_operators.SEMBLANCE_OT_add_avatar.invoke(SimpleNamespace(listed=False, bl_label="Add Avatar"), None, None)
assert asked == {"FINISHED"}
assert not (Path(sys.argv[1]) / "engine.json").exists(), "it waited for an engine"
asking, = activity.running()
assert asking.title == "Add Avatar"
while not asking.bar.text.startswith("Starting the engine"):
    activity.step()
activity.cancel()
"""
    run_blender(START + script, place.home, environment=environment(place))


@pytest.mark.slow
def test_several_jobs_may_be_asked_for_and_wait_for_their_turn(run_blender, place):
    script = """
from semblance.protocol.jobs import Track
for source in ("/long", "/short"):
    request = Track(source=source, dataset=job_requests.free_dataset("clip"))
    task = long_task.followed(request)
    activity.begin("New Avatar", task, lambda job: job.result["dataset"], requests=(request,))
first, second = activity.running()
while second.bar.text != "Waiting for its turn" or not first.job:
    assert activity.step() is not None
activity.cancel(first.number)
while activity.step() is not None:
    time.sleep(0.01)
assert Path(activity.message().text).name == "clip_2" and not activity.message().problem
"""
    run_blender(START + script, environment=environment(place))


def test_the_list_is_drawn(run_blender, place):
    """Every job says what it is and how it stands, and has the buttons that make sense for it."""
    script = """
from types import SimpleNamespace
from semblance.protocol.jobs import JobKind
from semblance.protocol.messages import Job


class Drawn:
    def __init__(self):
        self.said = []

    def row(self, **_):
        return self

    column = box = row

    def label(self, text="", **_):
        self.said.append(text)

    def progress(self, text, factor):
        self.said.append(f"{text} ({factor:.1f})")

    def operator(self, name, **_):
        self.said.append(name.rpartition(".")[2])
        return SimpleNamespace()


def drawn(*jobs, text=""):
    job_watch.known.jobs, job_watch.known.text = jobs, text
    layout = Drawn()
    job_panel.SEMBLANCE_PT_jobs.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout.said


asked = {"source": "/a/clip.mp4", "dataset": "clip"}
running = Job("1", JobKind.TRACK, JobState.RUNNING, asked, stage="Tracking", fraction=0.5)
assert drawn(running) == ["Track clip.mp4", "show_job_log", "cancel_job", "Tracking 50% (0.5)"]
waiting = Job("2", JobKind.BUILD, JobState.QUEUED, {"dataset": "clip", "avatar": "me"})
assert drawn(waiting) == ["Build me", "move_job", "move_job", "show_job_log", "cancel_job", "Waiting for its turn"]
behind = Job("5", JobKind.BUILD, JobState.QUEUED, {"dataset": "clip", "avatar": "me"}, turn=2.0)
assert " ".join(drawn(behind, waiting)).count("Waiting for its turn, behind 1 more") == 1
done = Job("3", JobKind.TRACK, JobState.DONE, asked)
assert drawn(done) == ["Track clip.mp4", "add_result", "retry_job", "show_job_log", "Done", "clear_jobs"]
failed = Job("4", JobKind.ORBIT, JobState.FAILED, {"avatar": "me", "out": "/o.mp4"}, error="The disk is full.")
assert drawn(failed) == ["Orbit me", "retry_job", "show_job_log", "The disk is full.", "clear_jobs"]
assert drawn() == ["No jobs yet"]
assert drawn(text="The engine hangs.")[-2:] == ["restart_engine", "No jobs yet"]
many = drawn(*[done] * 20, waiting)
assert many[0] == "Build me" and many.count("Done") == 7
"""
    run_blender(START + script, environment=environment(place))
