# SPDX-License-Identifier: GPL-3.0-or-later
"""A plate is written for footage that Blender shows otherwise; every picture and sound is at its time in it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.tests.makers.footage import beeps, beginnings, copied, plain, write_video
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.plate import needs_plate, rate_of, write_plate
from semblance.tracking.media.sound import Sound, sound_samples

if TYPE_CHECKING:
    from pathlib import Path

PAUSE = [*range(0, 400, 40), *range(1200, 2000, 40)]
"""Milliseconds of pictures that pause for 0.8 s."""


def level(number: int) -> int:
    return 30 + 6 * number


def needed(path: Path) -> bool:
    footage = Footage.open(path)
    frames = list(footage)
    return needs_plate(footage, np.array([frame.time for frame in frames]), any(frame.note for frame in frames))


def test_usual_footage_is_its_own_plate(tmp_path: Path) -> None:
    assert not needed(write_video(tmp_path / "usual.mp4", [plain(90)] * 50, sound=beeps([0.5], 2)))
    phone = [round(33.3 * number) + (number * 7) % 5 for number in range(60)]
    assert not needed(write_video(tmp_path / "phone.mp4", [plain(90)] * 60, 30, times=phone))


def test_odd_footage_is_written_anew(tmp_path: Path) -> None:
    pictures = [plain(level(number)) for number in range(30)]
    assert needed(write_video(tmp_path / "pause.mp4", pictures, times=PAUSE))
    assert needed(write_video(tmp_path / "wide.mp4", pictures, pixel_aspect=Fraction(4, 3)))
    whole = write_video(tmp_path / "whole.mp4", pictures, sound=beeps([0.1, 1.0], 1.2))
    assert needed(copied(whole, tmp_path / "trimmed.mp4", shift=-0.4))
    assert needed(copied(whole, tmp_path / "gap.mp4", keep=lambda kind, time: kind != "audio" or not 0.3 < time < 0.6))
    both = tmp_path / "both.ts"
    both.write_bytes(copied(whole, tmp_path / "one.ts").read_bytes() * 2)
    assert needed(both)


def test_every_picture_stands_at_its_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "pause.mp4", [plain(level(n)) for n in range(30)], times=PAUSE, sound=beeps([1.2], 2))
    footage = Footage.open(path)
    times = np.array([frame.time for frame in footage])
    write_plate(footage, times, tmp_path / "plate.mp4")
    with av.open(str(tmp_path / "plate.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 25
        shown = [(frame.time, frame.to_ndarray(format="rgb24").mean()) for frame in container.decode(stream)]
    assert len(shown) == 50
    for time, grey in shown:
        number = max(n for n, stamp in enumerate(PAUSE) if stamp <= 1000 * time + 5)
        assert grey == pytest.approx(level(number), abs=3)
    heard = np.concatenate(list(sound_samples(Sound(tmp_path / "plate.mp4"))), 1)[0]
    assert beginnings(heard) == pytest.approx([1.2], abs=0.03)


def test_the_plate_has_the_nominal_rate_where_that_is_the_usual_one() -> None:
    assert rate_of(np.arange(100) / 29.97, 29.97) == 29.97
    assert rate_of(np.array(PAUSE) / 1000, 15.0) == 25.0
    assert rate_of(np.zeros(1), 24.0) == 24.0
