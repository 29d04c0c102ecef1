# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in canonical space anything is: a grid of what density has been seen, by which empty samples are left out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE = 96
"""Cells along a side."""
MEMORY = 0.95
"""Share of what was known of a cell that stays when it is seen again."""
EMPTY = 5.0
"""Density a metre below which a cell is empty: its samples would hide less than a hundredth."""
EXPLORED = 1 / 16
"""Share of samples in empty cells that training looks at all the same."""


class Occupancy(nn.Module):
    """Density by cell.

    Attributes:
        seen: `[96^3]`, a metre; everything is full at the beginning.
    """

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.full((SIDE**3,), 100 * EMPTY))

    def worth(self, places: Tensor, explore: bool) -> Tensor:
        """Return `[S]` bool: whether to look at samples at `places [S, 3]`, 0 to 1."""
        full = self.seen[cells(places)] >= EMPTY
        return full | (torch.rand(len(places), device=places.device) < EXPLORED) if explore else full

    def see(self, places: Tensor, densities: Tensor) -> None:
        """Note the `densities [S]` at `places [S, 3]`."""
        number = cells(places)
        self.seen[number] *= MEMORY
        self.seen.scatter_reduce_(0, number, densities, "amax")


def cells(places: Tensor) -> Tensor:
    """Return the number of each place's cell, `[S]`."""
    x, y, z = (places * SIDE).long().clamp(0, SIDE - 1).unbind(-1)
    return (z * SIDE + y) * SIDE + x
