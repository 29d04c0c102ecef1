# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of the original StyleAvatar preprocessing are written, and opened as datasets."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.dataset import Dataset, Layout
from semblance.tracking.datasets.original_layout import person_at_rest
from semblance.tracking.datasets.writer import DatasetWriter

SIZE = 256
SIDE = 384


def picture(side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture
def original(tmp_path):
    """What the original code leaves: frames from 3 on, no description."""
    folder = tmp_path / "original"
    for name, side in (("image", SIDE), ("render", 256), ("uv", 256), ("back", SIDE)):
        (folder / name).mkdir(parents=True)
        for index in (3, 4, 5):
            cv2.imwrite(str(folder / name / f"{index:06d}.png"), picture(side, index))
    (folder / "id.txt").write_text("".join(f"{value:.3f}\n" for value in np.linspace(-1, 1, 150)))
    (folder / "exp.txt").write_text("".join(f"{value:.3f}\n" for value in np.linspace(0, 1, 52)))
    return folder


def test_the_originals_folder_is_a_dataset(original):
    dataset = Dataset.open(original)
    assert (dataset.size, dataset.names, dataset.layout) == (256, ("000003", "000004", "000005"), Layout.STYLEAVATAR)
    assert (cv2.imread(str(dataset.image("000004"))) == picture(SIDE, 4)).all()
    performance = dataset.performance()
    assert (performance.head, len(performance)) == ("faceverse-v3", 3)
    np.testing.assert_allclose(performance.identity, np.linspace(-1, 1, 150), atol=6e-4)
    np.testing.assert_allclose(performance.expression[2], np.linspace(0, 1, 52), atol=6e-4)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: (folder / "uv" / "000004.png").unlink(), "different frames"),
        (lambda folder: (folder / "image" / "000003.png").write_bytes(b"\x89PNG"), "damaged"),
        (lambda folder: cv2.imwrite(str(folder / "image" / "000003.png"), picture(1024)), "crop size of 1536"),
        (lambda folder: [path.unlink() for path in folder.glob("*/*.png")], "no PNG files"),
    ],
)
def test_a_damaged_folder_is_refused(original, harm, reason):
    harm(original)
    with pytest.raises(UserError, match=reason):
        Dataset.open(original)


@pytest.mark.parametrize("text", ["", "0.1\n" * 149, "0.1\n" * 149 + "x\n", "nan\n" * 150])
def test_a_damaged_identity_is_refused(original, text):
    (original / "id.txt").write_text(text)
    with pytest.raises(UserError, match=r"id\.txt must hold 150 numbers"):
        Dataset.open(original).performance()


def test_a_folder_for_the_original_code_is_written(tmp_path):
    image, matte = picture(SIDE), picture(SIDE)[..., 0]
    maps = picture(256).astype(np.float32) / 255
    performance = at_rest(identity=np.linspace(-1, 1, 40), expression=0.25)
    with DatasetWriter(tmp_path / "set", SIZE, Layout.STYLEAVATAR) as writer:
        writer.add_picture(0, image, matte)
        writer.add_maps(0, maps, maps)
        writer.finish(performance)
    for name, expected in (("image", image), ("back", matte), ("uv", picture(256)), ("render", picture(256))):
        found = cv2.imread(str(tmp_path / "set" / name / "000001.png"), cv2.IMREAD_UNCHANGED)
        assert found.dtype == np.uint8
        assert (found == (expected[..., ::-1] if expected.ndim == 3 else expected)).all()
    assert (tmp_path / "set" / "id.txt").read_text().splitlines()[0] == "-1.000"
    assert (tmp_path / "set" / "exp.txt").read_text().splitlines() == ["0.250"] * 52
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.layout is Layout.STYLEAVATAR
    assert dataset.performance().head == "builtin"


def test_without_a_folder_it_is_the_mean_person():
    performance = person_at_rest(None, 2, 1024)
    assert not performance.identity.any()
    assert performance.translation[1].tolist() == [0, 0, 1]
    assert performance.camera.fx == 1315 * 2
