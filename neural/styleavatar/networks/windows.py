# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliding windows of Sec. 3.2: which part of the enlarged picture is painted, in whole or broken feature cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ...tensors import sent
from .config import FEATURE_SIZE, SLACK

if TYPE_CHECKING:
    from ....protocol.look import Look

ENLARGED_SIZE = FEATURE_SIZE + SLACK


@dataclass(frozen=True)
class Window:
    """Where a window lies in the enlarged picture, in feature cells from its top left; 0 to `SLACK`."""

    row: float
    column: float

    @property
    def distance(self) -> float:
        """Feature cells to the central window, on the farther axis."""
        return max(abs(self.row - SLACK / 2), abs(self.column - SLACK / 2))

    def cut(self, layer: Tensor) -> Tensor:
        """The window of `[..., 1.5 F, 1.5 F]`: `[..., F, F]`. Whole cells are copied; between cells both are mixed."""
        return cut_axis(cut_axis(layer, self.row, -2), self.column, -1)


@dataclass(frozen=True, eq=False)
class Cells:
    """A window of whole cells whose place is data, so that recorded work has it elsewhere each time.

    Attributes:
        rows, columns: `[F]` int64, which ones of the enlarged picture.
    """

    rows: Tensor
    columns: Tensor

    @classmethod
    def of(cls, window: Window, device: torch.device) -> Cells:
        """A window that lies at whole cells."""
        cells = torch.arange(FEATURE_SIZE)
        return cls(*(sent(cells + int(start), device) for start in (window.row, window.column)))

    def cut(self, layer: Tensor) -> Tensor:
        """See `Window.cut`; layers `[B, C, 1.5 F, 1.5 F]` lie in memory with their channels last, before and after."""
        cut = layer.permute(0, 2, 3, 1).index_select(1, self.rows).index_select(2, self.columns)
        return cut.permute(0, 3, 1, 2)


CENTRED = Window(SLACK // 2, SLACK // 2)


@dataclass(frozen=True)
class Windows:
    """The two windows of a picture: a person moved against the backdrop, and the other way round (Fig. 4)."""

    foreground: Window = CENTRED
    background: Window = CENTRED

    @classmethod
    def moved(cls, foreground: tuple[float, float], background: tuple[float, float]) -> Windows:
        """The windows for which the person and the backdrop move by (x, y) feature cells, to the right and down.

        Each number is at most half of `SLACK` in size.
        """
        return cls(*(Window(CENTRED.row - y, CENTRED.column - x) for x, y in (foreground, background)))

    @classmethod
    def of(cls, look: Look) -> Windows:
        """The windows of a look."""
        return cls.moved(look.foreground_offset, look.background_offset)


STILL = Windows()


def cut_axis(layer: Tensor, start: float, axis: int) -> Tensor:
    """`FEATURE_SIZE` cells of one axis of `[..., 1.5 F, 1.5 F]`, from `start` on."""
    first = math.floor(start)
    cut, share = layer.narrow(axis, first, FEATURE_SIZE), start - first
    return torch.lerp(cut, layer.narrow(axis, first + 1, FEATURE_SIZE), share) if share else cut


def middle(layer: Tensor, size: int) -> Tensor:
    """The middle `[..., size, size]` of a layer."""
    start = (layer.shape[-1] - size) // 2
    return layer[..., start : start + size, start : start + size]


def inside(width: float) -> Tensor:
    """How far inside the central window each cell of `[1.5 F, 1.5 F]` lies: 0 outside, 1 from `width` cells on."""
    places = torch.arange(ENLARGED_SIZE) + 0.5 - SLACK / 2
    depth = torch.minimum(places, FEATURE_SIZE - places)
    return (torch.minimum(depth[:, None], depth) / width).clamp(0, 1)


def surrounded(layer: Tensor) -> Tensor:
    """A layer `[..., F, F]` of the central window with nothing around: `[..., 1.5 F, 1.5 F]`."""
    return F.pad(layer, (SLACK // 2,) * 4)
