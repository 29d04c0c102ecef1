# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sound stays where its own time puts it: over gaps, damage and changes of its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.tests.makers.footage import beeps, beginnings, copied, plain, write_sound, write_video
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.sound import RATE, Sound, sound_samples
from semblance.tracking.media.video import frames_to

if TYPE_CHECKING:
    from pathlib import Path

MOMENTS = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


def samples_of(path: Path, start: float = 0.0) -> np.ndarray:
    return np.concatenate(list(sound_samples(Sound(path, start))), 1)[0]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_video(path, [plain(90)] * 50, sound=beeps(MOMENTS, 2))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("gap", [(0.56, 0.97), (0.57, 0.63)])
def test_beeps_stay_where_they_are_beside_a_gap(film: Path, tmp_path: Path, suffix: str, gap: tuple) -> None:
    path = copied(
        film, tmp_path / f"gap.{suffix}", keep=lambda kind, time: kind != "audio" or not gap[0] < time < gap[1]
    )
    expected = [moment for moment in MOMENTS if not gap[0] < moment < gap[1]]
    assert beginnings(samples_of(path)) == pytest.approx(expected, abs=0.03)
    assert len(samples_of(path)) / RATE == pytest.approx(2, abs=0.06)
    assert beginnings(samples_of(path, 0.6)) == pytest.approx([each - 0.6 for each in expected if each > 0.6], abs=0.03)


@pytest.mark.parametrize(("rate", "layout"), [(16_000, "stereo"), (48_000, "stereo"), (44_100, "5.1")])
def test_sound_that_changes_its_format_on_the_way(film: Path, tmp_path: Path, rate: int, layout: str) -> None:
    other = tmp_path / "other.ts"
    with av.open(str(other), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=rate, layout=layout)
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(plain(90), "rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        sound = np.tile(beeps(MOMENTS, 2, rate), (audio.layout.nb_channels, 1))
        whole = av.AudioFrame.from_ndarray(sound, "fltp", layout)
        whole.sample_rate, whole.pts = rate, 0
        container.mux(audio.encode(whole))
        container.mux(audio.encode(None))
    path = tmp_path / "joined.ts"
    path.write_bytes(copied(film, tmp_path / "first.ts").read_bytes() + other.read_bytes())
    found = beginnings(samples_of(path))
    assert found == pytest.approx([*MOMENTS, *(2 + moment for moment in MOMENTS)], abs=0.05)


def test_damaged_sound_is_silent_and_the_rest_in_its_place(film: Path, tmp_path: Path) -> None:
    """Bytes of the packets between 0.6 and 0.9 s are wrong: the beep at 0.75 s is lost, no other."""
    path = tmp_path / "damaged.mkv"
    with av.open(str(film)) as read, av.open(str(path), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is None:
                continue
            target = streams[packet.stream.index]
            if packet.stream.type == "audio" and 0.6 < float(packet.dts * packet.time_base) < 0.9:
                broken = av.Packet(b"\xff" * packet.size)
                broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
                packet = broken
            packet.stream = target
            written.mux(packet)
    assert beginnings(samples_of(path)) == pytest.approx([each for each in MOMENTS if each != 0.75], abs=0.03)
    with frames_to(tmp_path / "out.mp4", 25, Sound(path)) as write:
        for shown in Footage.open(path):
            write(shown.image)
    assert beginnings(samples_of(tmp_path / "out.mp4")) == pytest.approx(
        [each for each in MOMENTS if each != 0.75], abs=0.03
    )


@pytest.mark.parametrize("delay", [0.4, -0.4])
def test_sound_that_begins_later_or_earlier_than_the_pictures(tmp_path: Path, delay: float) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(plain(90), "rgb24")
            frame.pts = number + (10 if delay < 0 else 0)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        values = (beeps([1.0], 3) * 32767).astype(np.int16)
        whole = av.AudioFrame.from_ndarray(values[None], "s16", "mono")
        whole.sample_rate, whole.pts = RATE, round(max(0, delay) * RATE)
        container.mux(audio.encode(whole))
        container.mux(audio.encode(None))
    assert beginnings(samples_of(path)) == pytest.approx([1.0 + delay], abs=0.01)
    with frames_to(tmp_path / "out.mp4", 25, Sound(path)) as write:
        for shown in Footage.open(path):
            write(shown.image)
    written = samples_of(tmp_path / "out.mp4")
    assert beginnings(written) == pytest.approx([1.0 + delay], abs=0.01)
    assert len(written) / RATE == pytest.approx(2.0, abs=0.05), "as long as the pictures"


def test_a_file_of_sound_alone_begins_at_its_beginning(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "voice.wav", beeps([0.5], 1))
    assert beginnings(samples_of(path)) == pytest.approx([0.5], abs=0.001)
