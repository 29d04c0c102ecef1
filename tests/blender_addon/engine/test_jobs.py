# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs followed from Blender's side: against a small engine that speaks the protocol, and against the real one."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import pytest
from semblance.blender_addon.engine import jobs, link
from semblance.blender_addon.engine.jobs import Bar, bar_of, follow, free_name, new_avatar_job, run_to_end
from semblance.blender_addon.engine.process import EnginePlace
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
from semblance.engine.jobs.requests import checked
from semblance.protocol.address import Address
from semblance.protocol.choices import MATTINGS
from semblance.protocol.client import Client, EngineRefused, EngineUnreachable, WrongToken
from semblance.protocol.jobs import JobKind, Photo, Track
from semblance.protocol.messages import VERSION, Announcement, Job, JobState, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "secret"
A_TRACK = Track(source="x", dataset="d")
STATUS = Status("0.1.0", VERSION, "cpu", "a processor", "2", [], "/home", 1, 0, 0)


class SmallEngine(http.server.BaseHTTPRequestHandler):
    """Speaks the protocol for one job, which takes a step whenever it is asked about."""

    protocol_version = "HTTP/1.1"
    script: ClassVar[list[Job]] = []
    status: ClassVar[Status | None] = STATUS
    asked: ClassVar[list[str]] = []
    may_answer: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, {"detail": "The token is wrong."})
        if self.path == "/v1/status":
            if self.status is None:
                self.may_answer.wait(60)
            return self.answer(200, vars(self.status or STATUS))
        if self.path.endswith("/preview"):
            return self.send(200, b"picture", "image/png")
        if self.path.startswith("/v1/jobs/"):
            if not self.may_answer.wait(60):
                self.asked.append("nobody let it answer")
            job = self.script[0] if len(self.script) == 1 else self.script.pop(0)
            return self.answer(200, job.to_json())
        return self.answer(404, {"detail": "There is no such thing."})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        self.asked.append(self.path)
        if self.path == "/v1/jobs" and body["parameters"].get("source") == "refused":
            return self.answer(422, {"detail": "The source is not right; correct it."})
        if self.path.endswith("/cancel"):
            self.script[:] = [a_job(JobState.CANCELLING), a_job(JobState.CANCELLED)]
            return self.answer(200, self.script[0].to_json())
        return self.answer(201, a_job(JobState.QUEUED).to_json())

    def answer(self, code: int, values: dict) -> None:
        self.send(code, json.dumps(values).encode(), "application/json")

    def send(self, code: int, data: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        with suppress(OSError):  # who asked has gone
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def a_job(state: JobState, **given: object) -> Job:
    return Job("job1", JobKind.TRACK, state, **given)  # type: ignore[arg-type]


@pytest.fixture
def engine() -> Iterator[tuple[type[SmallEngine], int]]:
    class Engine(SmallEngine):
        script: ClassVar[list[Job]] = []
        asked: ClassVar[list[str]] = []
        may_answer: ClassVar[threading.Event] = threading.Event()

    Engine.may_answer.set()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Engine, server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def place(engine: tuple[type[SmallEngine], int], tmp_path: Path) -> EnginePlace:
    (tmp_path / "engine.json").write_text(Announcement(engine[1], TOKEN, os.getpid()).to_text())
    return EnginePlace(tmp_path)


def test_a_job_is_followed_to_its_end(engine, place):
    engine[0].script = [
        a_job(JobState.RUNNING, stage="Tracking", fraction=0.5, seconds_left=90.0),
        a_job(JobState.DONE, result={"dataset": "/d"}),
    ]
    bars: list[Bar] = []
    job = run_to_end(follow(place, A_TRACK), bars.append, pause=0.01)
    assert job.result == {"dataset": "/d"}
    assert Bar("Waiting for its turn") in bars
    assert Bar("Tracking 50%, 2 min left", 0.5) in bars


def test_a_step_never_waits_for_the_engine(engine, place):
    engine[0].script = [a_job(JobState.RUNNING, stage="Training", fraction=0.1)] * 3 + [a_job(JobState.DONE)]
    engine[0].may_answer.clear()
    task = follow(place, A_TRACK)
    while "/v1/jobs/job1" not in engine[0].asked:
        next(task)
    for _ in range(20):
        next(task)
    assert "nobody let it answer" not in engine[0].asked, "the steps waited"
    engine[0].may_answer.set()
    assert run_to_end(task, pause=0.01).state is JobState.DONE


def test_a_failed_job_says_its_sentence(engine, place):
    engine[0].script = [a_job(JobState.FAILED, error="There is no face in the video; choose another.")]
    with pytest.raises(UserError, match="no face in the video"):
        run_to_end(follow(place, A_TRACK), pause=0.01)


def test_a_cancelled_job_ends_as_cancelled(engine, place):
    engine[0].script = [a_job(JobState.RUNNING)]

    def cancel(job: Job) -> None:
        client = Client(Address("127.0.0.1", engine[1], TOKEN))
        client.cancel(job.id)
        client.close()

    with pytest.raises(Cancelled):
        run_to_end(follow(place, A_TRACK, cancel), pause=0.01)


def test_a_refusal_is_told_in_the_engine_s_words(place):
    with pytest.raises(EngineRefused, match="The source is not right"):
        run_to_end(follow(place, Track(source="refused", dataset="d")), pause=0.01)


def test_a_remote_engine_s_wrong_token(engine):
    client = Client(Address.of_url(f"http://127.0.0.1:{engine[1]}", "other"))
    with pytest.raises(WrongToken, match="token"):
        client.status()


def test_an_engine_of_another_version_is_refused(engine):
    import dataclasses

    engine[0].status = dataclasses.replace(STATUS, protocol=VERSION + 1)
    with pytest.raises(EngineRefused, match="update"):
        Client(Address("127.0.0.1", engine[1], TOKEN)).status()


def test_an_engine_that_died_meanwhile_and_cannot_be_started(engine, place, tmp_path):
    task = follow(place, A_TRACK)
    engine[0].script = [a_job(JobState.RUNNING)]
    for bar in task:
        if bar.text.startswith(("Waiting", "Starting")):
            break

    def die(handler: SmallEngine) -> None:
        handler.close_connection = True

    engine[0].do_GET = die
    with pytest.raises(UserError, match="Set Up Engine"):
        run_to_end(task, pause=0.01)


def test_a_connection_that_broke_is_made_again(engine, place):
    engine[0].script = [a_job(JobState.RUNNING)] * 3 + [a_job(JobState.DONE)]
    answer, broken = engine[0].do_GET, []

    def break_once(handler: SmallEngine) -> None:
        if handler.path == "/v1/jobs/job1" and not broken:
            broken.append(handler.path)
            handler.close_connection = True
        else:
            answer(handler)

    engine[0].do_GET = break_once
    assert run_to_end(follow(place, A_TRACK), pause=0.01).state is JobState.DONE
    assert broken


def test_an_engine_that_says_nothing_is_not_waited_for_long(engine, place, monkeypatch):
    monkeypatch.setattr(jobs, "PATIENCE", 0.2)
    monkeypatch.setattr(link, "PATIENCE", 0.2)
    engine[0].script = [a_job(JobState.RUNNING)]
    task = follow(place, A_TRACK)
    while "/v1/jobs/job1" not in engine[0].asked:
        next(task)
    engine[0].status = None
    engine[0].may_answer.clear()
    with pytest.raises(EngineUnreachable, match="Restart Engine"):
        run_to_end(task, pause=0.01)
    engine[0].may_answer.set()


def test_nothing_listens():
    with pytest.raises(EngineUnreachable, match="does not answer"):
        Client(Address("127.0.0.1", 9, TOKEN)).status()


@pytest.mark.parametrize("url", ["", "?", "ftp://x", "http://", "engine:80", "http://x:port"])
def test_an_address_that_is_none(url):
    with pytest.raises(UserError, match="no address"):
        Address.of_url(url, "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, ""), (1, ", 1 s left"), (61, ", 1 min left"), (3540, ", 59 min left"), (4830, ", 1 h 20 min left")],
)
def test_a_bar_says_the_time_left(seconds, text):
    assert bar_of(a_job(JobState.RUNNING, seconds_left=seconds)).text == "Starting 0%" + text


def test_bars_say_what_is_known():
    assert bar_of(a_job(JobState.RUNNING)).text == "Starting 0%"
    assert bar_of(a_job(JobState.RUNNING, stage="Training", fraction=0.375)).text == "Training 38%"
    assert bar_of(a_job(JobState.CANCELLING)).text == "Cancelling"


def test_names_are_safe_and_free():
    assert free_name("Kitchen Talk (1)", []) == "kitchen_talk_1"
    assert free_name("a", ["a", "a_2"]) == "a_3"
    assert free_name("演员", []) == "avatar"


def test_what_files_become(tmp_path):
    video, photo, text = tmp_path / "v.MP4", tmp_path / "p.jpeg", tmp_path / "t.txt"
    for path in (video, photo, text):
        path.touch()
    chosen = {"matting": "rvm", "head_only": True, "preset": "final"}
    given = {"head": "builtin", "size": 256}
    assert new_avatar_job(video, {}, dataset="v", **given) == Track(source=str(video), dataset="v", **given)
    assert new_avatar_job(photo, chosen, dataset="p", head="flame", head_path="/f.pkl") == Photo(
        photo=str(photo), dataset="p", head="flame", head_path="/f.pkl", matting="rvm", head_only=True
    )
    with pytest.raises(UserError, match="neither a video nor a picture"):
        new_avatar_job(text, {}, dataset="t")
    with pytest.raises(UserError, match="no file at"):
        new_avatar_job(tmp_path / "x.mp4", {}, dataset="x")


@pytest.mark.parametrize("name", ["v.mp4", "p.jpeg"])
@pytest.mark.parametrize("matting", MATTINGS)
def test_the_engine_takes_how_the_person_is_cut_out(tmp_path, name, matting):
    (tmp_path / name).touch()
    asked = new_avatar_job(tmp_path / name, {"matting": matting, "head_only": True}, dataset="d")
    assert (asked.matting, asked.head_only) == (matting, True)
    assert checked(asked.kind, asked.given()) == asked


@pytest.mark.slow
def test_the_real_engine_starts_answers_and_leaves(engine_python, tmp_path):
    """A dead engine's state file is no hindrance; a bad job fails with the engine's sentence."""
    (tmp_path / "engine.json").write_text(Announcement(9, "old", 1).to_text())
    (tmp_path / "empty.mp4").touch()
    script = f"""
import sys
from pathlib import Path
from semblance.blender_addon.engine.process import EnginePlace
from semblance.blender_addon.engine.jobs import connecting, follow, new_avatar_job, run_to_end
from semblance.common.errors import UserError
home = Path({str(tmp_path)!r})
place = EnginePlace(home, Path({str(engine_python)!r}))
client = run_to_end(connecting(place))
print("device", client.status().device, client.avatars())
try:
    run_to_end(follow(place, new_avatar_job(home / "empty.mp4", {{}}, dataset="empty", size=256)))
except UserError as error:
    print("refused:", error)
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert "device" in finished.stdout, finished.stderr
    assert "refused:" in finished.stdout, finished.stderr
    assert not (tmp_path / "datasets" / "empty" / "dataset.json").exists()
