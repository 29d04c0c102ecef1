# SPDX-License-Identifier: GPL-3.0-or-later
"""Folded networks paint what the trained ones do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from semblance.neural.avatar import too_large
from semblance.neural.runtimes.look_cache import MOST_KEPT, PATIENCE, LookCache
from semblance.neural.runtimes.runtime import agree
from semblance.neural.styleavatar.folding.fold import can_fold, fold
from semblance.neural.styleavatar.folding.layers import HALF_MERGED_FROM, doubling
from semblance.neural.styleavatar.folding.packing import PackedConvolution, packed
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.neural.styleavatar.networks.blur import Blur
from semblance.neural.styleavatar.networks.config import StyleUNetConfig
from semblance.neural.styleavatar.networks.layers import SLOPE
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
from semblance.neural.styleavatar.networks.styleunet import StyleUNet
from semblance.neural.styleavatar.networks.windows import Windows
from semblance.neural.styleavatar.runtimes import FoldedRuntime
from semblance.neural.styleavatar.training.presets import FINAL, PRESETS, PREVIEW
from semblance.protocol.look import Look
from semblance.tests.makers.networks import random_maps

SMALL_FINAL = replace(
    FINAL.network,
    feature_channels=16,
    foreground_encoder=(8, 16, 16, 16),
    foreground_decoder=(16, 16, 8),
    portrait_encoder=(8, 16, 16, 16),
    portrait_decoder=(16, 16, 16, 16, 8, 8),
)
"""The published network, but for the channels."""
SMOOTH = replace(PREVIEW.network, face_lookup="bilinear")
STILL = Look(0.3)
MOVED = Look(0.3, (5, -3), (0, 2))
BETWEEN_CELLS = Look(0.3, (2.5, -3.25), (0.5, 2))


def trained(network):
    """Weights like those of a trained network: nothing is zero."""
    drawn = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim < 3 or name in ("face", "back"):
                parameter += 0.2 * torch.randn(parameter.shape, generator=drawn)
    return network.eval().requires_grad_(False)


def portrait(config):
    torch.manual_seed(0)
    return trained(PortraitNetwork(config))


@torch.inference_mode()
def difference(network, folded, time_code, windows=()):
    expected = network(*random_maps(), torch.tensor([time_code]), *windows)
    assert expected.std() > 0.05
    return float((folded(*random_maps()) - expected).abs().max())


@pytest.mark.parametrize("merge", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "look",
    [
        pytest.param(STILL, id="still"),
        pytest.param(MOVED, id="moved", marks=pytest.mark.slow),
        pytest.param(BETWEEN_CELLS, id="between cells", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(PREVIEW.network, id="preview", marks=pytest.mark.slow),
        pytest.param(SMALL_FINAL, id="final"),
        pytest.param(SMOOTH, id="smooth", marks=pytest.mark.slow),
    ],
)
def test_folded_networks_paint_the_same(config, look, merge):
    network = portrait(config)
    folded, windows = fold(network, look, merge), Windows.of(look)
    if merge == torch.float32:
        assert difference(network, folded, 0.3, (windows,)) < 1e-4
    else:
        assert difference(network, folded, 0.3, (windows,)) < 0.05


def test_merging_blurs_changes_nothing():
    from semblance.neural.styleavatar.folding.portrait import FoldedPortrait

    network = portrait(SMALL_FINAL)
    assert difference(network, FoldedPortrait(network, 0.3, Windows(), merge=True), 0.3) < 1e-4


@pytest.mark.parametrize("outputs", [3, HALF_MERGED_FROM], ids=["all of the blur merged", "half of it"])
def test_merged_doubling_is_transposed_convolution_and_blur(outputs):
    drawn = torch.Generator().manual_seed(3)
    weight, bias, x = (torch.randn(s, generator=drawn) for s in ((outputs, 5, 3, 3), (outputs,), (2, 5, 7, 6)))
    blur = Blur(1, gain=4.0)
    expected = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)) + bias[:, None, None]
    torch.testing.assert_close(doubling(weight, bias, blur, linear=True)(x), expected, atol=1e-4, rtol=0)
    expected = F.leaky_relu(expected, SLOPE)
    torch.testing.assert_close(doubling(weight, bias, blur, linear=False)(x), expected, atol=1e-4, rtol=0)


def test_time_codes_are_told_apart():
    network = portrait(PREVIEW.network)
    assert difference(network, fold(network, STILL), 0.3) < 1e-4
    assert difference(network, fold(network, STILL), 0.8) > 1e-2


@pytest.mark.slow
def test_standard_is_folded_too():
    network = portrait(PRESETS["standard"].network)
    assert difference(network, fold(network, Look(0.6)), 0.6) < 1e-3


def test_lone_styleunet_is_folded():
    torch.manual_seed(0)
    network = trained(StyleUNet(StyleUNetConfig(256, (8, 16, 16), (16, 16, 8, 8), skips=1)))
    assert difference(network, fold(network, Look(0.0)), 0.0) < 1e-4


def test_packed_weights_give_the_same_picture():
    network = portrait(PREVIEW.network)
    folded = packed(fold(network, STILL), *random_maps())
    assert any(isinstance(each, PackedConvolution) for each in folded.modules())
    assert difference(network, folded, 0.3) < 1e-4


def test_ablation_rows_without_layers_are_left_as_they_are():
    assert not can_fold(portrait(replace(PREVIEW.network, layers=("face", "background"))))
    assert can_fold(portrait(replace(PREVIEW.network, layers=("foreground", "background"), styled=False)))
    network = portrait(replace(PREVIEW.network, styled=False))
    assert difference(network, fold(network, STILL), 0.3) < 1e-4


@pytest.mark.slow
def test_bfloat16_is_left_aloud_where_it_does_not_agree(monkeypatch, caplog):
    network = portrait(PREVIEW.network)
    runtime = FoldedRuntime(network, STILL, dtype=torch.bfloat16)
    runtime.run(*random_maps())
    assert runtime.dtype == torch.bfloat16
    monkeypatch.setattr("semblance.neural.styleavatar.runtimes.agree", lambda *pictures: False)
    runtime = FoldedRuntime(network, STILL, dtype=torch.bfloat16)
    with torch.inference_mode():
        exact = network(*random_maps(), torch.tensor([0.3]))
        torch.testing.assert_close(runtime.run(*random_maps()), exact, atol=1e-4, rtol=0)
    assert runtime.dtype == torch.float32
    assert "rendered in float32" in caplog.text


def test_gpu_that_cannot_hold_a_frame_is_told_of_with_what_would_fit():
    assert "build one of 512 pixels (standard)" in too_large(1024, STYLEAVATAR.sizes())
    assert "close other programs" in too_large(256, STYLEAVATAR.sizes())
    assert "build" not in too_large(256, STYLEAVATAR.sizes())


def test_pictures_agree_unless_they_differ_or_are_nothing():
    picture = torch.zeros(1, 4, 256, 256)
    speck, blot = picture.clone(), picture.clone()
    speck[0, 3, 7, 7:10] = 0.5
    blot[0, 0, :9, :9] = 0.5
    assert agree(picture, picture + 1e-3)
    assert agree(picture, speck)
    assert not agree(picture, blot)
    assert not agree(picture, picture + 0.05)
    assert not agree(picture, picture / 0)


def test_looks_that_stay_are_made_ready_and_looks_that_change_are_not():
    made = []

    def maker(kind):
        def make(look):
            made.append(kind)
            return kind

        return make

    looks = LookCache(maker("ready"), maker("at once"))
    assert [looks.runtime(Look(0.5)) for _ in range(3)] == ["ready"] * 3
    assert made == ["ready"]
    changing = [looks.runtime(Look(frame / 100)) for frame in range(6)]
    assert changing == ["ready"] * PATIENCE + ["at once"] * (6 - PATIENCE)
    assert looks.runtime(Look(0.5)) == "ready"
    assert [looks.runtime(Look(0.9)), looks.runtime(MOVED)] == ["ready", "ready"]
    assert len(looks._kept) == MOST_KEPT


def test_look_that_changed_and_then_stays_is_made_ready():
    looks = LookCache(lambda look: "ready", lambda look: "at once")
    for frame in range(PATIENCE + 3):
        looks.runtime(Look(frame / 100))
    assert [looks.runtime(Look(0.7)) for _ in range(2)] == ["at once", "ready"]
