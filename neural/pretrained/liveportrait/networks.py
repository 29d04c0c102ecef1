# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of LivePortrait.

Written from "LivePortrait: Efficient Portrait Animation with Stitching and Retargeting Control" (Guo et al. 2024): F
(`oneshot_blocks.AppearanceVolume`), M, W (`oneshot_blocks.WarpedFeatures` of 21 key points), G
(`oneshot_blocks.SpadeDecoder`, doubled) and S, the small network that stitches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from ..oneshot_blocks import axis_rotations, expected_degrees
from .convnext import CHANNELS, ConvNeXt

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_POINTS = 21
FIRST_BIN = -97.5
"""Degrees of the first of the bins of an angle."""
STITCHING = (6 * KEY_POINTS, 128, 128, 64, 3 * KEY_POINTS + 2)
"""Widths of the network that stitches: both key points in; out a shift of each, and one on the picture of all."""


@dataclass(frozen=True)
class Motion:
    """What the motion extractor says of pictures, raw.

    Attributes:
        pitch, yaw, roll: `[B, 66]` scores of bins.
        t: `[B, 3]`; exp: `[B, 63]` shift of each key point; scale: `[B, 1]`; kp: `[B, 63]` canonical key points.
    """

    pitch: Tensor
    yaw: Tensor
    roll: Tensor
    t: Tensor
    exp: Tensor
    scale: Tensor
    kp: Tensor

    @property
    def rotation(self) -> Tensor:
        """Return `[B, 3, 3]`, by which row vectors are turned: `points @ rotation`."""
        degrees = (expected_degrees(scores, FIRST_BIN) for scores in (self.pitch, self.yaw, self.roll))
        pitch, yaw, roll = axis_rotations(*(angle * (math.pi / 180) for angle in degrees))
        return (roll @ yaw @ pitch).transpose(1, 2)

    @property
    def canonical(self) -> Tensor:
        """Key points at rest, `[B, 21, 3]`."""
        return self.kp.view(-1, KEY_POINTS, 3)

    @property
    def expression(self) -> Tensor:
        """Shift of each key point, `[B, 21, 3]`."""
        return self.exp.view(-1, KEY_POINTS, 3)


class Detector(ConvNeXt):
    """ConvNeXt with a head for each thing told."""

    def __init__(self) -> None:
        super().__init__()
        width = CHANNELS[-1]
        self.fc_kp, self.fc_scale = nn.Linear(width, 3 * KEY_POINTS), nn.Linear(width, 1)
        self.fc_pitch, self.fc_yaw, self.fc_roll = (nn.Linear(width, 66) for _ in range(3))
        self.fc_t, self.fc_exp = nn.Linear(width, 3), nn.Linear(width, 3 * KEY_POINTS)

    def forward(self, picture: Tensor) -> Motion:
        """Look at pictures `[B, 3, 256, 256]`, 0 to 1."""
        told = self.features(picture)
        heads = (self.fc_pitch, self.fc_yaw, self.fc_roll, self.fc_t, self.fc_exp, self.fc_scale, self.fc_kp)
        return Motion(*(head(told) for head in heads))


class MotionExtractor(nn.Module):
    """M: canonical key points, pose and expression of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.detector = Detector()

    def forward(self, picture: Tensor) -> Motion:
        """Look at pictures `[B, 3, 256, 256]`, 0 to 1."""
        return cast("Motion", self.detector(picture))


class Perceptron(nn.Module):
    """Layers of numbers with ReLUs between them."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers = [layer for before, after in pairwise(widths) for layer in (nn.Linear(before, after), nn.ReLU())]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I]` to `[B, O]`."""
        return cast("Tensor", self.mlp(x))


def posed(motion: Motion) -> Tensor:
    """Return the key points `[B, 21, 3]` of a picture (Eq. 2 of the paper)."""
    return placed(motion.canonical @ motion.rotation + motion.expression, motion.scale, motion.t)


def relative(source: Motion, driving: Motion, initial: Motion) -> Tensor:
    """Return key points `[B, 21, 3]`: the source's, moved as the driving picture has since the initial one.

    Turns, expressions, sizes and places are each compared with those of the initial picture (Eq. 9 of the paper).
    """
    rotation = driving.rotation @ initial.rotation.transpose(1, 2) @ source.rotation
    expression = source.expression + driving.expression - initial.expression
    scale = source.scale * driving.scale / initial.scale
    return placed(source.canonical @ rotation + expression, scale, source.t + driving.t - initial.t)


def placed(points: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return `[B, K, 3]`: points scaled by `[B, 1]` and shifted on the picture by `[B, 3]`, whose depth is not used."""
    flat = torch.cat([shift[:, :2], torch.zeros_like(shift[:, 2:])], 1)
    return points * scale[:, None] + flat[:, None]


def stitched(stitching: Perceptron, source: Tensor, driving: Tensor) -> Tensor:
    """Return driving key points, moved so that shoulders stay where the source's are; both `[B, 21, 3]`."""
    shift: Tensor = stitching(torch.cat([source.flatten(1), driving.flatten(1)], 1))
    of_each, of_all = shift[:, : 3 * KEY_POINTS].reshape(driving.shape), shift[:, 3 * KEY_POINTS :]
    return driving + of_each + torch.cat([of_all, torch.zeros_like(of_all[:, :1])], 1)[:, None]
