# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of performance file is recognised by its contents and comes back as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tests.makers.performances import moving
from semblance.tracking.heads.head import ARKIT_NAMES, MorphableHead
from semblance.tracking.performances.captures.arkit_json import ARKIT
from semblance.tracking.performances.captures.live_link import LIVE_LINK
from semblance.tracking.performances.captures.plain_csv import PLAIN_CSV
from semblance.tracking.performances.captures.registry import read_performance, write_performance
from semblance.tracking.performances.captures.semblance_npz import NPZ

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.performances.captures.capture_format import CaptureFormat

RATES = [24, 25, 30000 / 1001, 30, 60000 / 1001, 60, 120]
KEPT = {
    NPZ: ("expression", "rotation", "translation", "gaze", "confidence"),
    PLAIN_CSV: ("expression", "rotation", "translation", "gaze", "confidence"),
    ARKIT: ("expression", "rotation", "translation", "gaze", "confidence"),
    LIVE_LINK: ("expression", "rotation", "gaze"),
}


@pytest.mark.parametrize("written", KEPT, ids=lambda each: each.name)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(2, 12), fps=st.sampled_from(RATES))
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    written: CaptureFormat,
    seed: int,
    frames: int,
    fps: float,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{written.name}.file"  # contents decide, not the name
    performance = moving(frames, seed, fps=fps)
    if written is NPZ:
        path = path.with_suffix(".npz")
    write_performance(performance, path, written)
    back = read_performance(path)
    for name in KEPT[written]:
        assert getattr(back, name) == pytest.approx(getattr(performance, name), abs=1e-6), name
    if written is not LIVE_LINK:  # few frames of timecode do not tell how many make a second
        assert back.fps == pytest.approx(fps)
        assert back.times == pytest.approx(performance.times, abs=1e-6)


@pytest.mark.parametrize("fps", RATES)
def test_live_link_keeps_time(tmp_path: Path, fps: float) -> None:
    performance = moving(500, fps=fps)
    write_performance(performance, tmp_path / "take.csv", LIVE_LINK)
    back = read_performance(tmp_path / "take.csv")
    assert back.fps == pytest.approx(fps)
    assert back.times == pytest.approx(performance.times, abs=2e-5)


@pytest.mark.parametrize("name", ["take.npz", "take.csv", "take.json"])
def test_the_name_says_what_is_written(tmp_path: Path, name: str) -> None:
    performance = moving()
    write_performance(performance, tmp_path / name)
    assert read_performance(tmp_path / name).expression == pytest.approx(performance.expression, abs=1e-6)


def test_a_name_that_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"take\.mov does not say what to write; end it in \.npz"):
        write_performance(moving(), tmp_path / "take.mov")


def test_a_capture_without_pose_keeps_still_before_the_camera(tmp_path: Path) -> None:
    path = tmp_path / "jaw.csv"
    path.write_text("time,jawOpen\n0,0.5\n0.04,0.25\n")
    performance = read_performance(path)
    assert performance.head == "builtin"
    assert performance.rotation == pytest.approx(np.tile(np.eye(3), (2, 1, 1)))
    assert (performance.translation[:, 2] > 0.3).all()
    said = " ".join(performance.extra["notes"])
    assert "no head rotation" in said
    assert "lacks stay 0: browDownLeft" in said
    assert "jawOpen" not in said


def test_eyes_follow_the_looks_where_there_are_no_eye_angles(tmp_path: Path) -> None:
    path = tmp_path / "looks.csv"
    path.write_text("time,eyeLookDownLeft,eyeLookInLeft,eyeLookUpRight,eyeLookOutRight\n0,0.5,1,0.5,1\n")
    (left_pitch, left_yaw), (right_pitch, right_yaw) = read_performance(path).gaze[0]
    assert left_pitch > 0 > right_pitch, "the left eye looks down, the right one up"
    assert left_yaw > 0, "the left eye looks at the nose, to the subject's right"
    assert right_yaw > 0, "and the right one away from it"


def test_gaps_in_a_table_of_ours_are_kept(tmp_path: Path) -> None:
    performance = moving(10).at(np.r_[0:3, 6:10])
    write_performance(performance, tmp_path / "take.csv")
    assert len(read_performance(tmp_path / "take.csv")) == 7


def test_faceverse_coefficients_come_back_with_their_own_head(v4_head: MorphableHead, tmp_path: Path) -> None:
    path = tmp_path / "capture.csv"
    path.write_text("time,eyeBlinkLeft,rotation_x,rotation_y,rotation_z\n0,0.25,0,0.1,0\n0.04,0.75,0,0.2,0\n")
    performance = read_performance(path, v4_head)
    write_performance(performance, tmp_path / "take.npy", head=v4_head)
    back = read_performance(tmp_path / "take.npy", v4_head)
    assert back.head == v4_head.name
    assert back.rotation == pytest.approx(performance.rotation, abs=1e-5)
    assert back.expression[:, ARKIT_NAMES.index("eyeBlinkLeft")] == pytest.approx([0.25, 0.75], abs=1e-5)
    with pytest.raises(UserError, match="The head builtin has no coefficient vectors"):
        read_performance(tmp_path / "take.npy")
