# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restorer is chosen, what it says of itself, and what it does to a view."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.pretrained.gfpgan.network import GFPGAN
from semblance.neural.radiance.restoration import choice
from semblance.neural.radiance.restoration.choice import choose_restorer
from semblance.neural.radiance.restoration.detail_transfer import DetailTransfer
from semblance.neural.radiance.restoration.posed_photo import PosedPhoto
from semblance.neural.radiance.restoration.restorer import FaceRestorer, GfpganNetwork, NoRestorer
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera

SIDE = 128
HEAD = load_builtin()
CAMERA = PinholeCamera(1.5 * SIDE, 1.5 * SIDE, SIDE / 2, SIDE / 2, SIDE, SIDE)
VERTICES = (HEAD.mean - HEAD.mean.mean(0) + [0, 0, 1.15]).astype(np.float32)
VIEW = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
ALPHA = np.ones((SIDE, SIDE), np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for weights, and nothing else on this machine."""
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "engine"))
    monkeypatch.setenv("SEMBLANCE_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return tmp_path


def photo() -> PosedPhoto:
    return PosedPhoto(HEAD, VERTICES, CAMERA, VIEW, np.ones((SIDE, SIDE), np.float32), CAMERA.project(VERTICES))


def test_auto_takes_gfpgan_where_it_is(folder):
    chosen = choose_restorer("auto")
    assert chosen.name == "transfer"
    assert chosen.sentence == "The photo's own detail was carried over to the rendered views."
    (folder / "GFPGANv1.4.pth").touch()
    assert choose_restorer("auto").name == choose_restorer("gfpgan").name == "gfpgan"
    assert "GFPGAN v1.4" in choose_restorer("auto").sentence
    assert choose_restorer("transfer").name == "transfer"
    assert choose_restorer("none").weights is None


def test_gfpgan_that_is_missing_is_told_with_what_to_do(folder):
    with pytest.raises(UserError, match=r"GFPGAN v1\.4 is not on this machine: `semblance weights fetch gfpgan`"):
        choose_restorer("gfpgan")


def test_a_damaged_file_is_told_when_it_is_opened(folder):
    (folder / "GFPGANv1.4.pth").write_bytes(b"no")
    with pytest.raises(UserError, match=r"GFPGANv1\.4\.pth is cut short"):
        choose_restorer("gfpgan").opened(photo())


def test_what_was_chosen_is_opened(folder, monkeypatch):
    with choose_restorer("none").opened(photo()) as restorer:
        assert isinstance(restorer, NoRestorer)
        assert restorer.restore(VIEW, ALPHA, VERTICES, CAMERA) is VIEW
    with choose_restorer("auto").opened(photo()) as restorer:
        assert isinstance(restorer, DetailTransfer)
    (folder / "GFPGANv1.4.pth").touch()
    monkeypatch.setattr(choice, "GfpganNetwork", lambda path, device: lambda face: 255 - face)
    with choose_restorer("auto").opened(photo()) as restorer:
        assert isinstance(restorer, FaceRestorer)
        restored = restorer.restore(VIEW, ALPHA, VERTICES, CAMERA)
    nose = np.round(CAMERA.project(VERTICES[HEAD.landmarks[4]])).astype(int)
    about = np.s_[nose[1] - 6 : nose[1] + 6, nose[0] - 6 : nose[0] + 6]
    assert np.corrcoef(restored[about].ravel(), VIEW[about].ravel())[0, 1] < -0.5
    assert np.array_equal(restored[:8], VIEW[:8])


def test_gfpgan_sees_and_gives_bytes(folder, monkeypatch):
    torch.manual_seed(0)
    network = GFPGAN(size=32, width=16).eval()
    monkeypatch.setattr(GFPGAN, "from_file", classmethod(lambda cls, path: network))
    face = VIEW[:32, :32]
    restored = GfpganNetwork(folder / "any", "cpu")(face)
    assert restored.shape == (32, 32, 3)
    assert restored.dtype == np.uint8
    scaled = torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255 * 2 - 1
    expected = (network(scaled)[0].clamp(-1, 1).permute(1, 2, 0) + 1) / 2 * 255
    assert np.abs(restored - expected.numpy()).max() < 0.51
