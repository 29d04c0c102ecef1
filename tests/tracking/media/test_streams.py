# SPDX-License-Identifier: GPL-3.0-or-later
"""Of several streams those are taken that a player would show; those that nothing decodes are passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from av.stream import Disposition
from semblance.common.errors import UserError
from semblance.tests.makers.footage import beeps, plain, write_video
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.sound import RATE, Sound, sound_samples
from semblance.tracking.media.streams import sound_note

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 10


def write_streams(path: Path, *streams: tuple[str, int, int, int, Disposition]) -> Path:
    """Write streams of pictures: codec, side in pixels, grey level, number of pictures, disposition."""
    with av.open(str(path), "w") as container:
        made = []
        for codec, side, level, count, disposition in streams:
            stream = container.add_stream(codec, rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width = stream.height = side
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = disposition
            made.append((stream, plain(level, side, side), count))
        for number in range(max(count for *_, count in made)):
            for stream, picture, count in made:
                if number < count:
                    frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                    frame.pts = number
                    container.mux(stream.encode(frame))
        for stream, *_ in made:
            container.mux(stream.encode(None))
    return path


COVER = ("mjpeg", 128, 220, 1, Disposition.attached_pic)
UNMARKED_COVER = ("mjpeg", 128, 220, 1, Disposition(0))
FILM = ("libx264", 64, 90, COUNT, Disposition(0))


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("marked.mp4", (FILM, COVER)),
        ("marked_default.mp4", (COVER, FILM)),
        ("first.mp4", (UNMARKED_COVER, FILM)),
        ("last.mp4", (FILM, UNMARKED_COVER)),
        ("first.mkv", (UNMARKED_COVER, FILM)),
        ("last.mkv", (FILM, UNMARKED_COVER)),
    ],
)
def test_a_cover_is_not_the_film(tmp_path: Path, name: str, streams: tuple) -> None:
    footage = Footage.open(write_streams(tmp_path / name, *streams))
    frames = list(footage)
    assert footage.size == (64, 64)
    assert footage.fps == pytest.approx(25)
    assert len(frames) == COUNT
    assert frames[0].image.mean() == pytest.approx(90, abs=4)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("libx264", 64, 90, COUNT, Disposition(0)), ("libx264", 96, 150, COUNT, Disposition(0))),
        (("libx264", 128, 90, COUNT, Disposition(0)), ("libx264", 96, 150, COUNT, Disposition.default)),
    ],
    ids=["the largest", "the default one"],
)
def test_of_several_films_the_one_that_ffmpeg_would_choose(tmp_path: Path, first: tuple, second: tuple) -> None:
    footage = Footage.open(write_streams(tmp_path / "two.mkv", first, second))
    assert footage.size == (96, 96)
    assert next(iter(footage)).image.mean() == pytest.approx(150, abs=4)


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "song.mp4", [plain(90)] * 3, sound=beeps([0.1], 1))
    with av.open(str(path)) as source, av.open(str(tmp_path / "cover.m4a"), "w", format="mp4") as target:
        sound = target.add_stream_from_template(source.streams.audio[0])
        cover = target.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 64, 64, "yuvj420p", Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(plain(90), "rgb24")
        frame.pts = 0
        target.mux(cover.encode(frame))
        target.mux(cover.encode(None))
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                target.mux(packet)
    with pytest.raises(UserError, match="no pictures"):
        Footage.open(tmp_path / "cover.m4a")


def with_unknown_sound(path: Path, *, tracks: int, unknown: int) -> Path:
    """A video with some tracks of sound, a beep in each, the first ones of a codec that nobody knows."""
    source = write_video(path.with_name("known.mp4"), [plain(90)] * 25, sound=beeps([0.5], 1))
    with av.open(str(path), "w") as target:
        with av.open(str(source)) as read:
            pictures = target.add_stream_from_template(read.streams.video[0])
            sounds = [target.add_stream_from_template(read.streams.audio[0]) for _ in range(tracks)]
        for kind, streams in (("video", [pictures]), ("audio", sounds)):
            for stream in streams:
                with av.open(str(source)) as read:
                    for packet in read.demux(getattr(read.streams, kind)[0]):
                        if packet.dts is not None:
                            packet.stream = stream
                            target.mux(packet)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"mp4a", b"apac", unknown).replace(b"esds", b"free", unknown))
    return path


def heard(path: Path) -> np.ndarray:
    return np.concatenate([np.zeros((2, 0), np.float32), *sound_samples(Sound(path))], 1)[0]


def test_the_first_sound_that_can_be_decoded_is_taken(tmp_path: Path) -> None:
    path = with_unknown_sound(tmp_path / "two.mp4", tracks=2, unknown=1)
    loud = np.flatnonzero(np.abs(heard(path)) > 0.2) / RATE
    assert loud[0] == pytest.approx(0.5, abs=0.01)
    assert "another one is taken" in sound_note(path)
    assert Footage.open(path).notes == (sound_note(path),)
    assert Footage.open(path).has_sound


def test_a_sound_that_nothing_decodes_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = with_unknown_sound(tmp_path / "one.mp4", tracks=1, unknown=1)
    assert len(heard(path)) == 0
    assert sound_note(path) == "The sound of one.mp4 cannot be decoded and is left out."
    footage = Footage.open(path)
    assert not footage.has_sound
    assert len(list(footage)) == 25


def test_of_usual_files_nothing_is_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "usual.mp4", [plain(90)] * 25, sound=beeps([0.5], 1))
    assert Footage.open(path).notes == ()
    assert sound_note(write_video(tmp_path / "silent.mp4", [plain(90)] * 3)) == ""
    assert sound_note(tmp_path / "absent.mp4") == ""
