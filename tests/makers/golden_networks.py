# SPDX-License-Identifier: GPL-3.0-or-later
"""Published networks with made-up weights: the rule by which their golden outputs were computed once."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

Doubles = NDArray[np.float64]
Network = TypeVar("Network", bound=nn.Module)

SEED = 20261128
GAINS = {"he_estimator": 1.0, "motion_extractor": 1.0}
USUAL_GAIN = 1.4
FACTORS = {
    "generator.decoder.conv_img.weight": 0.02,
    "generator.dense_motion_network.mask.weight": 0.1,
    "kp_detector.kp.weight": 0.05,
    "he_estimator.fc_t.weight": 0.02,
    "he_estimator.fc_exp.weight": 0.02,
    "spade_generator.conv_img.0.weight": 0.02,
    "warping_module.dense_motion_network.mask.weight": 0.1,
    "motion_extractor.detector.fc_t.weight": 0.02,
    "motion_extractor.detector.fc_exp.weight": 0.02,
    "motion_extractor.detector.fc_kp.weight": 0.1,
}
"""So that pictures are not all white and key points stay near the picture."""


def draw(name: str, shape: Sequence[int]) -> Doubles:
    """Normal deviates of this shape, the same for the same name."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())]).standard_normal(tuple(shape))


def drawn_picture(name: str) -> torch.Tensor:
    """`[1, 3, 256, 256]`, 0 to 1."""
    return torch.from_numpy(1 / (1 + np.exp(-draw(name, (1, 3, 256, 256))))).float()


def given_key_points(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Key points `[1, count, 3]` of a source and of what drives it."""
    source = np.tanh(0.6 * draw("kp_given_source", (1, count, 3)))
    driving = source + 0.08 * draw("kp_given_driving", (1, count, 3))
    return torch.from_numpy(source).float(), torch.from_numpy(driving).float()


def with_made_up_weights(network: Network, name: str) -> Network:
    """Fill a network, called `name` in the golden files, with weights, ready to look at pictures."""
    own = network.state_dict()
    values = {key: made_up(f"{name}.{key}", tensor.shape, GAINS.get(name, USUAL_GAIN)) for key, tensor in own.items()}
    for key in [key for key in own if key.endswith("weight_u")]:
        stem = key.removesuffix("_u")
        values[key], values[f"{stem}_v"] = singular_vectors(values[f"{stem}_orig"], values[key])
    filled = {key: torch.from_numpy(np.asarray(values[key])).to(tensor.dtype) for key, tensor in own.items()}
    network.load_state_dict(filled)
    return network.eval()


def made_up(name: str, shape: Sequence[int], gain: float) -> Doubles:
    """One tensor by its name."""
    drawn = draw(name, shape)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape)
    if name.endswith("running_var"):
        value = np.abs(drawn) * 0.5 + 0.5
    elif name.endswith(("running_mean", "bias", "gamma", "beta")):
        value = drawn * 0.1
    elif name.endswith(("weight_u", "weight_v")):
        value = drawn
    elif drawn.ndim <= 1:
        value = 1 + 0.1 * drawn
    else:
        value = drawn * gain / np.sqrt(np.prod(shape[1:]))
    scaled: Doubles = value * FACTORS.get(name, 1)
    return scaled


def singular_vectors(weight: Doubles, start: Doubles) -> tuple[Doubles, Doubles]:
    """Left and right vectors of a weight's largest singular value, after three rounds from `start`."""
    matrix, left = weight.reshape(len(weight), -1), start / np.linalg.norm(start)
    for _ in range(3):
        right = matrix.T @ left
        right /= np.linalg.norm(right)
        left = matrix @ right
        left /= np.linalg.norm(left)
    return left, right
