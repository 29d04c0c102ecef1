# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of training train: a narrow network, on a disc that moves to and fro."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from semblance.neural.styleavatar.training import presets
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.performance import Crop, Performance

COUNT, SIZE = 6, 256


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A disc with a face's colours that moves to and fro over stripes."""
    folder = tmp_path_factory.mktemp("dataset")
    rows, columns = np.mgrid[0:384, 0:384].astype(np.float32)
    map_rows, map_columns = np.mgrid[0:256, 0:256].astype(np.float32)
    for kind in ("image", "back", "uv", "render"):
        (folder / kind).mkdir()
    names = tuple(f"{index + 1:06d}" for index in range(COUNT))
    for index, name in enumerate(names):
        x = 120 + 4 * index
        disc = np.hypot(rows - 192, columns - x - 64) < 60
        map_disc = np.hypot(map_rows - 128, map_columns - x) < 60
        image = np.where(disc[..., None], [200, 150, 120], 60 + 60 * (columns[..., None] % 64 < 32))
        u, v = (map_columns - x + 60) / 120, (map_rows - 68) / 120
        uv = np.stack([u, v, np.ones_like(u)], 2) * map_disc[..., None]
        texture = np.array([220, 170, 140]) * map_disc[..., None]
        cv2.imwrite(str(folder / "image" / f"{name}.jpg"), image.astype(np.uint8)[..., ::-1])
        cv2.imwrite(str(folder / "back" / f"{name}.png"), (disc * 255).astype(np.uint8))
        cv2.imwrite(str(folder / "uv" / f"{name}.png"), (uv * 65535).clip(0, 65535).astype(np.uint16)[..., ::-1])
        cv2.imwrite(str(folder / "render" / f"{name}.png"), texture.astype(np.uint8)[..., ::-1])
    zeros = np.zeros
    head = open_head("builtin")
    identity, texture = zeros(len(head.identity_basis)), zeros(len(head.texture_basis))
    performance = Performance(
        "builtin", identity, texture, zeros((COUNT, 52)), np.tile(np.eye(3), (COUNT, 1, 1)),
        np.stack([np.linspace(-0.02, 0.02, COUNT), zeros(COUNT), np.full(COUNT, 0.9)], 1),
        zeros((COUNT, 2, 2)), np.ones(COUNT), np.arange(COUNT) / 25, PinholeCamera.default(SIZE), Crop(0, 0, 256),
        extra={"matting": "built-in", "head_only": "by the tracked head"},
    )  # fmt: skip
    performance.save(folder / "performance.npz")
    Dataset(folder, SIZE, names).save()
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    """A network this narrow gains nothing from threads, and loses much where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """The preview preset, so narrow that a step takes a fraction of a second."""
    network = replace(
        presets.PREVIEW.network,
        feature_channels=4,
        generator=(8, 8, 8, 8, 4),
        foreground_encoder=(4, 8, 8, 8),
        foreground_decoder=(8, 8, 4),
        portrait_encoder=(8, 8, 8, 8),
        portrait_decoder=(8, 8, 8, 4),
    )
    usual = presets.PREVIEW
    narrow = replace(
        usual,
        network=network,
        discriminator=(4, 8, 8, 8, 8, 8),
        optimiser=replace(usual.optimiser, learning_rate=3e-3),
        schedule=replace(
            usual.schedule, batch_size=2, adversary_start=0.5, adversary_every=2, r1_every=2, freeze_after=6
        ),
        augmentation=replace(usual.augmentation, slide_every=2, random_time_code=0.0),
    )
    monkeypatch.setitem(presets.PRESETS, "preview", narrow)
    return narrow
