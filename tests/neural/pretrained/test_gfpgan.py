# SPDX-License-Identifier: GPL-3.0-or-later
"""GFPGAN's network: as the published one, number by number, and tiny."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
import safetensors.torch
import torch
from semblance.common.errors import UserError
from semblance.neural.pretrained.gfpgan.decoder import StyleDecoder, conditioned
from semblance.neural.pretrained.gfpgan.network import GFPGAN
from torch import Tensor

SEED = 20261128
TOLERANCE = 3e-5
"""Twice what float32 differs from float64 by; the numbers have a range of 6.4."""


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng([SEED, zlib.crc32(name.encode())]).standard_normal(shape)


def made_up(key: str, shape: tuple[int, ...]) -> Tensor:
    """The made-up weights that the golden output belongs to: by the end of the key and the number of dimensions."""
    values = drawn(f"gfpgan.{key}", shape)
    if key.endswith("bias"):
        values = values * 0.1
    elif len(shape) <= 1:
        values = 1 + 0.1 * values
    else:
        values = values / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(values * (0.5 if key.startswith("stylegan_decoder.to_rgbs") else 1))).float()


@pytest.fixture(scope="module")
def golden(shared):
    folder = shared / "reference" / "oneshot_golden"
    if not folder.is_dir():
        pytest.skip("needs the golden output of GFPGAN")
    return folder


def test_it_has_the_published_networks_tensors(golden):
    published = json.loads((golden / "gfpgan_v14_keys.json").read_text())
    with torch.device("meta"):
        own = GFPGAN().state_dict()
    assert {key: list(tensor.shape) for key, tensor in own.items()}.items() <= published.items()
    left_out = {key for key in published if key not in own}
    assert {key.split(".")[0] if key.startswith("toRGB") else key[:26] for key in left_out} == {
        "toRGB",  # of training
        "stylegan_decoder.style_mlp",  # of random faces
    }


@pytest.mark.slow
def test_it_paints_what_the_published_network_paints(golden):
    with torch.device("meta"):
        network = GFPGAN()
    network.load_state_dict({key: made_up(key, tuple(t.shape)) for key, t in network.state_dict().items()}, assign=True)
    face = torch.from_numpy(np.tanh(drawn("face", (1, 3, 512, 512)))).float()
    with torch.inference_mode():
        out = network.eval()(face)
    with np.load(golden / "gfpgan_v14_golden.npz") as truth:
        np.testing.assert_allclose(out[..., ::8, ::8].numpy(), truth["out_stride8"], atol=TOLERANCE)
        np.testing.assert_allclose(out[..., 240:304, 240:304].numpy(), truth["out_crop"], atol=TOLERANCE)
        stats = [out.mean(), out.std(), out.abs().max()]
        np.testing.assert_allclose(stats, truth["out_stats"], atol=TOLERANCE)


@pytest.fixture
def tiny() -> GFPGAN:
    torch.manual_seed(0)
    network = GFPGAN(size=32, width=16)
    for name, buffer in network.stylegan_decoder.noises.named_buffers():
        buffer.copy_(torch.randn_like(buffer))
        assert buffer.shape[-1] == (4 if name == "noise0" else 4 << (int(name[5:]) + 1) // 2)
    return network.eval()


def test_a_face_depends_on_the_picture_and_on_nothing_else(tiny):
    faces = torch.rand(2, 3, 32, 32) * 2 - 1
    out = tiny(faces)
    assert out.shape == (2, 3, 32, 32)
    assert torch.equal(out, tiny(faces))
    torch.testing.assert_close(out[1:], tiny(faces[1:]))
    assert not torch.allclose(out[0], out[1])


def test_every_scale_steers_the_face():
    torch.manual_seed(0)
    decoder = StyleDecoder(16, 8)
    codes = torch.randn(1, decoder.codes, 8)
    neutral = [(torch.ones(1, 4, side, side), torch.zeros(1, 4, side, side)) for side in (8, 16)]
    plain = decoder(codes, neutral)
    for level, (scale, shift) in enumerate(neutral):
        steered = list(neutral)
        steered[level] = (scale, shift + 0.5)
        assert (decoder(codes, steered) - plain).abs().max() > 1e-2
    for number in range(decoder.codes):
        other = codes.clone()
        other[:, number] += 1
        assert (decoder(other, neutral) - plain).abs().max() > 1e-4, number


def test_half_of_the_channels_stay():
    x = torch.randn(1, 6, 4, 4)
    y = conditioned(x, torch.full((1, 3, 4, 4), 2.0), torch.ones(1, 3, 4, 4))
    assert torch.equal(y[:, :3], x[:, :3])
    assert torch.equal(y[:, 3:], x[:, 3:] * 2 + 1)


@pytest.mark.slow
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_file_of_the_published_layout_is_read(tmp_path, wrapped):
    with torch.device("meta"):
        network = GFPGAN()
    tensors = {key: torch.full((1,), 0.5).expand(tensor.shape) for key, tensor in network.state_dict().items()}
    torch.save({"params_ema": tensors} if wrapped else tensors, tmp_path / "mine.pth")
    read = GFPGAN.from_file(tmp_path / "mine.pth")
    assert all(bool((tensor == 0.5).all()) for tensor in read.state_dict().values())
    del tensors["stylegan_decoder.noises.noise3"]
    torch.save(tensors, tmp_path / "lacking.pth")
    with pytest.raises(UserError, match=r"lacks a fitting stylegan_decoder\.noises\.noise3"):
        GFPGAN.from_file(tmp_path / "lacking.pth")


def test_another_network_is_refused(tmp_path, tiny):
    safetensors.torch.save_file(tiny.state_dict(), tmp_path / "tiny.safetensors")
    with pytest.raises(UserError, match="another network than GFPGAN"):
        GFPGAN.from_file(tmp_path / "tiny.safetensors")
