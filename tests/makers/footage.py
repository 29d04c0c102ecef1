# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures, short videos and sound, written with PyAV alone: what the product reads is not written by the product."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import skimage.data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

MILLISECOND = Fraction(1, 1000)


def portrait(shift: int = 0) -> np.ndarray:
    """The head and shoulders `[256, 256, 3]` of NASA's public-domain astronaut, moved to the right by some pixels."""
    return np.ascontiguousarray(skimage.data.astronaut()[0:256, 96 - shift : 352 - shift])


def plain(level: int | Sequence[int], height: int = 64, width: int = 64) -> np.ndarray:
    """A picture `[height, width, 3]` of one grey or one colour."""
    return np.full((height, width, 3), level, np.uint8)


def tone(seconds: float, rate: int = 48_000) -> np.ndarray:
    """Samples `[seconds * rate]`, -1 to 1, of a hum."""
    return (0.27 * np.sin(np.arange(int(seconds * rate)) * 2400 / rate)).astype(np.float32)


def beeps(moments: Sequence[float], seconds: float, rate: int = 48_000) -> np.ndarray:
    """Samples `[seconds * rate]`, -1 to 1: silence, and at each of the moments a beep of a twentieth of a second."""
    times = np.arange(int(seconds * rate)) / rate
    sounding = np.any([(times >= moment) & (times < moment + 0.05) for moment in moments], 0)
    return np.where(sounding, 0.5 * np.sin(2 * np.pi * 880 * times), 0.0).astype(np.float32)


def beginnings(samples: np.ndarray, rate: int = 48_000) -> list[float]:
    """Seconds at which samples `[n]` get loud after at least a tenth of a second that was not."""
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    return [float(at) / rate for at, before in zip(loud, [-rate, *loud], strict=False) if at - before > rate / 10]


def copied(
    source: Path,
    target: Path,
    *,
    shift: float = 0.0,
    keep: Callable[[str, float], bool] = lambda _kind, _time: True,
    options: dict[str, str] | None = None,
) -> Path:
    """Copy a video's packets as they are, all of them `shift` seconds later; `keep(kind, time)` says which."""
    with av.open(str(source)) as read, av.open(str(target), "w", options=options or {}) as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is None or not keep(packet.stream.type, float(packet.dts * packet.time_base)):
                continue
            ticks = round(shift / packet.time_base)
            packet.pts = packet.dts + ticks if packet.pts is None else packet.pts + ticks
            packet.dts += ticks
            packet.stream = streams[packet.stream.index]
            written.mux(packet)
    return target


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    fps: int = 25,
    *,
    times: Sequence[int] | None = None,
    sound: np.ndarray | None = None,
    rate: int = 48_000,
    codec: str = "libx264",
    bit_rate: int | None = None,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """Write pictures of one size, evenly timed or at `times` in milliseconds, and samples `sound` (-1 to 1) as AAC."""
    shown = list(pictures)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options={"crf": "10"} if codec == "libx264" else {})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = shown[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if bit_rate:
            stream.bit_rate = bit_rate
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if times is not None:
            stream.codec_context.time_base = MILLISECOND
        audio = container.add_stream("aac", rate=rate, layout="mono") if sound is not None else None
        for index, picture in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[index], MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            mux_sound(container, audio, sound, rate, "fltp")
    return path


def write_sound(path: Path, samples: np.ndarray, rate: int = 48_000) -> Path:
    """Write samples (-1 to 1) as one channel of sound: 16 bits uncompressed for `.wav`, else AAC."""
    codec, kind = ("pcm_s16le", "s16") if path.suffix == ".wav" else ("aac", "fltp")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        mux_sound(container, stream, samples, rate, kind)
    return path


def mux_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, samples: np.ndarray, rate: int, kind: str
) -> None:
    """Encode all samples into a stream."""
    values = (samples * 32767).astype(np.int16) if kind == "s16" else samples.astype(np.float32)
    frame = av.AudioFrame.from_ndarray(values[None], kind, "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
