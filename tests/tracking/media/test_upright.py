# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures stand as they are meant to: every display matrix, wide pixels, sizes that change on the way."""

from __future__ import annotations

import gc
import struct
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.tests.makers.footage import plain, write_video
from semblance.tracking.media.footage import Footage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WIDTH, HEIGHT = 96, 64
TKHD_MATRIX = 4 + 4 + 5 * 4 + 4 * 2 + 4 * 2
"""Offset of the display matrix after the name of a version 0 `tkhd` box."""
RED, GREEN = (250, 20, 20), (20, 200, 20)


def marked(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A grey picture, red at its top left, green at its top right."""
    picture = plain(120, height, width)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    return picture


def turn(path: Path, matrix: Sequence[float]) -> None:
    """Write a display matrix `a b c d` into an mp4: x' = a x + c y, y' = b x + d y."""
    a, b, c, d = matrix
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + TKHD_MATRIX
    data[start : start + 36] = struct.pack(">9i", *(round(v * 65536) for v in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "matrix",
    [
        *((x, 0, 0, y) for x in (1, -1) for y in (1, -1)),
        *((0, x, y, 0) for x in (1, -1) for y in (1, -1)),
    ],
)
def test_all_eight_display_matrices(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path = write_video(tmp_path / "video.mp4", [marked()] * 3, codec="mpeg4", bit_rate=4_000_000)
    turn(path, matrix)
    footage = Footage.open(path)
    image = next(iter(footage)).image.astype(int)
    assert footage.size == (image.shape[1], image.shape[0])
    assert footage.size == ((HEIGHT, WIDTH) if matrix[0] == 0 else (WIDTH, HEIGHT))
    height, width = image.shape[:2]
    for colour, x, y in ((RED, -WIDTH / 3, -HEIGHT / 3), (GREEN, WIDTH / 3, -HEIGHT / 3)):
        a, b, c, d = matrix
        column, row = width / 2 + a * x + c * y, height / 2 + b * x + d * y
        assert np.abs(image[int(row), int(column)] - colour).max() < 30


def test_a_turn_that_is_not_quite_one_is_taken_for_the_nearest(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", [marked()] * 3, codec="mpeg4", bit_rate=4_000_000)
    turn(path, (-0.999, 0.02, 0.02, 0.999))
    image = next(iter(Footage.open(path))).image.astype(int)
    assert np.abs(image[5, -5] - RED).max() < 30


@pytest.mark.parametrize("name", ["wide.mp4", "wide.mkv", "wide.ts", "wide.mov"])
def test_wide_pixels_become_square(tmp_path: Path, name: str) -> None:
    """mp4, mov and mkv say it themselves; in ts only the pictures do."""
    path = write_video(tmp_path / name, [marked()] * 5, pixel_aspect=Fraction(4, 3))
    footage = Footage.open(path)
    assert footage.size == (128, HEIGHT)
    assert next(iter(footage)).image.shape == (HEIGHT, 128, 3)


def test_pixels_that_get_wide_on_the_way(tmp_path: Path) -> None:
    """Television: the same stored size, now 4:3, now 16:9. The wide picture is fitted into the first one's."""
    first = write_video(tmp_path / "a.ts", [marked(64, 64)] * 12, codec="mpeg2video", pixel_aspect=Fraction(1))
    second = write_video(tmp_path / "b.ts", [marked(64, 64)] * 12, codec="mpeg2video", pixel_aspect=Fraction(2))
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    frames = list(Footage.open(path))
    assert len(frames) == 24
    assert {frame.image.shape for frame in frames} == {(64, 64, 3)}
    last = frames[-1].image.astype(int)
    assert last[2].max() < 30, "bars above and below"
    assert np.abs(last[20, 5] - RED).max() < 40
    assert np.abs(frames[0].image[2, 5].astype(int) - RED).max() < 40


def changing(path: Path, sizes: Sequence[tuple[int, int]], each: int = 5) -> Path:
    """A stream of VP8 whose pictures change to these (width, height) on the way, as WebRTC's do."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=25, options={"b": "2M"})
        stream.width, stream.height = sizes[0]
        stream.pix_fmt = "yuv420p"
        for block, (width, height) in enumerate(sizes):
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.options = Fraction(1, 25), {"b": "2M"}
            packets = []
            for _ in range(each):
                frame = av.VideoFrame.from_ndarray(marked(height, width), "rgb24").reformat(format="yuv420p")
                packets += encoder.encode(frame)
            for number, packet in enumerate(packets + encoder.encode(None)):
                packet.pts = packet.dts = block * each + number
                packet.time_base, packet.stream = Fraction(1, 25), stream
                container.mux(packet)
    return path


@pytest.mark.parametrize(("first", "second"), [((96, 64), (48, 32)), ((48, 32), (96, 64))], ids=["down", "up"])
@pytest.mark.parametrize("longest", [None, 40])
def test_sizes_that_change_are_brought_to_the_first(tmp_path: Path, first, second, longest) -> None:
    footage = Footage.open(changing(tmp_path / "video.webm", [first, second, first]))
    frames = list(footage.frames(longest))
    assert len(frames) == 15
    assert len({frame.image.shape for frame in frames}) == 1
    for frame in frames:
        image = frame.image.astype(int)
        height, width = image.shape[:2]
        assert np.abs(image[height // 4, width // 4] - RED).max() < 40
        assert np.abs(image[height // 4, 3 * width // 4] - GREEN).max() < 40
    assert sum("size" in frame.note for frame in frames) == 1


def test_a_phone_that_is_turned_on_the_way_keeps_its_proportions(tmp_path: Path) -> None:
    frames = list(Footage.open(changing(tmp_path / "video.webm", [(96, 64), (64, 96)])))
    last = frames[-1].image.astype(int)
    assert last.shape == (64, 96, 3)
    inside = np.flatnonzero(last.max(2).max(0) > 60)
    assert len(inside) == pytest.approx(64 * 64 / 96, abs=3)
    assert inside.mean() == pytest.approx(47.5, abs=1.5)


def test_frames_that_were_seen_leave_the_memory_at_once(tmp_path: Path) -> None:
    """Not when Python looks for cycles: by then there may be gigabytes of them."""
    footage = Footage.open(changing(tmp_path / "video.webm", [(96, 64)], each=12))
    gc.collect()
    gc.disable()
    try:
        assert sum(1 for _ in footage.frames()) == 12
        assert not [each for each in gc.get_objects() if isinstance(each, av.VideoFrame)]
    finally:
        gc.enable()
