# SPDX-License-Identifier: GPL-3.0-or-later
"""Time stamps that start anew, go back or leave gaps: pictures and sound keep their order, length and company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.tests.makers.footage import beeps, beginnings, copied, plain, write_video
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.sound import Sound, sound_samples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COUNT, FPS = 50, 25


def take(path: Path, seconds: int = 2, moments: Sequence[float] = (0.5, 1.5)) -> Path:
    """A film that gets brighter, with beeps."""
    pictures = [plain(30 + number % 100 * 2) for number in range(seconds * FPS)]
    return write_video(path, pictures, FPS, sound=beeps(moments, seconds))


def times_of(path: Path) -> np.ndarray:
    return np.array([frame.time for frame in Footage.open(path)])


def beeps_in(path: Path, start: float = 0.0) -> list[float]:
    return beginnings(np.concatenate(list(sound_samples(Sound(path, start))), 1)[0])


@pytest.mark.parametrize(("suffix", "times"), [("ts", 3), ("mkv", 2)])  # FFmpeg reads two mkv files in one, not three
def test_joined_recordings_follow_each_other(tmp_path: Path, suffix: str, times: int) -> None:
    one = take(tmp_path / f"one.{suffix}").read_bytes()
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(one * times)
    frames = list(Footage.open(path))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(times * COUNT) / FPS, abs=0.002)
    brighter = [30 + n % COUNT * 2 for n in range(times * COUNT)]
    assert [frame.image.mean() for frame in frames] == pytest.approx(brighter, abs=3)
    assert beeps_in(path) == pytest.approx([0.5 + n for n in range(2 * times)], abs=0.03)
    assert beeps_in(path, start=2.0) == pytest.approx([0.5 + n for n in range(2 * times - 2)], abs=0.03)
    assert [frame.note for frame in frames if frame.note] == [
        "Time starts anew at 2.0 s, as where recordings are joined; it goes on."
    ]


def test_a_second_recording_of_a_later_hour_follows_the_first(tmp_path: Path) -> None:
    one = take(tmp_path / "one.ts")
    path = tmp_path / "joined.ts"
    path.write_bytes(one.read_bytes() + copied(one, tmp_path / "later.ts", shift=5000).read_bytes())
    assert times_of(path) == pytest.approx(np.arange(2 * COUNT) / FPS, abs=0.002)
    assert beeps_in(path) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.03)


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mp4"])
def test_pictures_that_are_missing_leave_a_gap(tmp_path: Path, suffix: str) -> None:
    """Even one that is as long as what parts recordings, where the sound goes on."""
    whole = take(tmp_path / "whole.mp4", 16, (1, 8, 15))
    path = copied(whole, tmp_path / f"gap.{suffix}", keep=lambda kind, time: kind != "video" or not 1.5 < time < 14)
    times = times_of(path)
    assert times[-1] == pytest.approx(16 - 1 / FPS, abs=0.03)
    assert np.diff(times).max() > 12
    assert beeps_in(path) == pytest.approx([1, 8, 15], abs=0.03)


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mp4"])
def test_sound_that_is_missing_is_silent(tmp_path: Path, suffix: str) -> None:
    whole = take(tmp_path / "whole.mp4", 16, (1, 8, 15))
    path = copied(whole, tmp_path / f"gap.{suffix}", keep=lambda kind, time: kind != "audio" or not 1.5 < time < 14)
    assert times_of(path) == pytest.approx(np.arange(16 * FPS) / FPS, abs=0.002)
    assert beeps_in(path) == pytest.approx([1, 15], abs=0.03)


def test_a_hidden_beginning_is_not_missing(tmp_path: Path) -> None:
    """As after a trim without loss: the pictures before the cut are there to decode the others and are not shown."""
    path = copied(take(tmp_path / "whole.mp4"), tmp_path / "trimmed.mp4", shift=-0.8)
    footage = Footage.open(path)
    frames = list(footage)
    assert len(frames) == footage.count == 30
    assert frames[0].image.mean() == pytest.approx(30 + 20 * 2, abs=3)
    assert frames[-1].time == pytest.approx(29 / FPS, abs=0.002)
    assert beeps_in(path) == pytest.approx([0.7], abs=0.03)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_a_film_that_begins_late(tmp_path: Path, suffix: str) -> None:
    path = copied(take(tmp_path / "whole.mp4"), tmp_path / f"late.{suffix}", shift=3)
    assert times_of(path) == pytest.approx(np.arange(COUNT) / FPS, abs=0.002)
    assert beeps_in(path) == pytest.approx([0.5, 1.5], abs=0.03)


def test_single_times_that_go_back_are_put_in_order(tmp_path: Path) -> None:
    stamps = [0, 40, 80, 20, 160, 200, 200, 240]
    path = tmp_path / "back.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for number, picture in enumerate(plain(40 + 20 * number) for number in range(len(stamps))):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = number
            for packet in stream.encode(frame):
                packet.pts = round(stamps[number] / 1000 / packet.time_base)
                packet.dts = round(number / 1000 / packet.time_base)
                container.mux(packet)
    frames = list(Footage.open(path))
    assert [frame.image.mean() for frame in frames] == pytest.approx([40 + 20 * n for n in range(8)], abs=4)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.22, 0.24], abs=0.002)
