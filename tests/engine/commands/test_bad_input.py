# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input on the command line: one sentence, exit code 2, and nothing left that looks whole."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semblance.common.progress import Cancelled, Progress
from semblance.engine.commands.cli import main
from semblance.engine.jobs import tasks
from semblance.protocol.jobs import JobKind
from semblance.protocol.messages import STATE_FILE, Announcement
from semblance.tests.makers.footage import plain, write_sound, write_video
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.dataset import Dataset


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Every test has a home of its own, and stands in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def refused(capsys, *arguments: object, code: int = 2) -> str:
    """Run the command line in this process; return the one sentence with which it ends."""
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    printed = capsys.readouterr()
    assert left.value.code == code, printed.err
    lines = [line for line in printed.err.splitlines() if line.strip()]
    assert "Traceback" not in printed.err
    assert lines[-1].endswith(".")
    assert printed.out == ""
    return lines[-1]


def announce(home: Path, announcement: Announcement) -> None:
    home.mkdir()
    (home / STATE_FILE).write_text(announcement.to_text())


def left_over(folder: Path) -> list[Path]:
    """Files below a folder, the log aside."""
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]


def audio_only(path: Path) -> Path:
    return write_sound(path, np.zeros(16000, np.float32), rate=16000)


def faceless(path: Path) -> Path:
    return write_video(path, [plain(128, 120, 160)] * 8)


def empty(path: Path) -> Path:
    path.touch()
    return path


def nonsense(path: Path) -> Path:
    path.write_bytes(b"this is no film " * 100)
    return path


def cut_in_half(path: Path) -> Path:
    data = faceless(path).read_bytes()
    path.write_bytes(data[: len(data) // 3])
    return path


@pytest.mark.parametrize("make", [lambda path: path, empty, nonsense, cut_in_half, audio_only, faceless, Path.mkdir])
@pytest.mark.parametrize("command", ["track", "reenact"])
def test_footage_that_cannot_be_tracked(capsys, home, tmp_path, command, make, avatar):
    source = tmp_path / "film.mp4"
    make(source)
    arguments = ["track", source] if command == "track" else ["reenact", avatar, source, "--out", "out.mp4"]
    assert "film.mp4" in refused(capsys, *arguments)
    assert left_over(home) == []
    assert left_over(Path.cwd()) == []


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    """A small avatar of the built-in head, as training would write it, untrained."""
    from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
    from semblance.neural.styleavatar.training.presets import preset_named
    from semblance.tests.makers.avatars import avatar_of
    from semblance.tracking.heads.camera import PinholeCamera
    from semblance.tracking.heads.registry import open_head

    person = at_rest(1, open_head("builtin"), camera=PinholeCamera.default(256))
    path = tmp_path_factory.mktemp("avatar") / "avatar.safetensors"
    avatar_of(PortraitNetwork(preset_named("preview").network), person=person).save(path)
    return path


def test_an_avatar_cut_in_half(capsys, tmp_path, avatar):
    cut = tmp_path / "cut.safetensors"
    data = avatar.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    driver = faceless(tmp_path / "film.mp4")
    assert "cut.safetensors is damaged" in refused(capsys, "reenact", cut, driver, "--out", "out.mp4")
    assert "cut.safetensors is damaged" in refused(capsys, "evaluate", cut, tmp_path)
    assert left_over(Path.cwd()) == []


def test_an_avatar_that_is_not_there(capsys, tmp_path):
    assert "no avatar file" in refused(capsys, "reenact", "nobody", faceless(tmp_path / "film.mp4"))


def test_a_photo_that_cannot_be_used(capsys, home, tmp_path):
    for make in (lambda path: path, empty, nonsense):
        make(tmp_path / "photo.jpg")
        assert "photo.jpg" in refused(capsys, "photo", tmp_path / "photo.jpg")
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "grey.jpg")
    assert "grey.jpg" in refused(capsys, "photo", tmp_path / "grey.jpg")
    assert left_over(home) == []


def test_a_dataset_that_is_not_there_or_unfinished(capsys, home, tmp_path):
    assert "nowhere is not a finished dataset" in refused(capsys, "build", tmp_path / "nowhere")
    (tmp_path / "unfinished/image").mkdir(parents=True)
    assert "unfinished is not a finished dataset" in refused(capsys, "build", tmp_path / "unfinished")
    assert left_over(home) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["track", "a.mp4", "--size", "100"], "“size”"),
        (["track", "a.mp4", "--head", "somebody"], "“head”"),
        (["track", "a.mp4", "--head", "faceverse-v3"], "head_path"),
        (["track", "a.mp4", "--head", "faceverse-v3", "--head-path", "gone.npy"], "gone.npy"),
        (["build", "a", "--seconds", "-1"], "“seconds”"),
        (["build", "a", "--train-share", "2"], "“train_share”"),
    ],
)
def test_options_out_of_bounds(capsys, arguments, words):
    assert words in refused(capsys, *arguments)


def test_no_engine(capsys, home):
    assert refused(capsys, "jobs", "list") == f"No engine is running for {home}; start one with `semblance serve`."


def test_a_dead_engine(capsys, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        announce(home, Announcement(free.getsockname()[1], "token", 1))
    assert "does not answer; start it again" in refused(capsys, "jobs", "list")


def test_a_damaged_state_file(capsys, home):
    home.mkdir()
    (home / STATE_FILE).write_text('{"port": ')
    assert "No engine is running" in refused(capsys, "jobs", "list")


def test_a_wrong_token(capsys, home, engine):
    announce(home, Announcement(engine.client.base_url.port, "wrong", 1))
    assert "token is missing or wrong" in refused(capsys, "jobs", "list")


def test_a_job_that_is_not_there_and_one_that_was_killed(capsys, home, engine):
    announce(home, Announcement(engine.client.base_url.port, "a-token-for-tests", 1))
    assert "no job nope" in refused(capsys, "jobs", "cancel", "nope")
    job = engine.wait(engine.submit("long"), lambda job: job.fraction > 0)
    os.kill(engine.scheduler.store.get(job.id).worker, signal.SIGKILL)
    engine.wait(job)
    with pytest.raises(SystemExit) as left:
        main(["jobs", "list"])
    assert left.value.code == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"{job.id}  track    failed")
    assert "killed by the system, most likely for lack of memory" in line
    fault = engine.wait(engine.submit("fault"))
    for command, words in (("log", "ZeroDivisionError"), ("retry", "track    queued")):
        with pytest.raises(SystemExit) as left:
            main(["jobs", command, fault.id])
        assert left.value.code == 0
        assert words in capsys.readouterr().out.replace("running", "queued")


def test_a_port_in_use(capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert (
            refused(capsys, "serve", "--port", port)
            == f"The port {port} is in use; choose another, or leave --port out."
        )


def test_a_home_that_cannot_be_made(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be made" in refused(capsys, "serve", "--home", tmp_path / "file" / "home")


def test_a_damaged_list_of_jobs(capsys, home):
    home.mkdir()
    (home / "jobs.sqlite").write_bytes(b"no database " * 100)
    assert "jobs.sqlite cannot be opened" in refused(capsys, "serve")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2, "The disk is full"),
        (MemoryError(), 2, "The memory ran out"),
        (Cancelled(), 130, "Stopped."),
        (ZeroDivisionError(), 1, "please report it with"),
    ],
)
def test_how_a_task_that_breaks_off_ends(capsys, home, monkeypatch, error, code, words):
    def broken(parameters, listener):
        raise error

    monkeypatch.setitem(tasks.TASKS, JobKind.TRACK, broken)
    assert words in refused(capsys, "track", "film.mp4", code=code)
    assert (home / "semblance.log").exists() == (code == 1)


def test_ctrl_c_stops_a_task_at_its_next_report(capsys, monkeypatch):
    def steps(parameters, listener):
        for step in range(100):
            if step == 3:
                signal.raise_signal(signal.SIGINT)
            listener(Progress("Working", step, 100))
        raise AssertionError("nobody stopped the task")

    monkeypatch.setitem(tasks.TASKS, JobKind.TRACK, steps)
    refused(capsys, "track", "film.mp4", code=130)


def test_ctrl_c_while_tracking_leaves_nothing_that_looks_whole(shared, home):
    source = shared / "media/videos/direct_address.mp4"
    command = [sys.executable, "-P", "-m", "semblance.engine.commands.cli", "track", source, "--size", "256"]
    process = subprocess.Popen([str(each) for each in command], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("Finding"):
            break
    process.send_signal(signal.SIGINT)
    assert process.stderr.read().rstrip().endswith("Stopped.")
    assert process.wait(300) == 130
    with pytest.raises(Exception, match="not a finished dataset"):
        Dataset.open(home / "datasets/direct_address")


def test_help_does_not_wait_for_the_heavy_libraries():
    heavy = "{'torch', 'cv2', 'mediapipe', 'av'}"
    script = f"import sys; from semblance.engine.commands import cli; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
