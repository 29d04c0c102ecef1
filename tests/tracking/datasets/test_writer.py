# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset folder is whole or is not there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.writer import DatasetWriter

SIZE = 64


def add(writer: DatasetWriter, index: int) -> None:
    image = np.full((96, 96, 3), (250, 30, 10 + index), np.uint8)
    writer.add_picture(index, image, np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96))
    uv_map = np.full((256, 256, 3), (0.25, 0.75, 1), np.float32)
    writer.add_maps(index, uv_map, np.full((256, 256, 3), (0.2, 0.4, 0.6), np.float32))


def write(folder: Path, frames: int) -> Dataset:
    with DatasetWriter(folder, SIZE) as writer:
        for index in reversed(range(frames)):
            add(writer, index)
        return writer.finish(at_rest(frames), "talk.mp4")


def test_pictures_come_back_as_they_were(tmp_path):
    write(tmp_path / "set", 3)
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.names == ("000001", "000002", "000003")
    assert dataset.sound == "talk.mp4"
    assert len(dataset.performance()) == 3
    image = cv2.imread(str(dataset.image("000001")))[..., ::-1]
    assert np.abs(image[40, 40].astype(int) - (250, 30, 10)).max() <= 3
    uv_map = cv2.imread(str(dataset.uv_map("000002")), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert uv_map.dtype == np.uint16
    assert uv_map[0, 0].tolist() == [16384, 49151, 65535]
    assert cv2.imread(str(dataset.texture_map("000002")))[0, 0, ::-1].tolist() == [51, 102, 153]
    matte = cv2.imread(str(dataset.matte("000003")), cv2.IMREAD_UNCHANGED)
    assert matte.shape == (96, 96)
    assert (matte[0, 0], matte[-1, -1]) == (0, 255)


def test_a_second_run_replaces_the_first_and_leaves_nothing_beside_it(tmp_path):
    write(tmp_path / "set", 3)
    write(tmp_path / "set", 1)
    assert Dataset.open(tmp_path / "set").names == ("000001",)
    assert len(list((tmp_path / "set" / "image").iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_error_keeps_the_former_dataset_and_nothing_else(tmp_path):
    write(tmp_path / "set", 2)
    with suppress(RuntimeError), DatasetWriter(tmp_path / "set", SIZE) as writer:
        add(writer, 0)
        raise RuntimeError
    assert len(Dataset.open(tmp_path / "set").names) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_missing_picture_is_noticed(tmp_path):
    with DatasetWriter(tmp_path / "set", SIZE) as writer:
        add(writer, 0)
        with pytest.raises(ValueError, match="never added"):
            writer.finish(at_rest(2))
    assert not (tmp_path / "set").exists()


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from semblance.tracking.datasets.writer import DatasetWriter
with DatasetWriter(Path(sys.argv[1]), 64) as writer:
    for index in range(10):
        writer.add_picture(index, np.zeros((96, 96, 3), np.uint8), np.zeros((96, 96), np.float32))
    print("written", flush=True)
    time.sleep(600)
"""


def test_a_killed_run_leaves_nothing_that_looks_whole_and_the_next_one_cleans_up(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "set")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "set").exists()
    for path in tmp_path.iterdir():
        with pytest.raises(UserError, match="not a finished dataset"):
            Dataset.open(path)
    write(tmp_path / "set", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_full_disk_is_said_in_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(self: Path, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="disk is full"):
        write(tmp_path / "set", 40)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_not_replaced(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(UserError, match="holds other files"):
        DatasetWriter(tmp_path, SIZE)
    with pytest.raises(UserError, match="is a file"):
        DatasetWriter(tmp_path / "holiday.jpg", SIZE)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"precious"


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be written"):
        DatasetWriter(tmp_path / "file" / "set", SIZE)
