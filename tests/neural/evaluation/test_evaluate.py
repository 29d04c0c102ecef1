# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluation compares the avatar and the nearest training frame with held-out footage."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from rich.console import Console
from semblance.benchmarks.ablation_rows import by_row
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
from semblance.neural.evaluation import observer
from semblance.neural.evaluation.evaluate import evaluate
from semblance.neural.evaluation.figures import NO_DETECTOR, NO_FACE, WEIGHTS_MISSING, Figures
from semblance.neural.evaluation.nearest import mean_distances, nearest_frames
from semblance.neural.evaluation.output import AVATAR, NEAREST, Evaluation, markdown, save, show
from semblance.neural.kinds import KINDS
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.networks import Mirror
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.writer import DatasetWriter
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.performances.performance import Performance

FRAMES, SIZE = 20, 256


def performance() -> Performance:
    random = np.random.default_rng(5)
    return at_rest(
        FRAMES,
        expression=random.random((FRAMES, len(ARKIT_NAMES)), np.float32),
        translation=random.random((FRAMES, 3), np.float32),
        camera=PinholeCamera.default(SIZE),
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Textured pictures that differ from frame to frame; the texture map is the central window itself."""
    folder = tmp_path_factory.mktemp("evaluate") / "dataset"
    random = np.random.default_rng(7)
    uv = np.zeros((256, 256, 3), np.float32)
    uv[60:200, 60:200] = (0.5, 0.5, 1)
    matte = np.full((384, 384), 255, np.uint8)
    matte[:80] = 0
    with DatasetWriter(folder, SIZE) as writer:
        for index in range(FRAMES):
            coarse = random.random((24, 24, 3), np.float32)
            image = cv2.resize(coarse, (384, 384), interpolation=cv2.INTER_NEAREST)
            writer.add_picture(index, (image * 255).astype(np.uint8), matte)
            writer.add_maps(index, uv, image[64:320, 64:320])
        writer.finish(performance())
    return folder


def saved_avatar(path: Path, train_share: float = 0.8) -> Path:
    avatar_of(Mirror(), {}, performance(), train_share=train_share).save(path)
    return path


@pytest.fixture
def avatar(tmp_path, monkeypatch) -> Path:
    monkeypatch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: Mirror()))
    return saved_avatar(tmp_path / "avatar.safetensors")


@pytest.mark.slow
def test_a_perfect_avatar_beats_the_nearest_frame(avatar, dataset, tmp_path):
    heard = []
    found = evaluate(avatar, dataset, listener=heard.append)
    assert (found.training_frames, found.test_frames, found.resolution) == (16, 4, 256)
    good, rival = found.rows[AVATAR], found.rows[NEAREST]
    assert good.psnr > 35
    assert good.ssim > 0.95
    assert good.sharpness == pytest.approx(1, abs=0.1)
    assert rival.psnr < 15
    assert rival.ssim < 0.5
    assert found.sheet.shape == (4 * 256, 3 * 256, 3)
    assert heard[-1].fraction == 1

    save(found, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert written["rows"]["avatar"]["psnr"] == good.psnr
    assert (tmp_path / "out" / "evaluation.png").stat().st_size > 0
    assert good.flicker < rival.flicker / 5
    assert good.keypoint == NO_FACE
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert f"<td>{good.psnr:.2f}</td>" in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    lines = [line.strip("| ").split() for line in markdown(found).splitlines()]
    assert ["PSNR", "dB", "↑", "|", f"{good.psnr:.2f}", "|", f"{rival.psnr:.2f}"] in lines
    console = Console(record=True, width=100)
    show(found, console)
    printed = console.export_text()
    assert f"{rival.psnr:.2f}" in printed
    assert "translation 0.575" in printed


def test_without_mediapipe_all_else_is_measured(avatar, dataset, monkeypatch):
    def missing(still):
        raise ImportError("No module named 'mediapipe'")

    monkeypatch.setattr(observer, "LandmarkDetector", missing)
    found = evaluate(avatar, dataset, share=0.1).rows[AVATAR]
    assert found.psnr > 35
    assert found.pose == found.found == NO_DETECTOR


def test_an_evaluation_stops_when_told(avatar, dataset):
    def cancel(progress):
        if progress.done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        evaluate(avatar, dataset, listener=cancel)


def test_names_are_escaped_and_figures_that_no_row_has_are_left_out(tmp_path):
    unseen = (NO_FACE,) * 6
    figures = Figures(20.5, 21.5, 0.9, 0.9, 1.0, 3.0, *unseen, 0.5, 0.1, WEIGHTS_MISSING, 0.8)
    headings, lines, absent = by_row({"<b>one</b>": figures, "two": figures})
    assert "FID ↓" not in headings
    assert "FID: not measured: weights missing." in absent
    assert lines[1][:2] == ["two", "20.50"]
    assert lines[1][headings.index("faces found % ↑")] == "50"
    frame = {"<b>one</b>": np.zeros((64, 64, 3), np.uint8)}
    save(Evaluation({"<b>one</b>": figures}, 8, 2, 64, {"rotation": 0.1}, (frame,)), tmp_path)
    page = (tmp_path / "evaluation.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;one" in page


def test_the_nearest_frame_is_nearest_in_parameters():
    subject = performance()
    subject.expression[17] = subject.expression[3]
    subject.translation[17] = subject.translation[3]
    assert nearest_frames(subject, range(16), range(16, FRAMES))[17] == 3


def test_distances_count_in_standard_deviations():
    subject = performance()
    subject.translation[:] = 0
    subject.translation[:16, 0] = np.tile([-2.0, 2.0], 8)
    subject.translation[16:, 0] = 6.0
    found = mean_distances(subject, range(16), range(16, FRAMES))
    assert found["translation"] == pytest.approx(2.0, abs=1e-5)
    assert found["rotation"] == 0


def test_a_dataset_too_short_to_split_is_refused(avatar, dataset):
    with pytest.raises(UserError, match="longer video"):
        evaluate(avatar, dataset, share=0.01)


def test_frames_that_were_trained_on_are_no_test(avatar, dataset):
    with pytest.raises(UserError, match="first 80% of the frames"):
        evaluate(avatar, dataset, share=0.5)
    saved_avatar(avatar, train_share=1.0)
    with pytest.raises(UserError, match="trained on all frames"):
        evaluate(avatar, dataset)


def test_a_missing_picture_is_named(avatar, dataset, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    (copy / "back" / "000018.png").unlink()
    with pytest.raises(UserError, match=r"000018\.png"):
        evaluate(avatar, copy)
