# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos and picture sequences hold the frames, times, colours and sound they were given, or are not there at all."""

from __future__ import annotations

import errno
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.failures import mendable
from semblance.tests.makers.footage import write_sound
from semblance.tracking.media.sound import Sound
from semblance.tracking.media.video import frames_to, side_by_side

COLOURS = [(200, 30, 40), (20, 180, 60), (40, 60, 220), (128, 128, 128), (255, 255, 255), (0, 0, 0)]


def plain_frames(count: int, height: int = 64, width: int = 64) -> list[np.ndarray]:
    return [np.full((height, width, 3), COLOURS[index % len(COLOURS)], np.uint8) for index in range(count)]


def decode(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time for frame in frames]


def sound_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], 1)[0]


@pytest.fixture(scope="module")
def beep(tmp_path_factory) -> Path:
    """Three seconds: silence, then a 440 Hz tone between 1 s and 2 s, then silence."""
    path = tmp_path_factory.mktemp("sound") / "beep.wav"
    times = np.arange(3 * 44_100) / 44_100
    wave = np.where((times >= 1) & (times < 2), 0.5 * np.sin(2 * np.pi * 440 * times), 0).astype(np.float32)
    return write_sound(path, wave, 44_100)


@pytest.mark.parametrize("fps", [25, 30000 / 1001, 23.976])
def test_a_video_has_every_frame_at_its_time_in_its_colour(tmp_path, fps):
    frames = plain_frames(12)
    with frames_to(tmp_path / "out.mp4", fps) as write:
        for frame in frames:
            write(frame)
    pictures, times = decode(tmp_path / "out.mp4")
    assert len(pictures) == 12
    np.testing.assert_allclose(times, np.arange(12) / fps, atol=1e-3)
    for picture, frame in zip(pictures, frames, strict=True):
        assert np.abs(picture[32, 32].astype(int) - frame[32, 32]).max() <= 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.color_range, context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
        assert not container.streams.audio


def test_odd_sizes_are_made_even(tmp_path):
    with frames_to(tmp_path / "odd.mp4", 25) as write:
        for frame in plain_frames(3, 63, 37):
            write(frame)
    assert decode(tmp_path / "odd.mp4")[0][0].shape == (64, 38, 3)


def test_the_sound_is_where_it_was(tmp_path, beep):
    with frames_to(tmp_path / "out.mp4", 25, Sound(beep, start=0.5)) as write:
        for frame in plain_frames(50):
            write(frame)
    sound = sound_of(tmp_path / "out.mp4")
    assert abs(len(sound) / 48_000 - 2.0) < 0.05
    loud = np.flatnonzero(np.abs(sound) > 0.2) / 48_000
    assert loud.min() == pytest.approx(0.5, abs=0.01)
    assert loud.max() == pytest.approx(1.5, abs=0.01)


def test_sound_of_a_video_counts_from_its_first_frame(tmp_path, beep):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    with frames_to(first, 25, Sound(beep)) as write:
        for frame in plain_frames(75):
            write(frame)
    with frames_to(second, 25, Sound(first, start=0.8)) as write:
        for frame in plain_frames(20):
            write(frame)
    loud = np.flatnonzero(np.abs(sound_of(second)) > 0.2) / 48_000
    assert loud.min() == pytest.approx(0.2, abs=0.01)


def test_sound_shorter_than_the_pictures_just_ends(tmp_path, beep):
    with frames_to(tmp_path / "out.mp4", 25, Sound(beep, start=2.5)) as write:
        for frame in plain_frames(50):
            write(frame)
    assert len(decode(tmp_path / "out.mp4")[0]) == 50
    assert len(sound_of(tmp_path / "out.mp4")) / 48_000 == pytest.approx(0.5, abs=0.05)


def test_alpha_is_laid_over_black_in_a_video(tmp_path):
    frame = np.full((32, 32, 4), 200, np.uint8)
    frame[..., 3] = 128
    with frames_to(tmp_path / "out.mp4", 25) as write:
        write(frame)
    assert decode(tmp_path / "out.mp4")[0][0][16, 16, 0] == pytest.approx(100, abs=3)


def test_pictures_keep_their_alpha(tmp_path):
    frames = np.random.default_rng(1).integers(0, 256, (3, 17, 23, 4)).astype(np.uint8)
    for _ in range(2):  # a second run replaces the frames of the first
        with frames_to(tmp_path / "frames", 25) as write:
            for frame in frames:
                write(frame)
    paths = sorted((tmp_path / "frames").iterdir())
    assert [path.name for path in paths] == ["000001.png", "000002.png", "000003.png"]
    for path, frame in zip(paths, frames, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), frame)


@pytest.mark.parametrize("name", ["out.mp4", "frames"])
def test_what_fails_half_way_leaves_nothing(tmp_path, name):
    with pytest.raises(RuntimeError, match="half way"), frames_to(tmp_path / name, 25) as write:  # noqa: PT012
        write(plain_frames(1)[0])
        raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"disk is full: .*frames was"), frames_to(tmp_path / "frames", 25) as write:
        write(plain_frames(1)[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file/out.mp4", "file/frames"])
def test_a_place_that_cannot_be_written_is_the_users_to_mend(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file") as caught, frames_to(tmp_path / name, 25) as write:
        write(plain_frames(1)[0])
    assert "choose another place" in str(mendable(caught.value))


def test_a_video_without_frames_is_refused(tmp_path):
    with pytest.raises(UserError, match="No frame"), frames_to(tmp_path / "out.mp4", 25):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(UserError, match="other things"), frames_to(tmp_path, 25):
        pass
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"\.mp4"):
        frames_to(tmp_path / "out.avi", 25)


def test_panels_stand_side_by_side():
    panels = {"driver": np.zeros((50, 100, 3), np.uint8), "avatar": np.zeros((256, 256, 3), np.uint8)}
    picture = side_by_side(panels, 128)
    assert picture.shape == (128, 256 + 128, 3)
    assert picture[100:].max() > 200  # labels
    assert picture[:90].max() == 0
