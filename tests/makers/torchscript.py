# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny networks with the interfaces of published ones, as TorchScript files."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path


class TinyMatting(nn.Module):
    """The published interface; its matte is half the red and half what it remembers of the frame before."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(
        self,
        src: Tensor,
        r1: Tensor | None,
        r2: Tensor | None,
        r3: Tensor | None,
        r4: Tensor | None,
        downsample_ratio: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        red = src[:, :1]
        alpha = red if r1 is None else (red + r1) / 2
        return src, alpha * self.weight, red, red, red, torch.full([1], downsample_ratio)


class TinyParsing(nn.Module):
    """Like BiSeNet gives several pictures of scores; red is hair, blue is cloth."""

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        self.classes = classes
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        scores = torch.zeros(len(picture), self.classes, picture.shape[2] // 8, picture.shape[3] // 8)
        small = torch.nn.functional.avg_pool2d(picture, 8) * self.weight * 10
        scores[:, 17 % self.classes] = small[:, 0]
        scores[:, 16 % self.classes] = small[:, 2]
        return scores, scores


def saved(network: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network).save(str(path))
    return path
