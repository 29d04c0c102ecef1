# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage of each kind of colour looks as it was filmed: HDR, wide primaries, any depth and range; and not too dark."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest
from semblance.tests.makers.footage import portrait
from semblance.tracking.media.colorimetry import Matrix, Primaries, settled
from semblance.tracking.media.colour import rgb_of
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.video import frames_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Kr and Kb by matrix code."""
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
"""Linear RGB of BT.709 to BT.2020 (ITU-R BT.2087)."""
TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])
"""Linear RGB of BT.709 to Display P3 (Apple)."""
TO_625 = np.array([[0.9578, 0.0422, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0119, 1.0119]])
"""Linear RGB of BT.709 to BT.470 B/G (625 lines)."""


def face() -> np.ndarray:
    """A portrait `[128, 128, 3]`, 0 to 1, without the fine detail that 4:2:0 loses."""
    return cv2.GaussianBlur(cv2.resize(portrait(), (128, 128), interpolation=cv2.INTER_AREA), (0, 0), 2) / 255


def colours() -> np.ndarray:
    """A soft mixture `[128, 128, 3]` of strong colours, 0 to 1."""
    mixture = np.random.default_rng(3).uniform(0.15, 0.85, (5, 5, 3))
    return cv2.resize(mixture, (128, 128), interpolation=cv2.INTER_LINEAR)


def film(
    path: Path,
    signal: np.ndarray,
    pixels: str,
    *,
    matrix: int = 1,
    primaries: int = 1,
    transfer: int = 1,
    tagged: bool = True,
    full: bool = False,
) -> Path:
    """Write a picture `[H, W, 3]`, 0 to 1, as two frames without loss, `pixels` and code points of H.273 as told."""
    height, width = signal.shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        context = stream.codec_context
        if tagged:
            context.colorspace, context.color_primaries, context.color_trc = matrix, primaries, transfer
            context.color_range = 2 if full else 1
        for index in range(2):
            frame = stored(signal, pixels, matrix, full)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def stored(signal: np.ndarray, pixels: str, matrix: int, full: bool) -> av.VideoFrame:
    """The picture as planes of Y, U, V or of G, B, R."""
    frame = av.VideoFrame(signal.shape[1], signal.shape[0], pixels)
    bits = frame.format.components[0].bits
    last, unit = 2**bits - 1, 2 ** (bits - 8)
    if frame.format.is_rgb:
        wanted = [signal[..., channel] * last for channel in (1, 2, 0)]
    else:
        luma, *colour = differences(signal, matrix)
        wanted = [luma * last if full else (16 + 219 * luma) * unit]
        wanted += [each * last + 128 * unit if full else (128 + 224 * each) * unit for each in colour]
    for plane, codes in zip(frame.planes, wanted, strict=True):
        small = cv2.resize(codes, (plane.width, plane.height), interpolation=cv2.INTER_AREA)
        rows = np.frombuffer(memoryview(plane), np.dtype(np.uint8 if bits == 8 else np.uint16)).reshape(
            plane.height, -1
        )
        rows[:, : plane.width] = np.clip(np.round(small), 0, last)
    return frame


def differences(signal: np.ndarray, matrix: int) -> tuple[np.ndarray, ...]:
    """Y (0 to 1), Cb and Cr (-0.5 to 0.5)."""
    (red, blue), (r, g, b) = WEIGHTS[matrix], np.moveaxis(signal, -1, 0)
    luma = red * r + (1 - red - blue) * g + blue * b
    return luma, (b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)


def hlg(light: np.ndarray) -> np.ndarray:
    """HLG's signal of display light, 1 is white at 203 cd/m2, each channel with a system gamma of 1.2."""
    scene = (light * 203 / 1000) ** (1 / 1.2)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def pq(light: np.ndarray) -> np.ndarray:
    """PQ's signal of display light, 1 is white at 203 cd/m2."""
    power = (light * 203 / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def converted(picture: np.ndarray, matrix: np.ndarray, encode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The SDR picture, 0 to 1, in other primaries and with another transfer: what another camera would have written."""
    return encode(np.clip(picture**2.4 @ matrix.T, 0, None))


def seen(path: Path) -> np.ndarray:
    """The second frame, 0 to 255."""
    with closing(Footage.open(path).frames()) as frames:
        return list(frames)[1].image.astype(np.float32)


def error(path: Path, wanted: np.ndarray) -> tuple[float, float]:
    """Largest mean difference of a channel, and mean absolute difference, in levels of 255."""
    difference = seen(path) - 255 * wanted
    return float(np.abs(difference.mean((0, 1))).max()), float(np.abs(difference).mean())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv422p10le", "yuv444p10le", "yuv420p10le"])
def test_pictures_are_neither_darker_nor_brighter_than_they_were(tmp_path, pixels, full):
    steady, spread = error(film(tmp_path / "a.mkv", face(), pixels, full=full), face())
    assert steady < 0.6
    assert spread < 1


@pytest.mark.parametrize(
    ("codec", "pixels"), [("ffv1", "gbrp10le"), ("ffv1", "bgr0"), ("libx264rgb", "rgb24"), ("png", "rgb24")]
)
def test_rgb_stays_as_it_is(tmp_path, codec, pixels):
    path, picture = tmp_path / ("a.mov" if codec == "png" else "a.mkv"), np.round(face() * 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"qp": "0"} if codec == "libx264rgb" else {})
        stream.width, stream.height, stream.pix_fmt = 128, 128, pixels
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)))
        container.mux(stream.encode(None))
    assert error(path, picture / 255)[1] < 0.3


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
def test_grey_footage_has_its_range(tmp_path, pixels, full):
    frame = av.VideoFrame(64, 16, pixels)
    unit = 2 ** (frame.format.components[0].bits - 8)
    rows = np.frombuffer(memoryview(frame.planes[0]), np.dtype(np.uint8 if unit == 1 else np.uint16)).reshape(16, -1)
    rows[:, :32], rows[:, 32:] = (0, 255 * unit) if full else (16 * unit, 235 * unit)
    frame.color_range = 2 if full else 1
    assert rgb_of(frame, 64, 16)[8, [8, 56], 0].tolist() == [0, 255]


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p12le"])
@pytest.mark.parametrize(("transfer", "encode"), [(18, hlg), (16, pq)])
def test_hdr_is_shown_as_the_sdr_picture_of_the_same_scene(tmp_path, pixels, transfer, encode):
    signal = converted(face(), TO_2020, encode)
    path = film(tmp_path / "a.mkv", signal, pixels, matrix=9, primaries=9, transfer=transfer)
    steady, spread = error(path, face())
    assert steady < 1
    assert spread < 1.5


def test_hdr_that_only_says_its_transfer_is_taken_as_bt2020(tmp_path):
    path = film(tmp_path / "a.mkv", converted(face(), TO_2020, hlg), "yuv420p10le", matrix=9, primaries=2, transfer=18)
    assert error(path, face())[1] < 1.5


def test_highlights_of_hdr_keep_their_drawing_and_end_in_white(tmp_path):
    nits = np.repeat(np.linspace(100, 4000, 64), 4)[None, :, None].repeat(64, 0).repeat(3, 2)
    path = film(tmp_path / "a.mkv", pq(nits / 203), "yuv444p12le", matrix=9, primaries=9, transfer=16)
    row = seen(path)[32, :, 1]
    assert (np.diff(row) >= 0).all()
    assert row[0] == pytest.approx(255 * (100 / 203) ** (1 / 2.4), abs=2)
    assert 245 <= row[np.searchsorted(nits[0, :, 0], 203)] < row[-1] == 255


@pytest.mark.parametrize(
    ("primaries", "matrix", "to_them"),
    [(9, 9, TO_2020), (12, 1, TO_P3), (5, 5, TO_625)],
    ids=["BT.2020", "P3", "BT.470 B/G"],
)
def test_wide_and_old_primaries_are_converted(tmp_path, primaries, matrix, to_them):
    signal = converted(colours(), to_them, lambda light: light ** (1 / 2.4))
    path = film(tmp_path / "a.mkv", signal, "yuv444p10le", matrix=matrix, primaries=primaries, transfer=14)
    assert np.abs(signal - colours()).mean() * 255 > 0.8
    steady, spread = error(path, colours())
    assert steady < 0.4
    assert spread < 0.5


@pytest.mark.parametrize(
    "primaries", [each for each in Primaries if each not in (Primaries.UNSPECIFIED, Primaries.XYZ)]
)
def test_grey_stays_grey_in_all_primaries(tmp_path, primaries):
    path = film(tmp_path / "a.mkv", np.full((32, 32, 3), 0.5), "yuv420p", primaries=primaries)
    assert np.abs(seen(path) - 127.5).max() < 1.6


@pytest.mark.parametrize(("transfer", "gamma"), [(4, 2.2), (5, 2.8), (8, 1.0)])
def test_other_gammas_are_converted(tmp_path, transfer, gamma):
    path = film(tmp_path / "a.mkv", face() ** (2.4 / gamma), "yuv444p12le", transfer=transfer)
    assert error(path, face())[1] < 0.7


@pytest.mark.parametrize(("width", "height", "matrix"), [(1280, 720, 1), (720, 1280, 1), (720, 576, 6), (720, 480, 6)])
def test_untagged_footage_is_bt709_from_hd_on_and_bt601_below(tmp_path, width, height, matrix):
    colours = np.full((height, width, 3), (0.8, 0.4, 0.3))
    path = film(tmp_path / "a.mkv", colours, "yuv420p", matrix=matrix, tagged=False)
    assert error(path, colours)[1] < 1


@pytest.mark.parametrize(
    ("said", "settled_as"),
    [
        ((2, 9, 18), (Matrix.BT2020, 9, 18)),
        ((2, 2, 16), (Matrix.BT2020, Primaries.BT2020, 16)),
        ((2, 2, 2), (Matrix.SMPTE_170M, Primaries.BT709, 2)),
        ((0, 0, 0), (Matrix.SMPTE_170M, Primaries.BT709, 0)),
        ((5, 3, 1), (5, Primaries.BT709, 1)),
        ((14, 9, 16), (Matrix.BT2020, 9, 16)),
        ((255, 255, 255), (Matrix.SMPTE_170M, Primaries.BT709, 255)),
    ],
)
def test_what_is_left_open_or_unknown_is_presumed(said, settled_as):
    tags = settled(*said, False, 640, 480)
    assert (tags.matrix, tags.primaries, tags.transfer) == settled_as


def test_what_is_written_reads_back_as_it_was(tmp_path):
    picture = np.round(face() * 255).astype(np.uint8)
    with frames_to(tmp_path / "out.mp4", 25) as write:
        for _ in range(2):
            write(picture)
    steady, spread = error(tmp_path / "out.mp4", picture / 255)
    assert steady < 0.3
    assert spread < 1.8


def test_a_phones_hlg_looks_like_its_sdr_copy(shared):
    faults = shared / "faults"
    if not faults.is_dir():
        pytest.skip(f"needs {faults}")
    with (
        closing(Footage.open(faults / "hlg.mov").frames()) as hdr,
        closing(Footage.open(faults / "hlg-as-sdr.mp4").frames()) as sdr,
    ):
        differences = [np.abs(a.image.astype(int) - b.image).mean() for a, b in zip(hdr, sdr, strict=True)]
    assert np.mean(differences) < 3.1
