# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in a running engine: progress, cancel, crashes; the engine outlives them all."""

from __future__ import annotations

import json
import os
import signal

import pytest
from semblance.common.home import Home
from semblance.engine.jobs import scheduler as scheduler_module
from semblance.engine.jobs.scheduler import MOST_ATTEMPTS, Scheduler, sentence_about_death
from semblance.engine.jobs.store import JobStore
from semblance.protocol.jobs import JOBS, JobKind
from semblance.protocol.messages import Job, JobState


def events(engine, job, **headers) -> list[tuple[int, Job]]:
    found, number = [], -1
    with engine.client.stream("GET", f"/v1/jobs/{job.id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data:"):
                body = json.loads(line.removeprefix("data:"))
            elif line.startswith("id:"):
                number = int(line.removeprefix("id:"))
            elif not line and number >= 0:
                found.append((number, Job.from_json(body)))
    return found


def running(job: Job) -> bool:
    return job.state is JobState.RUNNING and job.fraction > 0


def test_a_job_tells_its_progress_and_leaves_its_result(engine):
    job = engine.submit("short")
    told = events(engine, job)
    fractions = [each.fraction for _, each in told]
    assert fractions == sorted(fractions)
    assert len({number for number, _ in told}) == len(told)
    last = told[-1][1]
    assert (last.state, last.fraction, last.stage) == (JobState.DONE, 1.0, "Working")
    assert last.result == {"dataset": str(engine.home.dataset("out")), "frames": 5, "home": str(engine.home.folder)}
    picture = engine.client.get(f"/v1/jobs/{job.id}/preview")
    assert (picture.headers["content-type"], picture.content) == ("image/png", b"\x89PNG picture")


def test_events_bear_any_last_event_id(engine):
    job = engine.wait(engine.submit("short"))
    for seen in ("", "nonsense", "999999", "-3", "¹"):
        told = events(engine, job, **{"Last-Event-ID": seen.encode()})
        assert told[-1][1].state is JobState.DONE


def test_cancel_is_polite(engine):
    job = engine.wait(engine.submit("long"), running)
    assert engine.client.post(f"/v1/jobs/{job.id}/cancel").json()["state"] == "cancelling"
    ended = engine.wait(job)
    assert ended.state is JobState.CANCELLED
    assert ended.fraction < 1, "it stopped in the middle"
    assert (engine.home.job(job.id) / "cleaned").exists()


def test_cancel_ends_a_task_that_does_not_listen(engine, monkeypatch):
    monkeypatch.setattr(scheduler_module, "SECONDS_TO_HEAR", 0.2)
    job = engine.wait(engine.submit("deaf"), lambda job: job.state is JobState.RUNNING)
    engine.client.post(f"/v1/jobs/{job.id}/cancel")
    assert engine.wait(job).state is JobState.CANCELLED


def test_one_job_at_a_time_and_a_queued_one_is_cancelled_at_once(engine):
    first = engine.wait(engine.submit("long"), running)
    second, third = engine.submit("short"), engine.submit("short")
    assert engine.job(second).state is JobState.QUEUED
    assert engine.client.post(f"/v1/jobs/{second.id}/cancel").json()["state"] == "cancelled"
    engine.client.post(f"/v1/jobs/{first.id}/cancel")
    assert engine.wait(third).state is JobState.DONE
    assert engine.job(second).state is JobState.CANCELLED


def test_jobs_that_wait_change_places(engine):
    first = engine.wait(engine.submit("long"), running)
    waiting = [engine.submit("short") for _ in range(3)]
    assert engine.client.post(f"/v1/jobs/{waiting[2].id}/sooner").json()["state"] == "queued"
    engine.client.post(f"/v1/jobs/{waiting[0].id}/later")
    engine.client.post(f"/v1/jobs/{waiting[0].id}/later")
    engine.client.post(f"/v1/jobs/{waiting[0].id}/later")  # it is the last already
    order = [record.job.id for record in engine.scheduler.store.in_state(JobState.QUEUED)]
    assert order == [waiting[2].id, waiting[1].id, waiting[0].id]
    turns = {job.id: engine.job(job).turn for job in waiting}
    assert sorted(turns, key=turns.__getitem__) == order, "a client can tell the order, too"
    refused = engine.client.post(f"/v1/jobs/{first.id}/sooner")
    assert (refused.status_code, "is not waiting" in refused.json()["detail"]) == (422, True)
    engine.client.post(f"/v1/jobs/{first.id}/cancel")
    assert all(engine.wait(job).state is JobState.DONE for job in waiting)


def test_a_build_that_is_good_enough_ends_with_what_it_has(engine):
    track = engine.wait(engine.submit("long"), running)
    build = engine.submit("long", "build")
    for job, words in ((track, "has no use before its end"), (build, "is not running")):
        refused = engine.client.post(f"/v1/jobs/{job.id}/finish")
        assert (refused.status_code, words in refused.json()["detail"]) == (422, True)
    engine.client.post(f"/v1/jobs/{track.id}/cancel")
    engine.wait(build, running)
    told = engine.client.post(f"/v1/jobs/{build.id}/finish").json()
    assert (told["state"], told["finishing"]) == ("running", True)
    ended = engine.wait(build)
    assert (ended.state, ended.result["avatar_id"]) == (JobState.DONE, "a")


def test_a_build_that_was_to_finish_is_told_so_again_by_the_next_engine(engine):
    record = engine.scheduler.store.add(JobKind.BUILD, {"dataset": "/long", "avatar": "/a"})
    engine.scheduler.store.update(record.job.id, finishing=True)
    engine.wait(engine.submit("short"))  # the queue goes on
    assert engine.wait(record.job).state is JobState.DONE


def test_the_curve_of_a_build(engine):
    build = engine.wait(engine.submit("short", "build"))
    curve = engine.client.get(f"/v1/jobs/{build.id}/curve", params={"most": 10}).json()
    assert (len(curve["steps"]), curve["steps"][-1], curve["watched"]) == (10, 1000, "l1")
    assert curve["losses"]["l1"][-1] < curve["losses"]["l1"][0] / 40
    assert engine.client.get(f"/v1/jobs/{engine.wait(engine.submit('no_face')).id}/curve").json()["steps"] == []


def test_a_job_that_has_ended_can_be_taken_off_the_list(engine):
    job = engine.wait(engine.submit("long"), running)
    refused = engine.client.delete(f"/v1/jobs/{job.id}")
    assert (refused.status_code, "has not ended yet" in refused.json()["detail"]) == (422, True)
    engine.client.post(f"/v1/jobs/{job.id}/cancel")
    engine.wait(job)
    assert engine.client.delete(f"/v1/jobs/{job.id}").json()["id"] == job.id
    assert job.id not in [each["id"] for each in engine.client.get("/v1/jobs").json()]
    assert not engine.home.job(job.id).exists()
    assert engine.client.delete(f"/v1/jobs/{job.id}").status_code == 404


def test_cancelling_an_ended_job_changes_nothing(engine):
    job = engine.wait(engine.submit("short"))
    assert Job.from_json(engine.client.post(f"/v1/jobs/{job.id}/cancel").json()) == job


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("no_face", "There is no face in no_face; choose other footage."),
        ("crash", "The track job's process ended by itself (exit code 3); start it again"),
        ("fault", "Semblance made a mistake (ZeroDivisionError); please report it with"),
    ],
)
def test_a_job_that_fails_says_why_in_a_sentence(engine, source, sentence):
    job = engine.wait(engine.submit(source))
    assert job.state is JobState.FAILED
    assert job.error.startswith(sentence)
    assert engine.wait(engine.submit("short")).state is JobState.DONE


def test_a_killed_worker_fails_its_job_and_not_the_engine(engine):
    job = engine.wait(engine.submit("long"), running)
    os.kill(engine.scheduler.store.get(job.id).worker, signal.SIGKILL)
    ended = engine.wait(job)
    assert ended.state is JobState.FAILED
    assert "was killed by the system" in ended.error
    assert engine.client.get("/v1/jobs").status_code == 200


def test_jobs_come_newest_first(engine):
    asked_at = [job["created"] for job in engine.client.get("/v1/jobs").json()]
    assert len(asked_at) > 5
    assert asked_at == sorted(asked_at, reverse=True)


def test_jobs_outlive_the_engine(tmp_path):
    store = JobStore(tmp_path / "jobs.sqlite")
    record = store.add(JobKind.BUILD, {"dataset": "d"})
    store.update(record.job.id, state=JobState.RUNNING, worker=17, attempts=1)
    store.close()
    again = JobStore(tmp_path / "jobs.sqlite").get(record.job.id)
    assert (again.job.state, again.worker, again.attempts) == (JobState.RUNNING, 17, 1)
    assert again.revision > record.revision


@pytest.mark.parametrize("kind", JobKind)
@pytest.mark.parametrize("resumable", [True, False])
def test_a_job_says_itself_whether_it_goes_on_after_its_engine_was_killed(tmp_path, monkeypatch, kind, resumable):
    monkeypatch.setattr(JOBS[kind], "resumable", resumable)
    home = Home(tmp_path)
    home.prepare()
    scheduler = Scheduler(home, at_once=0)
    fresh, worn = (scheduler.store.add(kind, {}).job.id for _ in range(2))
    scheduler.store.update(fresh, state=JobState.RUNNING, attempts=1)
    scheduler.store.update(worn, state=JobState.RUNNING, attempts=MOST_ATTEMPTS)
    scheduler.start()
    assert scheduler.store.get(fresh).job.state is (JobState.QUEUED if resumable else JobState.FAILED)
    assert scheduler.store.get(worn).job.error == "The engine was killed while this job ran; start it again."
    said = "it continues where it stopped" if resumable else "it starts over"
    assert said in sentence_about_death(kind, 1, tmp_path)
    scheduler.store.close()


def test_only_builds_go_on_and_end_early():
    assert [kind for kind, job in JOBS.items() if job.resumable] == [JobKind.BUILD]
    assert [kind for kind, job in JOBS.items() if job.may_end] == [JobKind.BUILD]
