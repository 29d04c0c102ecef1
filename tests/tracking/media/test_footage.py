# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage: true times, upright pictures, sound, and one clear sentence for every file that is no video."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.footage import plain, write_sound, write_video
from semblance.tracking.media.footage import Footage

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 96, 64


def film(path: Path, times: list[int], sound: np.ndarray | None = None) -> Path:
    """A video of WIDTH x HEIGHT with frames at `times` milliseconds, its top left corner red."""
    pictures = [plain(30 + index, HEIGHT, WIDTH) for index in range(len(times))]
    for picture in pictures:
        picture[: HEIGHT // 2, : WIDTH // 2] = (250, 20, 20)
    return write_video(path, pictures, times=times, sound=sound, rate=16_000, codec="mpeg4")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    film(path, [0, 40, 80, 120, 160, 200, 240, 280])
    return path


def test_frames_come_in_order_with_size_rate_and_count(video: Path) -> None:
    footage = Footage.open(video)
    frames = list(footage)
    assert footage.size == (WIDTH, HEIGHT)
    assert footage.fps == pytest.approx(25, rel=0.02)
    assert footage.count == len(frames) == 8
    assert not footage.has_sound
    assert [frame.image[-1, -1, 0] for frame in frames] == pytest.approx([30 + i for i in range(8)], abs=3)
    assert frames[0].image[0, 0] == pytest.approx([250, 20, 20], abs=12)


def test_footage_can_be_read_twice(video: Path) -> None:
    footage = Footage.open(video)
    assert len(list(footage)) == len(list(footage)) == 8


def test_variable_frame_rate_keeps_true_times(tmp_path: Path) -> None:
    path = tmp_path / "uneven.mp4"
    times = [0, 33, 66, 200, 233, 500]
    film(path, times)
    assert [frame.time for frame in Footage.open(path)] == pytest.approx([t / 1000 for t in times], abs=0.002)


def test_shrunk_frames_keep_their_shape(video: Path) -> None:
    image = next(Footage.open(video).frames(longest=48)).image
    assert image.shape == (32, 48, 3)


def test_sound_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    film(path, [0, 40, 80], sound=np.zeros(4096, np.float32))
    assert Footage.open(path).has_sound


def test_a_reader_that_stops_early_ends_the_decoder(video: Path) -> None:
    frames = Footage.open(video).frames()
    next(frames)
    frames.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "read ahead"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no video"):
        Footage.open(tmp_path / "absent.mp4")


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(UserError, match="is empty"):
        Footage.open(path)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear reader, this is no video." * 100)
    with pytest.raises(UserError, match="cannot be read as a video"):
        Footage.open(path)


def test_sound_only(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "voice.m4a", np.zeros(4096, np.float32), rate=16_000)
    with pytest.raises(UserError, match="no pictures"):
        Footage.open(path)


def test_cut_off_before_its_index(video: Path) -> None:
    video.write_bytes(video.read_bytes()[:600])
    with pytest.raises(UserError, match="damaged"):
        Footage.open(video)


def test_cut_off_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "half.mkv"
    film(path, [40 * i for i in range(100)])
    data = path.read_bytes()
    fast = tmp_path / "half.mp4"
    with av.open(str(path)) as source, av.open(str(fast), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = fast.read_bytes()
    fast.write_bytes(data[: len(data) * 6 // 10])
    footage = Footage.open(fast)
    with pytest.raises(UserError, match=r"ends early|damaged"):
        list(footage)


def spoiled(path: Path, numbers: range) -> Path:
    """A video of 100 pictures, some packets of which are no pictures at all."""
    whole = film(path.with_name("whole.mkv"), [40 * i for i in range(100)])
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is not None:
                shown = av.Packet(b"\xff" * packet.size) if number in numbers else packet
                shown.pts, shown.dts, shown.time_base = packet.pts, packet.dts, packet.time_base
                shown.stream = stream
                target.mux(shown)
    return path


def test_a_little_damage_is_left_out_with_a_note(tmp_path: Path) -> None:
    frames = list(Footage.open(spoiled(tmp_path / "spoiled.mkv", range(40, 45))))
    assert 90 <= len(frames) <= 100
    assert frames[-1].time == pytest.approx(99 * 0.04, abs=0.01)
    notes = [frame.note for frame in frames if frame.note]
    assert len(notes) == 1
    assert "is damaged at 1." in notes[0]


def test_much_damage_is_refused(tmp_path: Path) -> None:
    footage = Footage.open(spoiled(tmp_path / "spoiled.mkv", range(40, 80)))
    with pytest.raises(UserError, match=r"is damaged at 1\.\d s; copy it again"):
        list(footage)
