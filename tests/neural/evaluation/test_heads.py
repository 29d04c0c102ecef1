# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads in three dimensions are compared in the head's pixels alone, and by how far they are turned."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.evaluation import metrics, observer
from semblance.neural.evaluation.evaluate import evaluate
from semblance.neural.evaluation.output import AVATAR, NEAREST, markdown, save
from semblance.neural.evaluation.regions import Region, head_regions, person_regions
from semblance.neural.kinds import KINDS
from semblance.neural.radiance.kind import RADIANCE
from semblance.neural.runtimes.runtime import Runtimes
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.networks import one_thread
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.pictures import read_window
from semblance.tracking.datasets.writer import DatasetWriter
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.heads.rotations import from_angles
from torch import nn

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance

FRAMES, SIZE = 50, 256
YAWS = np.where(np.arange(FRAMES) < 48, np.where(np.arange(FRAMES) % 2, 15, 5), 30)
"""Degrees: of the last ten frames four are turned by 5, four by 15, two by 30."""


class Painted(nn.Module):
    """Shows the same RGBA and depth whatever the head does."""

    def __init__(self, picture: torch.Tensor) -> None:
        super().__init__()
        self.picture = nn.Parameter(picture)


class PaintedRuntimes(Runtimes):
    def __init__(self, network: Painted) -> None:
        self.picture = network.picture

    def at_once(self, look):
        return self

    def run(self, *inputs: torch.Tensor) -> torch.Tensor:
        *_, camera = inputs
        assert camera[0, 4:].tolist() == [SIZE, SIZE]
        return self.picture[None]


def performance() -> Performance:
    angles = np.stack([0 * YAWS, np.radians(YAWS), 0 * YAWS], 1)
    return at_rest(FRAMES, open_head("builtin"), rotation=from_angles(angles), camera=PinholeCamera.default(SIZE))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    """A person all over the picture, so that only the tracked head says what is the head's; the same in every frame."""
    folder = tmp_path_factory.mktemp("heads") / "dataset"
    coarse = np.random.default_rng(7).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (384, 384), interpolation=cv2.INTER_NEAREST)
    with DatasetWriter(folder, SIZE) as writer:
        for index in range(FRAMES):
            writer.add_picture(index, picture, np.full((384, 384), 255, np.uint8))
        writer.draw_maps(open_head("builtin"), performance())
        return writer.finish(performance())


@pytest.fixture
def measured(dataset, tmp_path, monkeypatch):
    """What evaluation finds of an avatar that shows RGB `[S, S, 3]` with an alpha `[S, S]`, 0 to 1."""

    def missing(still):
        raise ImportError

    monkeypatch.setattr(observer, "LandmarkDetector", missing)
    monkeypatch.setitem(
        KINDS,
        "radiance",
        replace(
            RADIANCE,
            load=lambda config: Painted(torch.zeros(5, SIZE, SIZE)),
            runtimes=PaintedRuntimes,
            device=lambda: "cpu",
        ),
    )

    def measure(rgb, alpha, **options):
        picture = np.dstack([rgb.astype(np.float32) / 127.5 - 1, alpha * 2 - 1, alpha]).transpose(2, 0, 1)
        network = Painted(torch.from_numpy(np.ascontiguousarray(picture, np.float32)))
        avatar_of(network, {}, performance(), kind="radiance").save(tmp_path / "head.safetensors")
        with one_thread():
            return evaluate(tmp_path / "head.safetensors", dataset.folder, **options)

    return measure


def region(dataset: Dataset):
    return next(head_regions(dataset, [0], SIZE))


def test_the_region_is_the_head_without_body_and_backdrop(dataset):
    head, camera = open_head("builtin"), performance().camera
    marks = np.round(camera.project(performance().translation[0] + head.mean[head.landmarks[[4, 152, 10]]])).astype(int)
    (nose, chin, brow), matte = marks, region(dataset).matte
    assert matte[nose[1], nose[0]] == matte[brow[1] + 4, brow[0]] == 1
    assert (matte[chin[1] + 25 :] == 0).all()
    assert (matte[:, :10] == 0).all()
    assert 0.1 < region(dataset).counted.mean() < 0.6
    assert next(person_regions(dataset, [0], SIZE)).matte.min() == 1


def test_a_dataset_without_motion_has_no_heads_pixels(dataset, monkeypatch):
    monkeypatch.setattr(Dataset, "is_foreign", True)
    with pytest.raises(UserError, match="--region person"):
        next(head_regions(dataset, [0], SIZE))


@pytest.mark.slow
def test_what_counts_is_the_head_and_holes_cost(dataset, measured, tmp_path):
    footage = read_window(dataset, 0, SIZE)
    inside = np.max([each.matte for each in head_regions(dataset, range(FRAMES), SIZE)], 0)
    other = np.where(inside[..., None] > 0, footage, 255 - footage)
    alpha = np.ones((SIZE, SIZE), np.float32)
    whole = measured(other, alpha, share=0.1)
    assert whole.region == "head"
    assert whole.rows[AVATAR].psnr > 40
    assert whole.rows[AVATAR].ssim > 0.99
    assert whole.rows[NEAREST].psnr == np.inf
    assert measured(other, alpha, share=0.04, region="person").rows[AVATAR].psnr < 15
    alpha[:, SIZE // 2 :] = 0
    assert measured(footage, alpha, share=0.04).rows[AVATAR].psnr < 15
    save(whole, tmp_path / "out")
    assert "head pixels only" in markdown(whole)
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["region"] == "head"


def test_a_soft_edge_counts_in_the_persons_own_colours():
    """Neither dark hair shown as it is nor footage that mixes it with a light wall is taken for wrong."""
    rows, columns = np.mgrid[:64, :64]
    share = np.clip((24 - np.hypot(rows - 32, columns - 32)) / 8 + 0.5, 0, 1).astype(np.float32)
    hair = np.full((64, 64, 3), 40, np.uint8)
    filmed = np.round(share[..., None] * hair + (1 - share[..., None]) * 230).astype(np.uint8)
    matte = np.round(255 * share).astype(np.uint8)
    head = Region(share, share > 0.5, matte)
    truth, mixed = (metrics.without_background(each, share) for each in (head.alone(filmed), filmed))
    shown = metrics.without_background(hair, share)
    assert metrics.psnr(shown, truth, head.counted) > 30
    assert metrics.psnr(shown, mixed, head.counted) < 25
    assert np.array_equal(Region(share).alone(filmed), filmed)


def test_figures_are_given_by_yaw_where_frames_are_enough(dataset, measured, monkeypatch):
    monkeypatch.setattr("semblance.neural.evaluation.yaw_bins.LEAST", 3)
    enough = measured(read_window(dataset, 0, SIZE), np.ones((SIZE, SIZE), np.float32))
    assert {name: each.frames for name, each in enough.bins.items()} == {"yaw 0 to 10°": 4, "yaw 10 to 20°": 4}
    assert enough.bins["yaw 0 to 10°"].rows[AVATAR].psnr > 40
    assert "PSNR dB ↑, yaw 10 to 20° (4)" in markdown(enough)
    assert "By yaw" not in markdown(replace(enough, bins={}))


def test_pixels_outside_the_region_do_not_count():
    truth = np.random.default_rng(0).random((64, 64, 3), np.float32)
    picture, inside = truth.copy(), np.zeros((64, 64), bool)
    picture[:, 40:] = 0
    inside[:, :24] = True
    assert metrics.psnr(picture, truth, inside) == np.inf
    assert metrics.ssim(picture, truth, inside) == pytest.approx(1, abs=1e-4)
    assert metrics.psnr(picture, truth, ~inside) < metrics.psnr(picture, truth) < 15
    assert metrics.ssim(picture, truth, ~inside) < metrics.ssim(picture, truth) < 0.9
