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
