# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance overlay`: a video with what was tracked over it, its sound kept, a plot beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.footage import plain, tone, write_video
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.media.video import frames_to
from semblance.tracking.overlay.video import frame_at, write_overlay
from semblance.tracking.performances.performance import Crop, Performance

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 6


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    path = tmp_path / "footage.mp4"
    with frames_to(path, 25) as write:
        for _ in range(FRAMES):
            write(np.full((240, 320, 3), 120, np.uint8))
    return path


@pytest.fixture
def performance(footage: Path) -> Performance:
    """All frames of the footage but the first two."""
    return at_rest(
        FRAMES - 2, load_builtin(), times=np.arange(2, FRAMES) / 25, crop=Crop(60, 20, 200), source=str(footage)
    )


def test_frames_are_drawn_over_where_there_is_a_performance(performance: Performance, tmp_path: Path) -> None:
    plot = write_overlay(tmp_path / "overlay.mp4", performance, load_builtin())
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == FRAMES
    drawn = [np.abs(frame - 120).max() > 60 for frame in frames]
    assert drawn == [False, False, True, True, True, True]
    assert cv2.imread(str(plot)) is not None
    assert plot == tmp_path / "overlay.png"


def test_frames_are_found_by_their_time(performance: Performance) -> None:
    assert [frame_at(performance, number / 25 + 0.003, 25) for number in range(FRAMES)] == [None, None, 0, 1, 2, 3]


def test_a_pause_between_frames_is_none_of_its_neighbours(performance: Performance) -> None:
    """The average rate of uneven footage is low: half a step of it reaches over the next frame."""
    paused = replace(performance, times=np.array([0.0, 0.04, 2.0, 2.08]))
    assert [frame_at(paused, time, 2.0) for time in (0.0, 0.04, 2.0, 2.04, 2.08)] == [0, 1, 2, None, 3]


def test_every_picture_is_drawn_at_its_own_time(performance: Performance, tmp_path: Path) -> None:
    stamps = [0, 40, 80, 880, 920, 960]
    source = write_video(
        tmp_path / "uneven.mp4", [plain(60 + 20 * number, 240, 320) for number in range(6)], times=stamps, sound=tone(1)
    )
    uneven = replace(performance, times=np.array(stamps[2:]) / 1000, source=str(source))
    write_overlay(tmp_path / "overlay.mp4", uneven, load_builtin())
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        frames = list(container.decode(video=0))
        assert (container.duration or 0) / av.time_base == pytest.approx(1.0, abs=0.2)
    assert [frame.time for frame in frames] == pytest.approx([stamp / 1000 for stamp in stamps], abs=0.002)
    corners = [frame.to_ndarray(format="rgb24")[:8, -8:].mean() for frame in frames]
    assert corners == pytest.approx([60 + 20 * number for number in range(6)], abs=6)


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({}, "overlay.mov", r"end the name in \.mp4"),
        ({"head": "faceverse-v3"}, "overlay.mp4", "is for the head faceverse-v3, not for builtin"),
        ({"source": ""}, "overlay.mp4", "has no footage"),
        ({"crop": None}, "overlay.mp4", "has no footage"),
        ({"source": "gone.mp4"}, "overlay.mp4", "gone.mp4"),
    ],
)
def test_mistakes_get_one_sentence(performance, tmp_path: Path, change: dict, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        write_overlay(tmp_path / name, replace(performance, **change), load_builtin())
