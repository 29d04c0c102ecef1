# SPDX-License-Identifier: GPL-3.0-or-later
"""The three networks of face-vid2vid, in the published settings for VoxCeleb at 256 pixels.

Written from "One-Shot Free-View Neural Talking-Head Synthesis for Video Conferencing" (Wang et al. 2021) with the SPADE
generator of its open re-implementation, without Jacobians.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ..oneshot_blocks import (
    VOLUME_DEPTH,
    AntiAliasedQuarter,
    AppearanceVolume,
    DownBlock2d,
    SpadeDecoder,
    UpBlock3d,
    WarpedFeatures,
    axis_rotations,
    coordinate_grid,
    expected_degrees,
    widths,
)

KEY_POINTS = 15
TEMPERATURE = 0.1
"""Of the softmax that turns a heat map into a key point."""
FIRST_BIN = -99.0
"""Degrees of the first of the bins of an angle."""
HALF_TURN = 3.14
"""The radians that the networks were trained to take for 180 degrees."""


class KeyPointHourglass(nn.Module):
    """From a small picture down to one vector a place and up to a volume."""

    def __init__(self) -> None:
        super().__init__()
        channels = widths(32, 5, 1024)
        self.down_blocks, self.up_blocks = nn.Sequential(), nn.Sequential()
        for number, (before, after) in enumerate(zip([3, *channels[1:-1]], channels[1:], strict=True)):
            self.down_blocks.add_module(f"down{number}", DownBlock2d(before, after))
        self.conv = nn.Conv2d(channels[-1], channels[-1] * VOLUME_DEPTH, 1)
        upward = channels[::-1]
        for number, (before, after) in enumerate(itertools.pairwise(upward)):
            self.up_blocks.add_module(f"up{number}", UpBlock3d(before, after))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 3, H, W]` to `[B, 32, 16, H, W]`."""
        x = self.conv(self.down_blocks(x))
        return cast("Tensor", self.up_blocks(x.unflatten(1, (-1, VOLUME_DEPTH))))


class KeyPointDetector(nn.Module):
    """Canonical key points of a picture: of the person at rest, facing the camera."""

    def __init__(self) -> None:
        super().__init__()
        self.predictor = KeyPointHourglass()
        self.kp = nn.Conv3d(32, KEY_POINTS, 3, padding=1)
        self.down = AntiAliasedQuarter(3)

    def forward(self, picture: Tensor) -> Tensor:
        """Return `[B, 15, 3]`, about -1 to 1, of pictures `[B, 3, 256, 256]`, 0 to 1."""
        heat = self.kp(self.predictor(self.down(picture)))
        shares = (heat.flatten(2) / TEMPERATURE).softmax(2)
        grid = coordinate_grid(heat.shape[2:], heat).flatten(0, 2)
        points: Tensor = (shares[..., None] * grid).sum(2)  # summed in pairs: a matrix product loses two digits here
        return points


class Bottleneck(nn.Module):
    """A residual block of ResNet-50; one with a stride of 2 halves the size."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        inner = channels // 4
        self.conv1 = nn.Conv2d(channels, inner, 1)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, stride=stride)
        self.conv3 = nn.Conv2d(inner, channels, 1)
        self.norm1, self.norm2, self.norm3 = (nn.BatchNorm2d(count) for count in (inner, inner, channels))
        self._strided = stride > 1
        if self._strided:
            self.skip = nn.Conv2d(channels, channels, 1, stride=stride)
            self.norm4 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape, or to half the height and width."""
        inner = F.relu(self.norm1(self.conv1(x)))
        inner = self.norm3(self.conv3(F.relu(self.norm2(self.conv2(inner)))))
        return F.relu(inner + (self.norm4(self.skip(x)) if self._strided else x))


@dataclass(frozen=True)
class HeadPose:
    """What the estimator says of a picture, raw.

    Attributes:
        yaw, pitch, roll: `[B, 66]` scores of bins; t: `[B, 3]` translation; exp: `[B, 45]` shift of each key point.
    """

    yaw: Tensor
    pitch: Tensor
    roll: Tensor
    t: Tensor
    exp: Tensor


class HeadPoseEstimator(nn.Module):
    """Pose of the head, and expression as a shift of each key point."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 64, 7, padding=3, stride=2), nn.BatchNorm2d(64)
        self.conv2, self.norm2 = nn.Conv2d(64, 256, 1), nn.BatchNorm2d(256)
        self.block1 = bottlenecks("b1", 256, 3)
        self.conv3, self.norm3 = nn.Conv2d(256, 512, 1), nn.BatchNorm2d(512)
        self.block2 = Bottleneck(512, 2)
        self.block3 = bottlenecks("b3", 512, 3)
        self.conv4, self.norm4 = nn.Conv2d(512, 1024, 1), nn.BatchNorm2d(1024)
        self.block4 = Bottleneck(1024, 2)
        self.block5 = bottlenecks("b5", 1024, 5)
        self.conv5, self.norm5 = nn.Conv2d(1024, 2048, 1), nn.BatchNorm2d(2048)
        self.block6 = Bottleneck(2048, 2)
        self.block7 = bottlenecks("b7", 2048, 2)
        self.fc_roll, self.fc_pitch, self.fc_yaw = (nn.Linear(2048, 66) for _ in range(3))
        self.fc_t, self.fc_exp = nn.Linear(2048, 3), nn.Linear(2048, 3 * KEY_POINTS)

    def forward(self, picture: Tensor) -> HeadPose:
        """Look at pictures `[B, 3, 256, 256]`, 0 to 1."""
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(picture))), 3, stride=2, padding=1)
        x = self.block1(F.relu(self.norm2(self.conv2(x))))
        x = self.block3(self.block2(F.relu(self.norm3(self.conv3(x)))))
        x = self.block5(self.block4(F.relu(self.norm4(self.conv4(x)))))
        x = self.block7(self.block6(F.relu(self.norm5(self.conv5(x)))))
        told = x.mean((2, 3))
        # The published networks were trained with the names of two layers exchanged: `fc_roll` tells the yaw.
        heads = (self.fc_roll, self.fc_pitch, self.fc_yaw, self.fc_t, self.fc_exp)
        return HeadPose(*(head(told) for head in heads))


def bottlenecks(name: str, channels: int, count: int) -> nn.Sequential:
    """Return blocks in a row, called as the published file calls them."""
    row = nn.Sequential()
    for number in range(count):
        row.add_module(f"{name}_{number}", Bottleneck(channels))
    return row


class Generator(nn.Module):
    """The picture of a source whose key points have moved."""

    def __init__(self) -> None:
        super().__init__()
        self._appearance, self._warping = (AppearanceVolume(),), (WarpedFeatures(KEY_POINTS),)
        for (part,) in (self._appearance, self._warping):
            for name, child in part.named_children():  # the published file keeps the layers of both at one level
                self.add_module(name, child)
        self.decoder = SpadeDecoder(doubled=False)

    def volume(self, picture: Tensor) -> Tensor:
        """Return `[B, 32, 16, 64, 64]` of pictures `[B, 3, 256, 256]`, 0 to 1."""
        return cast("Tensor", self._appearance[0](picture))

    def warped(self, volume: Tensor, source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features `[B, 256, 64, 64]` for the decoder, with shares and occlusion (see `DenseMotion`).

        `volume` is the source's; `source` and `driving` are key points `[B, 15, 3]`.
        """
        return cast("tuple[Tensor, Tensor, Tensor]", self._warping[0](volume, source, driving))


def posed(canonical: Tensor, pose: HeadPose) -> Tensor:
    """Return key points `[B, 15, 3]` of canonical ones `[B, 15, 3]`, turned, shifted and with their expression."""
    degrees = (expected_degrees(scores, FIRST_BIN) for scores in (pose.pitch, pose.yaw, pose.roll))
    pitch, yaw, roll = axis_rotations(*(angle / 180 * HALF_TURN for angle in degrees))
    rotation = pitch @ yaw @ roll
    return canonical @ rotation.transpose(1, 2) + pose.t[:, None] + pose.exp.view(-1, KEY_POINTS, 3)


def relative(source: Tensor, driving: Tensor, initial: Tensor) -> Tensor:
    """Return key points `[B, 15, 3]`: the source's, moved as the driving ones have moved since the initial ones."""
    return driving - initial + source
