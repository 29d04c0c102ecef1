# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of the original preprocessing trains like any dataset; it drives nothing, because it holds no motion."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.neural.avatar import Avatar
from semblance.neural.rendering.reenact import open_driver
from semblance.neural.styleavatar.training import build as training
from semblance.neural.styleavatar.training import presets
from semblance.neural.styleavatar.training.presets import PREVIEW
from semblance.tracking.heads.registry import open_head

SIDES = {"image": 384, "back": 384, "uv": 256, "render": 256}


@pytest.fixture
def original(tmp_path):
    folder = tmp_path / "original"
    random = np.random.default_rng(0)
    for name, side in SIDES.items():
        (folder / name).mkdir(parents=True)
        for index in (1, 2, 3):
            picture = random.integers(0, 256, (side, side, 3), np.uint8)
            cv2.imwrite(str(folder / name / f"{index:06d}.png"), picture[..., 0] if name == "back" else picture)
    (folder / "id.txt").write_text("0.250\n" * 150)
    (folder / "exp.txt").write_text("0.100\n" * 52)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("expressive", [0.0, 2.0])
def test_an_avatar_is_built_on_it(original, tmp_path, monkeypatch, expressive):
    small = replace(PREVIEW.network, feature_channels=16, generator=(8, 8, 8, 8, 8))
    losses = replace(PREVIEW.losses, expressive=expressive)
    tiny = replace(PREVIEW, name="tiny", network=small, discriminator=(4, 4, 4, 4, 4, 4), losses=losses)
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny)
    training.build(original, tmp_path / "a.safetensors", preset="tiny", steps=2, train_share=1)
    said = Avatar.load(tmp_path / "a.safetensors", "cpu").metadata
    assert (said.head, said.identity[0], said.ranges) == ("faceverse-v3", 0.25, {})
    assert said.rest.expression == pytest.approx((0.1,) * 52)
    told = any("Mouth and eyes" in sentence for sentence in said.provenance.fallbacks)
    assert told == (expressive > 0)


def test_it_drives_nothing(original):
    with pytest.raises(UserError, match="no motion"):
        open_driver(original, open_head("builtin"))
