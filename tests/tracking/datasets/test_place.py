# SPDX-License-Identifier: GPL-3.0-or-later
"""Where datasets go: two runs, links, files that lie there already, names at the limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from semblance.common.errors import UserError
from semblance.common.files import LONGEST_NAME
from semblance.tests.makers.performances import at_rest
from semblance.tests.tracking.datasets.test_writer import SIZE, add, write
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.place import Place
from semblance.tracking.datasets.writer import DatasetWriter


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_two_runs_into_one_folder_the_second_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    write(tmp_path / "set", 1)
    with DatasetWriter(tmp_path / "set", SIZE) as writer:
        for index in range(2):
            add(writer, index)
        with pytest.raises(UserError, match=r"Another run is writing .*set at this moment; wait until it is done"):
            DatasetWriter(tmp_path / "set", SIZE)
        writer.finish(at_rest(2))
    assert len(Dataset.open(tmp_path / "set").names) == 2
    write(tmp_path / "set", 3)
    assert names_in(tmp_path) == ["set"]


HELD = """
import sys, time
from pathlib import Path
from semblance.tracking.datasets.place import Place
with Place(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_another_process_holds_its_place_for_as_long_as_it_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HELD, str(tmp_path / "set")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="Another run is writing"):
            Place(tmp_path / "set").__enter__()
        process.send_signal(signal.SIGKILL)
    write(tmp_path / "set", 1)
    assert names_in(tmp_path) == ["set"]


@pytest.mark.parametrize("before", ["a dataset", "an empty folder", "nothing"])
def test_a_link_stays_a_link(tmp_path: Path, before: str) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "here").mkdir()
    link = tmp_path / "here" / "set"
    link.symlink_to(tmp_path / "disk" / "there", target_is_directory=True)
    if before == "a dataset":
        write(tmp_path / "disk" / "there", 1)
    elif before == "an empty folder":
        (tmp_path / "disk" / "there").mkdir()
    assert write(link, 2).folder == link
    assert link.is_symlink()
    assert len(Dataset.open(tmp_path / "disk" / "there").names) == 2
    assert names_in(tmp_path / "here") == ["set"]
    assert names_in(tmp_path / "disk") == ["there"]


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="is a link that leads nowhere"):
        DatasetWriter(tmp_path / "a", SIZE)


def test_what_else_lies_in_a_dataset_is_kept(tmp_path: Path) -> None:
    """As the footage does when --dataset names its folder."""
    write(tmp_path / "set", 3)
    (tmp_path / "set" / "footage.mp4").write_bytes(b"precious")
    (tmp_path / "set" / "notes").mkdir()
    (tmp_path / "set" / "notes" / "mine.txt").write_text("precious")
    (tmp_path / "set" / "plate.mp4").write_bytes(b"of the former footage")
    write(tmp_path / "set", 1)
    assert (tmp_path / "set" / "footage.mp4").read_bytes() == b"precious"
    assert (tmp_path / "set" / "notes" / "mine.txt").read_text() == "precious"
    assert len(names_in(tmp_path / "set" / "image")) == 1
    assert not (tmp_path / "set" / "plate.mp4").exists()
    assert names_in(tmp_path) == ["set"]


def test_an_earlier_dataset_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "set", 3)
    rename = Path.replace

    def stubborn(self: Path, target: Path) -> Path:
        if self.name == ".set.partial":
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", stubborn)
    with pytest.raises(OSError, match="busy"):
        write(tmp_path / "set", 1)
    monkeypatch.undo()
    assert len(Dataset.open(tmp_path / "set").names) == 3
    assert names_in(tmp_path) == ["set"]


def test_an_earlier_dataset_comes_back_after_a_power_cut_between_going_and_coming(tmp_path: Path) -> None:
    write(tmp_path / "set", 3)
    (tmp_path / "set").replace(tmp_path / ".set.former")
    with Place(tmp_path / "set"):
        assert len(Dataset.open(tmp_path / "set").names) == 3
    assert names_in(tmp_path) == ["set"]


@pytest.mark.parametrize("name", ["x" * LONGEST_NAME, "資" * 85, "-rf", "take.", "a b", ".hidden", "cafe\u0301"])
def test_any_name_that_the_disk_takes(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, 1)
    write(tmp_path / name, 2)
    assert len(Dataset.open(tmp_path / name).names) == 2
    assert names_in(tmp_path) == [name]


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be written .*name too long"):
        DatasetWriter(tmp_path / ("x" * 300), SIZE)


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"):
        DatasetWriter(tmp_path / "set", SIZE)


def test_a_disk_of_its_own_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.ismount", lambda _path: True)
    (tmp_path / "disk").mkdir()
    with pytest.raises(UserError, match=r"is a disk of its own .* choose a folder in it"):
        DatasetWriter(tmp_path / "disk", SIZE)
    assert names_in(tmp_path) == ["disk"]
