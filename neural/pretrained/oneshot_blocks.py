# SPDX-License-Identifier: GPL-3.0-or-later
"""What the one-shot networks have in common: face-vid2vid (Wang et al. 2021) and LivePortrait (Guo et al. 2024).

Both lift a picture to a volume of features, move it by key points in three dimensions (*dense motion*, a softmax over
one rigid shift for each key point) and paint what comes out with a SPADE decoder (Park et al. 2019). They are for
inference alone: batch norms use their running statistics, spectral norms their stored vectors. Attributes are named as
the published files name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_POINT_VARIANCE = 0.01
"""Of the Gaussian that stands for a key point, in normalised coordinates."""
SLOPE = 0.2
"""Of the decoder's leaky ReLUs."""
VOLUME_DEPTH = 16
VOLUME_CHANNELS = 32
COMPRESSED = 4
"""Channels of the volume that the dense motion looks at."""


class SameBlock2d(nn.Module):
    """Convolution, batch norm, (leaky) ReLU."""

    def __init__(self, inputs: int, outputs: int, *, slope: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self._slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I, H, W]` to `[B, O, H, W]`."""
        return F.leaky_relu(self.norm(self.conv(x)), self._slope)


class DownBlock2d(nn.Module):
    """Convolution, batch norm, ReLU, then half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I, H, W]` to `[B, O, H/2, W/2]`."""
        return F.avg_pool2d(F.relu(self.norm(self.conv(x))), 2)


class DownBlock3d(nn.Module):
    """The same for volumes, whose depth stays."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I, D, H, W]` to `[B, O, D, H/2, W/2]`."""
        return F.avg_pool3d(F.relu(self.norm(self.conv(x))), (1, 2, 2))


class UpBlock3d(nn.Module):
    """Twice the size, depth excepted; convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I, D, H, W]` to `[B, O, D, 2H, 2W]`."""
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=(1, 2, 2)))))


class ResBlock3d(nn.Module):
    """Two convolutions on volumes, each after its norm and ReLU, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm3d(channels)
        self.norm2 = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, D, H, W]` to the same shape."""
        inner = self.conv1(F.relu(self.norm1(x)))
        return x + cast("Tensor", self.conv2(F.relu(self.norm2(inner))))


def widths(first: int, steps: int, most: int) -> list[int]:
    """Return channels from `first` on, doubled in each of `steps` steps, `most` at most.

    Example:
        >>> widths(64, 3, 256)
        [64, 128, 256, 256]
    """
    return [min(most, first * 2**step) for step in range(steps + 1)]


class HourglassEncoder(nn.Module):
    """Volumes at ever smaller sizes."""

    def __init__(self, inputs: int, channels: Sequence[int]) -> None:
        super().__init__()
        steps = zip([inputs, *channels[1:-1]], channels[1:], strict=True)
        self.down_blocks = nn.ModuleList(DownBlock3d(before, after) for before, after in steps)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return `x [B, C, ...]` and what comes out of each block, the smallest last."""
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class HourglassDecoder(nn.Module):
    """Back up again, beside what the encoder saw at each size."""

    def __init__(self, inputs: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.up_blocks = nn.ModuleList()
        for level in reversed(range(1, len(channels))):
            beside = 1 if level == len(channels) - 1 else 2
            self.up_blocks.append(UpBlock3d(beside * channels[level], channels[level - 1]))
        self.out_channels = channels[0] + inputs
        self.conv = nn.Conv3d(self.out_channels, self.out_channels, 3, padding=1)
        self.norm = nn.BatchNorm3d(self.out_channels)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Return `[B, O, D, H, W]` of the encoder's levels."""
        x = levels[-1]
        for block, beside in zip(self.up_blocks, reversed(levels[:-1]), strict=True):
            x = torch.cat([block(x), beside], 1)
        return F.relu(self.norm(self.conv(x)))


class Hourglass(nn.Module):
    """A U-net of volumes."""

    def __init__(self, inputs: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.encoder = HourglassEncoder(inputs, channels)
        self.decoder = HourglassDecoder(inputs, channels)
        self.out_channels = self.decoder.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I, D, H, W]` to `[B, O, D, H, W]`."""
        return cast("Tensor", self.decoder(self.encoder(x)))


class AntiAliasedQuarter(nn.Module):
    """A quarter of a picture's size: blurred by a Gaussian, then every fourth pixel. The file holds the Gaussian."""

    FACTOR, SIDE, SIGMA = 4, 13, 1.5
    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        ticks = torch.arange(self.SIDE, dtype=torch.float32) - self.SIDE // 2
        line = torch.exp(-(ticks**2) / (2 * self.SIGMA**2))
        kernel = line[:, None] * line[None]
        self.register_buffer("weight", (kernel / kernel.sum()).expand(channels, 1, -1, -1).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to `[B, C, H/4, W/4]`."""
        blurred = F.conv2d(x, self.weight, padding=self.SIDE // 2, groups=len(self.weight))
        return blurred[:, :, :: self.FACTOR, :: self.FACTOR]


class AppearanceVolume(nn.Module):
    """A picture as a volume of features (the appearance feature extractor F)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = SameBlock2d(3, 64)
        self.down_blocks = nn.ModuleList([DownBlock2d(64, 128), DownBlock2d(128, 256)])
        self.second = nn.Conv2d(256, VOLUME_CHANNELS * VOLUME_DEPTH, 1)
        self.resblocks_3d = nn.Sequential()
        for number in range(6):
            self.resblocks_3d.add_module(f"3dr{number}", ResBlock3d(VOLUME_CHANNELS))

    def forward(self, picture: Tensor) -> Tensor:
        """Return `[B, 32, 16, H/4, W/4]` of pictures `[B, 3, H, W]`, 0 to 1."""
        x = self.first(picture)
        for block in self.down_blocks:
            x = block(x)
        x = self.second(x)
        return cast("Tensor", self.resblocks_3d(x.unflatten(1, (VOLUME_CHANNELS, VOLUME_DEPTH))))


def coordinate_grid(shape: Sequence[int], like: Tensor) -> Tensor:
    """Return `[D, H, W, 3]`: x, y, z of each place of a volume, -1 at the middle of the first and 1 of the last."""
    ticks = [torch.linspace(-1, 1, count, dtype=like.dtype, device=like.device) for count in shape]
    z, y, x = torch.meshgrid(*ticks, indexing="ij")
    return torch.stack([x, y, z], -1)


def key_point_gaussians(points: Tensor, shape: Sequence[int]) -> Tensor:
    """Return `[B, K, D, H, W]`, 0 to 1: a Gaussian about each of the key points `[B, K, 3]`."""
    offsets = coordinate_grid(shape, points) - points[:, :, None, None, None]
    return torch.exp(-0.5 * (offsets**2).sum(-1) / KEY_POINT_VARIANCE)


class DenseMotion(nn.Module):
    """Where each place of the driven volume comes from, and what nothing of the source can show."""

    def __init__(self, key_points: int) -> None:
        super().__init__()
        parts = key_points + 1
        channels = widths(32, 5, 1024)
        self.hourglass = Hourglass(parts * (COMPRESSED + 1), channels)
        self.mask = nn.Conv3d(self.hourglass.out_channels, parts, 7, padding=3)
        self.compress = nn.Conv3d(VOLUME_CHANNELS, COMPRESSED, 1)
        self.norm = nn.BatchNorm3d(COMPRESSED)
        self.occlusion = nn.Conv2d(self.hourglass.out_channels * VOLUME_DEPTH, 1, 7, padding=3)

    def forward(self, volume: Tensor, source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find the motion from a source to what drives it.

        Args:
            volume: `[B, 32, D, H, W]` of the source.
            source, driving: key points `[B, K, 3]`.

        Returns:
            Where each place comes from, `[B, D, H, W, 3]` in normalised coordinates; the share of each part,
            `[B, K + 1, D, H, W]` (the first stands still); what of the source is seen, `[B, 1, H, W]`, 0 to 1.
        """
        seen = F.relu(self.norm(self.compress(volume)))
        motions = part_motions(source, driving, volume.shape[2:])
        moved = moved_by_parts(seen, motions)
        gaussians = [key_point_gaussians(points, volume.shape[2:]) for points in (driving, source)]
        heat = F.pad(gaussians[0] - gaussians[1], (0, 0, 0, 0, 0, 0, 1, 0))
        told = self.hourglass(torch.cat([heat[:, :, None], moved], 2).flatten(1, 2))
        shares = self.mask(told).softmax(1)
        places = torch.einsum("bkdhw,bkdhwc->bdhwc", shares, motions)
        occlusion = torch.sigmoid(self.occlusion(told.flatten(1, 2)))
        return places, shares, occlusion


def part_motions(source: Tensor, driving: Tensor, shape: Sequence[int]) -> Tensor:
    """Return `[B, K + 1, D, H, W, 3]`: where each place comes from if it moves with a key point; first: if with none.

    `source` and `driving` are key points `[B, K, 3]`.
    """
    grid = coordinate_grid(shape, source)
    shifted = grid + (source - driving)[:, :, None, None, None]
    return torch.cat([grid.expand(len(source), 1, *grid.shape), shifted], 1)


def moved_by_parts(volume: Tensor, motions: Tensor) -> Tensor:
    """Return `[B, K + 1, C, D, H, W]`: a volume `[B, C, D, H, W]` as each of the motions would move it."""
    parts = motions.shape[1]
    repeated = volume[:, None].expand(-1, parts, -1, -1, -1, -1).flatten(0, 1)
    moved = F.grid_sample(repeated, motions.flatten(0, 1), align_corners=False)
    return moved.view(-1, parts, *volume.shape[1:])


class WarpedFeatures(nn.Module):
    """Moves a volume by key points and flattens it for the decoder (the warping module W)."""

    def __init__(self, key_points: int) -> None:
        super().__init__()
        self.dense_motion_network = DenseMotion(key_points)
        self.third = SameBlock2d(VOLUME_CHANNELS * VOLUME_DEPTH, 256, slope=0.01)
        self.fourth = nn.Conv2d(256, 256, 1)

    def forward(self, volume: Tensor, source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features `[B, 256, H, W]`, shares and occlusion (see `DenseMotion`) of key points `[B, K, 3]`."""
        places, shares, occlusion = self.dense_motion_network(volume, source, driving)
        moved = F.grid_sample(volume, places, align_corners=False).flatten(1, 2)
        features = cast("Tensor", self.fourth(self.third(moved)))
        return features * occlusion, shares, occlusion


class SpectralConv2d(nn.Module):
    """A convolution divided by its largest singular value, of which the file holds the vectors (Miyato et al. 2018)."""

    weight_u: Tensor
    weight_v: Tensor

    def __init__(self, inputs: int, outputs: int, side: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.empty(outputs, inputs, side, side))
        nn.init.kaiming_uniform_(self.weight_orig)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        with torch.no_grad():
            u, _, v = torch.svd_lowrank(self.weight_orig.flatten(1), 1, niter=2)
        self.register_buffer("weight_u", u[:, 0].contiguous())
        self.register_buffer("weight_v", v[:, 0].contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, I, H, W]` to `[B, O, H, W]`."""
        largest = self.weight_u @ self.weight_orig.flatten(1) @ self.weight_v
        return F.conv2d(x, self.weight_orig / largest, self.bias, padding="same")


class Spade(nn.Module):
    """Instance norm whose scale and shift are painted by the features that the whole decoder follows."""

    def __init__(self, channels: int, guide: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(guide, 128, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(128, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(128, channels, 3, padding=1)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """Map `[B, C, H, W]`, led by a guide `[B, G, h, w]`, to the same shape."""
        shared = self.mlp_shared(F.interpolate(guide, size=x.shape[2:]))
        scale, shift = cast("tuple[Tensor, Tensor]", (self.mlp_gamma(shared), self.mlp_beta(shared)))
        return F.instance_norm(x) * (1 + scale) + shift


class SpadeBlock(nn.Module):
    """A residual block with SPADE for its norms."""

    def __init__(self, inputs: int, outputs: int, guide: int) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.conv_0 = SpectralConv2d(inputs, middle, 3)
        self.conv_1 = SpectralConv2d(middle, outputs, 3)
        self.norm_0 = Spade(inputs, guide)
        self.norm_1 = Spade(middle, guide)
        self._learned = inputs != outputs
        if self._learned:
            self.conv_s = SpectralConv2d(inputs, outputs, 1, bias=False)
            self.norm_s = Spade(inputs, guide)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """Map `[B, I, H, W]` to `[B, O, H, W]`; the guide is `[B, G, h, w]`."""
        beside: Tensor = self.conv_s(self.norm_s(x, guide)) if self._learned else x
        inner = self.conv_0(F.leaky_relu(self.norm_0(x, guide), SLOPE))
        return beside + cast("Tensor", self.conv_1(F.leaky_relu(self.norm_1(inner, guide), SLOPE)))


class SpadeDecoder(nn.Module):
    """Features to a picture, four times as large as they are, or eight times (the generator G)."""

    def __init__(self, *, doubled: bool) -> None:
        """Make it; `doubled` for a picture of twice the size, by pixel shuffle."""
        super().__init__()
        self.fc = nn.Conv2d(256, 512, 3, padding=1)
        for number in range(6):
            self.add_module(f"G_middle_{number}", SpadeBlock(512, 512, 256))
        self.up_0 = SpadeBlock(512, 256, 256)
        self.up_1 = SpadeBlock(256, 64, 256)
        last = nn.Conv2d(64, 3 * 4 if doubled else 3, 3, padding=1)
        self.conv_img = nn.Sequential(last, nn.PixelShuffle(2)) if doubled else last

    def forward(self, features: Tensor) -> Tensor:
        """Return pictures `[B, 3, 4H, 4W]` (or `8H, 8W`), 0 to 1, of features `[B, 256, H, W]`."""
        x = self.fc(features)
        for number in range(6):
            x = self.get_submodule(f"G_middle_{number}")(x, features)
        for block in (self.up_0, self.up_1):
            x = block(F.interpolate(x, scale_factor=2), features)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, SLOPE)))


def expected_degrees(scores: Tensor, least: float) -> Tensor:
    """Return `[B]`, degrees: the mean of 66 bins, three degrees each from `least` on, that are scored `[B, 66]`."""
    bins = torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device)
    return (scores.softmax(1) * bins).sum(1) * 3 + least


def axis_rotations(pitch: Tensor, yaw: Tensor, roll: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return turns `[B, 3, 3]` about x (pitch), y (yaw) and z (roll) of angles `[B]` in radians."""
    return about_axis(pitch, 0), about_axis(yaw, 1), about_axis(roll, 2)


def about_axis(angle: Tensor, axis: int) -> Tensor:
    """Return `[B, 3, 3]`: right-handed turns by `angle [B]`, in radians, about one of the three axes."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn = torch.eye(3, dtype=angle.dtype, device=angle.device).repeat(len(angle), 1, 1)
    turn[:, first, first] = turn[:, second, second] = angle.cos()
    turn[:, second, first], turn[:, first, second] = angle.sin(), -angle.sin()
    return turn
