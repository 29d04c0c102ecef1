# SPDX-License-Identifier: GPL-3.0-or-later
"""Names on the command line: two files of one name, letters that cannot be printed, folders that are gone, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from semblance.common.errors import UserError
from semblance.common.home import Home
from semblance.common.progress import Cancelled, Progress
from semblance.engine.commands import terminal
from semblance.engine.commands.cli import main
from semblance.engine.commands.shared import avatar_for, baked_dataset, dataset_for
from semblance.engine.jobs import tasks
from semblance.protocol.jobs import JobKind
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.networks import Mirror
from semblance.tests.makers.performances import at_rest
from semblance.tests.tracking.datasets.test_writer import SIZE, add
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.origin import FOOTAGE_SHA256, MADE_FROM
from semblance.tracking.datasets.writer import DatasetWriter

if TYPE_CHECKING:
    from semblance.common.progress import Listener
    from semblance.protocol.jobs import Orbit, Photo, Reenact, Track

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and folders of POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Every test has a home of its own."""
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def quick_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`track` and `photo` make a small dataset of nothing."""

    def make(job: Track | Photo, _listener: Listener) -> dict[str, Any]:
        source = job.source if hasattr(job, "source") else job.photo
        with DatasetWriter(job.dataset, SIZE) as writer:
            add(writer, 0)
            dataset = writer.finish(at_rest(1))
        return tasks.finished(dataset, job, source, {})

    for kind in (JobKind.TRACK, JobKind.PHOTO):
        monkeypatch.setitem(tasks.TASKS, kind, make)


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


def footage(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"as if")
    return path


def origins(home: Home) -> dict[str, str]:
    folders = sorted((home.folder / "datasets").iterdir())
    return {each.name: Dataset.open(each).performance().extra[MADE_FROM] for each in folders}


@pytest.mark.usefixtures("quick_tasks")
def test_two_files_of_one_name_get_two_datasets(tmp_path: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = footage(tmp_path / "monday" / "IMG_0001.MOV"), footage(tmp_path / "friday" / "IMG_0001.MOV")
    third = footage(tmp_path / "friday" / "IMG_0001.jpg")
    for command, source in (("track", first), ("track", second), ("photo", third), ("track", second), ("track", first)):
        assert run(command, source) == 0
    assert origins(home) == {"IMG_0001": str(first), "IMG_0001_2": str(second), "IMG_0001_3": str(third)}
    printed = capsys.readouterr()
    assert "IMG_0001 is the dataset of another file; this one will be IMG_0001_2." in printed.err
    assert f"dataset: {home.dataset('IMG_0001_2')}" in printed.out


def test_films_of_two_drivers_of_one_name_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names no file finds each result under a name of its own, and the first as it was."""
    monkeypatch.chdir(tmp_path)

    def film(job: Reenact | Orbit, _listener: Listener) -> dict[str, Any]:
        Path(job.out).write_text(str(vars(job)))
        return {"out": job.out}

    for kind in (JobKind.REENACT, JobKind.ORBIT):
        monkeypatch.setitem(tasks.TASKS, kind, film)
    avatar = footage(tmp_path / "me.safetensors")
    drivers = [footage(tmp_path / day / "IMG_0001.MOV") for day in ("monday", "friday")]
    assert [run("reenact", avatar, each) for each in drivers] == [0, 0]
    for name, driver in zip(("me_IMG_0001.mp4", "me_IMG_0001_2.mp4"), drivers, strict=True):
        assert str(driver) in (tmp_path / name).read_text()
    assert [run("orbit", avatar), run("orbit", avatar)] == [0, 0]
    assert sorted(each.name for each in tmp_path.glob("me_orbit*")) == ["me_orbit.mp4", "me_orbit_2.mp4"]
    assert run("orbit", avatar, "--out", "me_orbit.mp4") == 0, "a name that was given is used"
    assert len(list(tmp_path.glob("me_orbit*"))) == 2


def test_avatars_of_two_folders_of_one_name_are_two(tmp_path: Path, home: Home) -> None:
    folders = [tmp_path / day / "talk" for day in ("monday", "friday")]
    for day, folder in zip("ab", folders, strict=True):
        with DatasetWriter(folder, SIZE) as writer:
            add(writer, 0)
            writer.finish(at_rest(1, extra={FOOTAGE_SHA256: day}))
    first = avatar_for(folders[0], home)
    avatar_of(Mirror(), {}, footage_sha256="a").save(first)
    assert first == home.avatar("talk")
    assert avatar_for(folders[0], home) == first, "building again replaces it"
    assert avatar_for(folders[1], home) == home.avatar("talk_2")


@pytest.mark.usefixtures("quick_tasks")
def test_the_same_file_by_another_path_replaces_its_dataset(tmp_path: Path, home: Home) -> None:
    source = footage(tmp_path / "IMG_0001.MOV")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    assert run("track", source) == run("track", tmp_path / "link" / "IMG_0001.MOV") == 0
    assert list(origins(home)) == ["IMG_0001"]


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("clip", "clip"),
        ("clip..", "clip"),
        ("cafe\u0301", "caf\u00e9"),
        ("資料", "資料"),
        ("हिन्दी", "हिन्दी"),
        ("a b-c", "a b-c"),
    ],
)
def test_what_a_dataset_is_called(tmp_path: Path, home: Home, stem: str, name: str) -> None:
    assert dataset_for(tmp_path / f"{stem}.mp4", home) == home.dataset(name)
    assert home.dataset(name).parent == home.folder / "datasets"


@pytest.mark.parametrize("stem", ["-rf", ".hidden", "...", "a\nb", "x" * 101, "a:b"])
def test_names_that_do_not_do_are_refused(tmp_path: Path, home: Home, stem: str) -> None:
    with pytest.raises(UserError, match="cannot be a dataset's; choose a folder with --dataset"):
        dataset_for(tmp_path / f"{stem}.mp4", home)


def test_an_unfinished_or_foreign_folder_is_not_taken(tmp_path: Path, home: Home) -> None:
    (home.folder / "datasets" / "clip").mkdir(parents=True)
    assert dataset_for(tmp_path / "clip.mp4", home) == home.dataset("clip_2")


SCRIPT = """
import sys, time
import numpy as np
from semblance.engine.commands.cli import main
from semblance.engine.jobs import tasks
from semblance.protocol.jobs import JobKind
from semblance.common.progress import Progress
from semblance.tracking.datasets.writer import DatasetWriter

def track(job, listener):
    with DatasetWriter(job.dataset, 64) as writer:
        writer.add_picture(0, np.zeros((96, 96, 3), np.uint8), np.zeros((96, 96), np.float32))
        for step in range(job.source.endswith("long.mp4") and 3000):
            listener(Progress("Working", step, 3000))
            time.sleep(0.02)
    return {"dataset": job.dataset}

tasks.TASKS[JobKind.TRACK] = track
main()
"""


def started(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, "-P", str(script), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, cwd=folder, env=os.environ | environment)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_letters_that_the_output_cannot_show(tmp_path: Path, encoding: str) -> None:
    with started(tmp_path, "track", "clip.mp4", "--dataset", "ds/資料", PYTHONIOENCODING=encoding) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    shown = "資料" if encoding == "utf-8" else r"\u8cc7\u6599"
    assert out.decode(encoding).strip().endswith(f"ds{os.sep}{shown}")


@posix
def test_names_that_are_no_text(tmp_path: Path) -> None:
    with started(tmp_path, "track", "clip.mp4", "--dataset", os.fsdecode(b"ds/\xff"), PYTHONUTF8="1") as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.strip().endswith(rb"ds/\udcff")


@posix
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_closed_terminal_leaves_nothing(tmp_path: Path, name: str) -> None:
    with started(tmp_path, "track", "long.mp4", "--dataset", "ds/set") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"Working")
        assert (tmp_path / "ds" / ".set.partial").is_dir()
        process.send_signal(getattr(signal, name))
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read().strip().endswith(b"Stopped.")
    assert process.returncode == 130
    assert list((tmp_path / "ds").iterdir()) == []


@posix
def test_a_run_under_nohup_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminal.stop_request() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop()
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
def test_a_second_signal_breaks_off_at_once_and_a_third_does_not_disturb_the_cleaning() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with terminal.shown() as listener:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Cancelled):
            listener(Progress("Working", 0, 1))
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
    with terminal.shown():
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Cancelled):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@posix
def test_a_working_folder_that_was_deleted_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert run("track", "clip.mp4", "--dataset", "set") == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("The folder that this command was started in cannot be used (No such file")
    assert len(printed.err.splitlines()) == 1
    monkeypatch.chdir(tmp_path)


def test_who_bakes_twice_keeps_the_first(home: Home):
    """What was baked before is not replaced by who named no folder."""
    first = baked_dataset("ada", home)
    assert first == home.dataset("ada_baked")
    first.mkdir(parents=True)
    assert baked_dataset("ada", home).name == "ada_baked_2"
