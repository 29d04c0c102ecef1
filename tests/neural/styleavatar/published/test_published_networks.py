# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks are the published ones: same weights and inputs, same outputs."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from semblance.neural.styleavatar.networks.discriminator import Discriminator
from semblance.neural.styleavatar.networks.features import FeatureGenerator
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork, sample_uv, with_noise
from semblance.neural.styleavatar.networks.windows import ENLARGED_SIZE, Window, middle
from semblance.neural.styleavatar.published.checkpoint import (
    convolution,
    decoder_levels,
    encoder_level,
    equalised,
    mapping,
    portrait_tensors,
)
from semblance.neural.styleavatar.training.presets import FINAL

SEED = 20230501
BAKED = ("face", "back", "noise_face", "noise_foreground", "noise_back")
CONSTANTS = ("kernel", "ll", "lh", "hl", "hh")
ERROR = 1e-4


def drawn(name, shape):
    return np.random.default_rng([SEED, zlib.crc32(name.encode())]).standard_normal(shape)


def weights(shapes, net):
    """The tensors of a published network by the golden file's rule."""
    tensors = {}
    for key, shape in shapes[net].items():
        if key.endswith((*CONSTANTS, "num_batches_tracked")):
            continue
        values = drawn(f"{net}.{key}", shape)
        if key.endswith("running_var"):
            values = np.abs(values) * 0.5 + 0.5
        elif key.endswith(("running_mean", "noise.weight")):
            values = values * 0.1
        elif key.endswith("bias"):
            values = values * 0.1 + (1 if "modulation" in key else 0)
        if ("to_rgbs" in key or "tex_up.2" in key) and key.endswith("conv.weight"):
            values = values * 2e-4
        tensors[key] = torch.from_numpy(np.asarray(values, np.float32))
    return tensors


def source(name, *shape):
    return torch.from_numpy(drawn(name, shape).astype(np.float32))


def generator_tensors(published):
    """A feature generator's weights under our names."""
    norm = {key.replace("batchnorm", "norm"): value for key, value in published.items() if "batchnorm" in key}
    levels = {key.removeprefix("."): value for key, value in decoder_levels("", published)}
    return {**dict(mapping(published)), **levels, **norm, "constant": published["input.input"]}


def discriminator_tensors(published):
    """The discriminator's weights under our names; its first linear layer has the activation's gain in its weights."""
    biases = {key.replace("conv.1", "conv.0").replace("conv1.1", "conv1.0").replace("conv2.2", "conv2.1"): value
              for key, value in published.items()}  # fmt: skip
    tensors = {"judge.0.bias": published["final_linear.0.bias"] * math.sqrt(2)}
    tensors["judge.0.weight"] = equalised(published["final_linear.0.weight"]) * math.sqrt(2)
    tensors["judge.2.weight"] = equalised(published["final_linear.1.weight"])
    tensors["judge.2.bias"] = published["final_linear.1.bias"]
    last = {"0.weight": published["final_conv.0.weight"], "0.bias": published["final_conv.1.bias"]}
    tensors |= convolution("last", last, "0")
    for level in range(8):
        ours = "first" if level == 0 else f"from_picture.{level - 1}.conv"
        tensors |= convolution(ours, biases, f"from_rgbs.{level}.conv.0")
        if level < 7:
            tensors |= encoder_level(f"levels.{level}", biases, f"convs.{level}")
    return tensors


def filled(network, tensors, left_alone=()):
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert set(missing) == set(left_alone)
    return network.eval().requires_grad_(False)


@dataclass(frozen=True)
class PublishedWindow(Window):
    """The published look-up of a window: half a cell off at both ends."""

    def cut(self, layer):
        rows, columns = (self.looked_up(start) for start in (self.row, self.column))
        return layer[..., rows, :][..., columns]

    @staticmethod
    def looked_up(start):
        places = torch.arange(256.0).expand(1, 1, 1, 256)
        x = torch.linspace(start / 128 - 0.75, start / 128 + 0.25, 128)
        grid = torch.stack([x, torch.zeros(128)], 1)[None, None]
        return F.grid_sample(places, grid, mode="nearest", align_corners=False).flatten().long() - 32


def test_published_windows_drift_by_one_cell_at_the_end():
    places = PublishedWindow.looked_up(40)
    assert places[:127].tolist() == list(range(40, 167))
    assert places[127] == 168


@pytest.fixture(scope="module")
def golden(shared):
    with np.load(shared / "reference" / "styleavatar_golden.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.fixture(scope="module")
def shapes(shared):
    return json.loads((shared / "reference" / "styleavatar_checkpoint_keys.json").read_text())


def assert_equal(ours, published):
    """Within the relative error, of the largest value."""
    assert ours.shape == published.shape
    assert (ours - published).abs().max() <= ERROR * published.abs().max()


def feature_layer(shapes, net):
    generator = filled(FeatureGenerator(FINAL.network), generator_tensors(weights(shapes, net)))
    with torch.inference_mode():
        return generator.generate(source("video_latent", 1, 64))


@pytest.mark.slow
def test_networks_are_the_published_ones(golden, shapes):
    face, back = feature_layer(shapes, "f_g"), feature_layer(shapes, "b_g")
    assert_equal(face[:, :256, ::8, ::8], golden["feature_face_stride8"])
    assert_equal(face[:, 256:, ::4, ::4], golden["skip_face"])

    network = filled(PortraitNetwork(FINAL.network), portrait_tensors(weights(shapes, "i_g")), BAKED)
    network.noise_foreground.copy_(middle(source("noise_base", 1, 21, 256, 256), ENLARGED_SIZE))
    uv, texture = source("uv", 1, 3, 128, 128).tanh(), source("render", 1, 3, 256, 256).tanh()
    with torch.inference_mode():
        style = network.mapping(source("frame_latent", 1, 64))
        foreground = network.foreground_layer(texture, style, PublishedWindow(28, 40))
        looked_up = with_noise(face, source("noise_face", 1, 21, 128, 128))
        on_face = sample_uv(looked_up, uv, "nearest") * (uv[:, 2:3] > -0.5)
        behind = with_noise(back, source("noise_back", 1, 21, 128, 128))
        mask = network.predict_mask(foreground, behind, torch.zeros_like(uv[:, :1]))
        painting = network.fuse(foreground, behind, on_face, mask, style)
    assert_equal(painting.mask, golden["mask"])
    assert_equal(painting.picture[..., ::8, ::8], golden["image_stride8"])
    assert_equal(painting.picture[..., 480:544, 480:544], golden["image_crop"])

    judge = filled(Discriminator(1024, FINAL.discriminator), discriminator_tensors(weights(shapes, "d")))
    with torch.inference_mode():
        logit, _ = judge(painting.picture.clamp(-1, 1), texture)
    assert_equal(logit, golden["discriminator"])
