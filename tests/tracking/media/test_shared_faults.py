# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that failed in use, where they are at hand: streams, times, shape and sound that no one header field tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tests.makers.footage import beginnings
from semblance.tracking.media.footage import INTERLACED, Footage, Frame
from semblance.tracking.media.plate import needs_plate
from semblance.tracking.media.sound import Sound, sound_samples

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def faults(shared: Path) -> Path:
    folder = shared / "faults"
    if not folder.is_dir():
        pytest.skip("needs the files that failed in use")
    return folder


def read(path: Path) -> tuple[Footage, list[Frame]]:
    footage = Footage.open(path)
    return footage, list(footage)


@pytest.mark.parametrize(
    ("name", "count", "seconds", "size"),
    [
        ("edit-list.mp4", 37, 37 / 25, (256, 256)),
        ("cover-first.mp4", 50, 2, (256, 256)),
        ("mirrored.mp4", 50, 2, (256, 256)),
        ("size-changes.webm", 50, 2, (256, 256)),
        ("joined.ts", 100, 4, (256, 256)),
        ("sound-gap.mp4", 50, 2, (256, 256)),
        ("sound-unknown-first.mp4", 50, 2, (256, 256)),
        ("uneven.mp4", 30, 2, (256, 256)),
        ("wide-pixels.mp4", 50, 2, (256, 256)),
        ("interlaced.mp4", 25, 1, (247, 288)),
    ],
)
def test_every_frame_at_its_time_in_its_shape(faults: Path, name: str, count: int, seconds: float, size) -> None:
    footage, frames = read(faults / name)
    assert len(frames) == count
    assert footage.size == size
    assert {frame.image.shape for frame in frames} == {(size[1], size[0], 3)}
    times = np.array([frame.time for frame in frames])
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(seconds - 1 / 25, abs=0.01)
    assert needs_plate(footage, times, any(frame.note for frame in frames))


def test_mirrored_is_mirrored_and_upright(faults: Path) -> None:
    mirrored, plain = (read(faults / name)[1][0].image for name in ("mirrored.mp4", "sound-gap.mp4"))
    assert np.abs(mirrored[:, ::-1].astype(int) - plain).mean() < 4


def test_a_changed_size_shows_the_same_person_at_the_same_size(faults: Path) -> None:
    changed, whole = (read(faults / name)[1] for name in ("size-changes.webm", "sound-gap.mp4"))
    for number in (10, 30, 49):
        assert np.abs(changed[number].image.astype(int) - whole[number].image).mean() < 8


def test_fields_are_gone_and_said(faults: Path) -> None:
    footage, frames = read(faults / "interlaced.mp4")
    assert footage.notes == (INTERLACED,)
    rows = [frame.image.astype(float).mean(2) for frame in frames]
    energy = [np.abs(row[1:-1] - (row[:-2] + row[2:]) / 2).mean() for row in rows]
    assert max(energy) < 2.5  # woven, 14


@pytest.mark.parametrize(
    ("name", "moments"),
    [
        ("sound-gap.mp4", [0.25, 0.5, 1.0, 1.25, 1.5, 1.75]),
        ("sound-unknown-first.mp4", [0.03, 0.8, 0.94, 1.75]),
        ("joined.ts", [0.8, 0.94, 1.75, 2.8, 2.94, 3.75]),
    ],
)
def test_sounds_stay_where_they_are(faults: Path, name: str, moments: list[float]) -> None:
    samples = np.concatenate(list(sound_samples(Sound(faults / name))), 1)[0]
    assert beginnings(samples * (0.4 / np.abs(samples).max())) == pytest.approx(moments, abs=0.03)
