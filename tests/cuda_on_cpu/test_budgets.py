# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step and a frame may cost a GPU: kernels, waits, memory; and that nothing is where it must not be."""

from __future__ import annotations

import pytest

MOST_CONVOLUTIONS = 200
"""In the backward pass of R1's gradient; without `networks.blur` `final` has 2,566."""
MOST_WAITS = 1
"""Of the processor for the GPU in a training step: for the losses."""
MOST_MEMORY = 11.0
"""GiB that `final` trains in."""
MOST_RECORDED = 250
"""Kernels of a frame."""
NUMBERS = ("bfloat16", "float16", "float32")


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["preview", "final"])
def test_the_gradient_penalty_differentiates_by_no_constant_kernel(measured, preset):
    counted = measured("gradient penalty", preset)
    assert 0 < counted["double backward"]["convolutions"] < MOST_CONVOLUTIONS
    assert not counted["double backward"]["waits"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["preview", "final"])
def test_a_training_step_waits_once_at_most(measured, preset):
    for name, step in measured("training", preset).items():
        assert 0 < sum(step["waits"].values()) <= MOST_WAITS, (name, step["waits"])


@pytest.mark.slow
def test_a_step_is_recorded_without_what_a_recording_forbids_and_replayed_in_few_kernels(measured):
    found = measured("recording", "preview")
    for numbers in ("float16", "bfloat16"):
        plain, recording, replayed = (found[f"{numbers}, {stage}"] for stage in ("plain", "recording", "replayed"))
        assert 0.5 * plain["kernels"] < recording["recorded"] < plain["kernels"]
        assert not recording["illegal"]
        assert replayed["kernels"] < 0.25 * plain["kernels"]
    waits = {name: sum(step["waits"].values()) for name, step in found.items()}
    assert all(each <= MOST_WAITS + ("recording" in name) for name, each in waits.items()), waits


@pytest.mark.slow
def test_processes_that_train_together_record_nothing(measured):
    assert not measured("recording", "preview")["together"]["said"]["recordings"]


@pytest.mark.slow
def test_final_trains_in_a_common_gpus_memory(measured):
    peaks = {name: step["peak"] for name, step in measured("training", "final").items()}
    assert all(1 < peak < MOST_MEMORY for peak in peaks.values()), peaks


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["preview", "final"])
def test_a_frame_is_recorded_in_few_kernels_and_nothing_that_a_recording_forbids(measured, preset):
    for name, frame in measured("frame", preset).items():
        assert not frame["illegal"], name
        if "painting" not in name:
            assert frame["recorded"] > 50, name
            assert "SlowNd" not in "".join(frame["backends"]), frame["backends"]
    for numbers in NUMBERS:
        assert measured("frame", preset)[numbers]["recorded"] < MOST_RECORDED


@pytest.mark.slow
def test_pictures_come_from_the_gpu_whole_rows_at_once_after_one_wait(measured):
    for numbers in NUMBERS:
        painting = measured("frame", "final")[f"{numbers}, painting"]
        assert painting["said"]["contiguous"]
        assert sum(painting["waits"].values()) == 1, painting["waits"]


@pytest.mark.slow
def test_moments_from_a_file_lie_where_and_as_their_weights_do(measured):
    assert measured("resumed", "preview")["resumed"]["said"]["strange"] == []
