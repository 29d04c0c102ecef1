# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks' mathematics and sizes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from semblance.neural.styleavatar.networks.blur import Blur
from semblance.neural.styleavatar.networks.config import PortraitConfig
from semblance.neural.styleavatar.networks.discriminator import Discriminator
from semblance.neural.styleavatar.networks.layers import (
    FromBands,
    ModulatedConvolution,
    ToPicture,
    embed,
    upsample,
)
from semblance.neural.styleavatar.networks.portrait import FeatureSource, PortraitNetwork, face_mask, sample_uv
from semblance.neural.styleavatar.networks.windows import CENTRED, Window
from semblance.neural.styleavatar.training.presets import FINAL, PRESETS, PREVIEW
from semblance.neural.wavelets import haar, inverse_haar
from semblance.tests.makers.networks import TINY


def test_wavelet_is_inverted_exactly_and_keeps_energy():
    picture = torch.randn(2, 3, 16, 12, dtype=torch.float64)
    bands = haar(picture)
    assert bands.shape == (2, 12, 8, 6)
    torch.testing.assert_close(inverse_haar(bands), picture)
    torch.testing.assert_close(bands.square().sum(), picture.square().sum())


def test_wavelet_bands_tell_rows_from_columns():
    stripes = torch.tensor([1.0, -1.0]).repeat(4)[:, None].expand(8, 8)[None, None]
    _, rows, columns, both = haar(stripes).unbind(1)
    assert rows.abs().min() == 2
    assert columns.abs().max() == both.abs().max() == 0


@pytest.mark.parametrize("up", [False, True])
def test_modulating_activations_equals_weights_of_each_sample(up):
    torch.manual_seed(0)
    layer = ModulatedConvolution(6, 5, 3, 8, up=up).double()
    x, style, bias = (torch.randn(*s, dtype=torch.float64) for s in ((3, 6, 8, 8), (3, 8), (5,)))
    together = layer(x, style, bias, 1.4)
    for sample in range(3):
        scale = layer.modulation(style[sample])
        weight = layer.weight * scale[None, :, None, None]
        weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        alone = x[sample : sample + 1]
        if up:
            alone = Blur(1, 4.0).double()(F.conv_transpose2d(alone, weight.transpose(0, 1), stride=2))
        else:
            alone = F.conv2d(alone, weight, padding=1)
        expected = (alone + bias[:, None, None]) * 1.4
        torch.testing.assert_close(together[sample : sample + 1], expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(layer(x[sample : sample + 1], style[sample : sample + 1], bias, 1.4), expected)


def test_wavelets_folded_into_weights_equal_wavelets_beside_them():
    torch.manual_seed(0)
    picture = torch.randn(2, 3, 8, 8)
    layer = FromBands(3, 5)
    expected = F.leaky_relu(F.conv2d(haar(picture), layer.weight, layer.bias), 0.2) * 2**0.5
    torch.testing.assert_close(layer(picture), expected)

    painter = ToPicture(6, 3, 8)
    x, style, below = torch.randn(2, 6, 4, 4), torch.randn(2, 8), torch.randn(2, 3, 4, 4)
    torch.nn.init.normal_(painter.bias)
    bands = painter.conv(x, style, painter.bias)
    torch.testing.assert_close(painter(x, style, below), inverse_haar(bands) + upsample(below))


def test_doubling_filters_zeros_put_between_pixels():
    picture = torch.randn(1, 1, 5, 5)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (torch.outer(taps, taps) / 16)[None, None]
    expected = F.conv_transpose2d(picture, kernel, stride=2, padding=1)
    torch.testing.assert_close(upsample(picture), expected)


def test_time_codes_of_neighbouring_frames_are_alike_with_few_octaves():
    near, far = embed(torch.tensor([0.5, 0.501, 0.9]), 64, 5)[[0, 1]], embed(torch.tensor([0.5, 0.9]), 64, 5)
    assert (near[0] - near[1]).norm() < 0.05 * (far[0] - far[1]).norm()
    assert embed(torch.tensor([0.3]), 64, 32).shape == (1, 64)


def test_face_features_are_looked_up_where_the_uv_map_points():
    texture = torch.arange(128.0).expand(1, 1, 128, 128).contiguous()
    uv = torch.full((2, 3, 128, 128), -1.0)
    uv[1, 0] = 2 * 40.5 / 128 - 1
    looked_up = sample_uv(texture, uv, "bilinear")
    assert looked_up[0].max() == 0
    torch.testing.assert_close(looked_up[1], torch.full((1, 128, 128), 40.0))


def test_fine_detail_of_the_face_moves_with_it_by_single_pixels():
    """Half a cell to the side: the picture of the face must be the same one, half a cell to the side."""
    network = PortraitNetwork(replace(TINY, face_lookup="fine", noise_levels=0))
    picture = torch.randn(1, 4, 256, 256)
    network.face.data[:, 4:] = haar(picture)
    centres = (torch.arange(256) + 0.5) / 128 - 1
    painted = []
    for moved in (0, 1):
        uv = torch.stack(
            [centres.roll(moved).expand(256, 256), centres[:, None].expand(256, 256), torch.ones(256, 256)]
        )
        painted.append(inverse_haar(network.face_layer(uv[None], network.face)[:, 4:]))
    torch.testing.assert_close(painted[0], picture, atol=1e-4, rtol=0)
    torch.testing.assert_close(painted[1], picture.roll(1, -1), atol=1e-4, rtol=0)


def test_face_mask_is_eroded_by_one_cell():
    uv = torch.full((1, 3, 128, 128), -1.0)
    uv[:, 2, 10:20, 10:20] = 1
    assert face_mask(uv).sum() == 64


def test_no_background_shows_through_the_face():
    """Whatever the mask says; the published network believes it."""
    uv = torch.full((1, 3, 256, 256), -1.0)
    uv[:, 2, 40:80, 40:80] = 1
    layer = torch.zeros(1, TINY.feature_channels + 4 * TINY.picture_channels, 128, 128)
    for in_front, expected in ((True, 14 * 14), (False, 0)):
        network = PortraitNetwork(replace(TINY, face_in_front=in_front, noise_levels=0))
        torch.nn.init.constant_(network.mask.bias, 9.0)
        torch.nn.init.zeros_(network.mask.weight)
        mask = network.predict_mask(layer, layer, network.covered(uv))
        assert int((mask == -1).sum()) == expected
        assert mask.max().item() > 0.99


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_preset_paints_its_resolution(preset):
    with torch.device("meta"):
        network, source = PortraitNetwork(preset.network), FeatureSource(preset.network)
        judge = Discriminator(preset.network.resolution, preset.discriminator)
        maps = torch.zeros(2, 3, 256, 256)
        face, back = source()
        network.bake(face, back)
        rgba = network(maps, maps, torch.zeros(2))
        side = preset.network.resolution
        assert rgba.shape == (2, 4, side, side)
        logits, features = judge(rgba[:, :3], maps)
        assert logits.shape == (2, 1)
        assert len(features) == len(preset.discriminator) - 1
        slid = network.paint(maps, maps, torch.zeros(2), face, back, Window(12, 54))
        assert slid.picture.shape[-1] == side
        assert slid.mask.shape == (2, 1, 128, 128)


def test_final_has_the_size_of_the_published_networks():
    def millions(module):
        return sum(parameter.numel() for parameter in module.parameters()) / 1e6

    with torch.device("meta"):
        network = PortraitNetwork(FINAL.network)
        baked = network.face.numel() + network.back.numel()
        assert millions(network) - baked / 1e6 == pytest.approx(47.5, abs=0.1)
        assert millions(FeatureSource(FINAL.network).face) == pytest.approx(21, abs=0.5)
        assert millions(Discriminator(1024, FINAL.discriminator)) == pytest.approx(27.8, abs=0.1)


def test_final_has_the_published_convolutions(shared):
    """Every convolution of the published checkpoint has one of the same shape here, and none is left over."""
    keys = json.loads((shared / "reference" / "styleavatar_checkpoint_keys.json").read_text())

    def shapes_there(net):
        return sorted(tuple(s)[-4:] for k, s in keys[net].items() if k.endswith("weight") and len(s) >= 4)

    with torch.device("meta"):
        ours = {
            "i_g": PortraitNetwork(FINAL.network),
            "f_g": FeatureSource(FINAL.network).face,
            "d": Discriminator(1024, FINAL.discriminator),
        }
    for net, module in ours.items():
        shapes = sorted(tuple(p.shape) for n, p in module.named_parameters() if n.endswith("weight") and p.ndim == 4)
        assert shapes == shapes_there(net)


def test_sliding_window_moves_the_background_with_it():
    torch.manual_seed(0)
    network = PortraitNetwork(TINY).eval()
    face, back = FeatureSource(TINY)()
    maps = torch.full((1, 3, 256, 256), -1.0)
    with torch.no_grad():
        here = network.paint(maps, maps, torch.zeros(1), face, back, CENTRED).picture
        there = network.paint(maps, maps, torch.zeros(1), face, back, Window(CENTRED.row + 16, CENTRED.column)).picture
    shifted, still = (here[..., 96:160, 64:192], there[..., 64:128, 64:192]), (here, there)
    assert (shifted[0] - shifted[1]).abs().mean() < 0.35 * (still[0] - still[1]).abs().mean()


def test_config_survives_json():
    assert PortraitConfig.from_json(json.loads(json.dumps(PREVIEW.network.to_json()))) == PREVIEW.network
