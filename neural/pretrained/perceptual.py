# SPDX-License-Identifier: GPL-3.0-or-later
"""The perceptual loss of Sec. 3.3: VGG19's features, where its weights are on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from . import weights
from .contents import load_layer, network_tensors

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))
"""Convolutions of VGG19 up to relu5_1, by block; a pooling lies between blocks."""
LAYER_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Of relu1_1, relu2_1, ... relu5_1 (pix2pixHD)."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1]."""


class PerceptualLoss(nn.Module):
    """L1 between the VGG19 features (relu1_1 to relu5_1) of two pictures."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        inputs = 3
        for channels in CHANNELS:
            block = nn.ModuleList()
            for outputs in channels:
                block.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                inputs = outputs
            self.blocks.append(block)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def from_file(cls, path: Path) -> PerceptualLoss:
        """Read torchvision's VGG19 weights (`features.N.weight`), as safetensors or as a weights-only `.pth`.

        Raises:
            UserError: the file is damaged or holds other weights.
        """
        loss, tensors = cls(), network_tensors(path, "vgg19")
        for number, convolution in zip(torchvision_numbers(), loss._convolutions(), strict=True):
            load_layer(convolution, tensors, f"features.{number}", path)
        return loss

    def forward(self, painted: Tensor, footage: Tensor) -> Tensor:
        """Return the loss of `[B, 3, H, W]` pictures in [-1, 1]."""
        with torch.no_grad():
            theirs = self.features(footage)
        ours = self.features(painted)
        parts = [w * (a - b).abs().mean() for w, a, b in zip(LAYER_WEIGHTS, ours, theirs, strict=True)]
        return torch.stack(parts).sum()

    def features(self, picture: Tensor) -> list[Tensor]:
        """The first features of every block, `[B, C, H, W]` each, of a picture `[B, 3, H, W]` in [-1, 1]."""
        x = ((picture + 1) / 2 - self.mean) / self.deviation
        features = []
        for index, block in enumerate(self._blocks()):
            if index:
                x = F.max_pool2d(x, 2)
            for place, convolution in enumerate(block):
                x = F.relu(convolution(x))
                if place == 0:
                    features.append(x)
        return features

    def _blocks(self) -> list[list[nn.Conv2d]]:
        return cast("list[list[nn.Conv2d]]", list(self.blocks))

    def _convolutions(self) -> list[nn.Conv2d]:
        return [convolution for block in self._blocks() for convolution in block]


def torchvision_numbers() -> list[int]:
    """The places of the convolutions in torchvision's flat list of layers."""
    numbers, place = [], 0
    for channels in CHANNELS:
        for _ in channels:
            numbers.append(place)
            place += 2  # convolution, ReLU
        place += 1  # pooling
    return numbers


def find_weights() -> Path | None:
    """VGG19's weights on this machine; None without."""
    return weights.find("vgg19")
