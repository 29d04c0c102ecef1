# SPDX-License-Identifier: GPL-3.0-or-later
"""Where strips go: by time, by the crop, whatever the frame rates."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.blender_addon.render.pixels import Window
from semblance.blender_addon.sequence.sequencer import (
    FRAMES,
    PLATE,
    SOUND,
    Frames,
    Plate,
    Sound,
    plan_sequence,
    spread,
    whole_rate,
)
from semblance.common.errors import UserError
from semblance.tracking.performances.performance import Crop

FOOTAGE = Path("/footage/talk.mp4")


def pictures(count: int) -> tuple[Path, ...]:
    return tuple(Path(f"/frames/{number:04d}.png") for number in range(1, count + 1))


def plate(**given) -> Plate:
    return Plate(
        **{"file": FOOTAGE, "size": (1080, 1920), "fps": 25.0, "count": 500, "crop": Crop(300, 500, 600), **given}
    )


def strips_of(plan) -> dict:
    return {strip.shows: strip for strip in plan.strips}


def test_frames_lie_in_the_window_of_the_plate_that_they_show():
    plan = plan_sequence(Frames(pictures(50), (256, 256), 25.0), plate())
    frames = strips_of(plan)[FRAMES]
    assert (plan.width, plan.height, plan.fps) == (1080, 1920, 25.0)
    assert frames.scale * 256 == pytest.approx(600)
    assert frames.offset == (60.0, 160.0)  # the window's middle is (600, 800), the plate's (540, 960), up is positive
    assert frames.blend == "ALPHA_OVER"
    assert [strip.channel for strip in plan.strips] == sorted({strip.channel for strip in plan.strips})


def test_plate_and_sound_start_where_the_performance_does():
    plan = plan_sequence(Frames(pictures(50), (256, 256), 25.0), plate(begins=-1.6), Sound(FOOTAGE, -1.6))
    strips = strips_of(plan)
    assert (plan.first, plan.last) == (1, 50)
    assert strips[PLATE].skipped == strips[SOUND].skipped == 40
    assert strips[PLATE].start == strips[SOUND].start == strips[FRAMES].start == 1


def test_a_driver_that_begins_in_the_middle_of_the_scene():
    plan = plan_sequence(Frames(pictures(50), (256, 256), 25.0), plate(), Sound(Path("/other.mp4"), 1.0))
    assert strips_of(plan)[SOUND].skipped == -25


@settings(max_examples=40)
@given(count=st.integers(1, 400), fps=st.sampled_from([12.0, 23.976, 24, 25, 29.97, 30, 50, 60]), to=st.floats(10, 60))
def test_pictures_of_any_rate_are_shown_at_their_time(count, fps, to):
    files = pictures(count)
    shown, numbers = spread(files, fps, to), {file: number for number, file in enumerate(files)}
    assert abs(len(shown) / to - count / fps) <= 1 / to + 0.001 * count / fps
    for frame, file in enumerate(shown):
        meant = frame / to * fps
        assert abs(numbers[file] - min(meant, count - 1)) <= 0.5 + 0.001 * meant + 1e-6


def test_the_sequence_runs_at_the_plates_rate():
    plan = plan_sequence(Frames(pictures(48), (256, 256), 24.0), plate(fps=30.0))
    assert plan.fps == 30.0
    assert strips_of(plan)[FRAMES].length == 60


def test_frames_of_all_of_the_plate_lie_over_all_of_it():
    window = Window(150.0, 250.0, 300.0, 300.0)  # at half of the plate's size
    frames = strips_of(plan_sequence(Frames(pictures(5), (540, 960), 25.0, window), plate()))[FRAMES]
    assert (frames.scale, frames.offset) == (2.0, (0.0, 0.0))


def test_a_photo_stands_behind_all_frames():
    plan = plan_sequence(Frames(pictures(30), (256, 256), 25.0), plate(file=Path("/me.jpg"), size=(511, 641), count=1))
    assert len(strips_of(plan)[PLATE].files) == 30
    assert (plan.width, plan.height) == (512, 642)  # H.264 wants even lengths


def test_without_a_plate_the_frames_fill_the_picture():
    plan = plan_sequence(Frames(pictures(30), (512, 512), 25.0))
    assert (plan.width, plan.height, len(plan.strips)) == (512, 512, 1)
    assert (plan.strips[0].scale, plan.strips[0].offset) == (1.0, (0.0, 0.0))


def test_nothing_rendered_is_said():
    with pytest.raises(UserError, match="render the animation first"):
        plan_sequence(Frames((), (256, 256), 25.0), plate())


@pytest.mark.parametrize(
    ("fps", "whole"), [(25.0, (25, 1.0)), (30000 / 1001, (30, 1.001)), (23.976, (24, 24 / 23.976))]
)
def test_frame_rates_as_blender_writes_them(fps, whole):
    assert whole_rate(fps) == pytest.approx(whole)
