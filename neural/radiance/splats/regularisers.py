# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps splats from cracks and needles where the footage does not show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Integers
    from .network import PreparedSplats, SplatNetwork
    from .placement import Placement

EDGE, EDGE_METRES = 0.02, 5e-4
"""Weight of displacements that differ along an edge, and by how much they may."""
OFFSET, OFFSET_METRES, SHELL_METRES = 0.01, 1.5e-3, 8e-3
"""Weight of a splat's own offset, and how far it may be, on the skin and in the hair."""
SIZE, SHRUNK, GROWN = 0.05, 0.2, 0.7
"""Weight of tangential sizes that leave the sizes at rest, and by how much their logarithms may."""
FLAT, FLATTER = 0.02, 0.7
"""Weight of thick splats, and the logarithm by which the normal size should be below the tangential ones."""
ROUND = 0.02
"""Weight of tangential sizes that differ."""
COLOUR, COLOUR_CHANGE = 0.002, 0.002
"""Weights of logits of colours that leave the first ones, and that change with the expression: where the footage says
next to nothing (skin seen at a glance), colours stay what they began as."""
UNSEEN = 0.6
"""Weight of colours that leave the first ones, and of their bases, where skin beside and behind the face is seen
edge-on at most.
"""
HAZE = 2e-3
"""Weight of the opacity of hair: what no frame shows of it goes."""


class Regularisers(nn.Module):
    """Penalties on a head's splats.

    Attributes:
        rest_offsets, rest_scales, first_colours: `[N, 3]` how the splats began; on_shell: `[N]` bool, those of hair.
        edges: `[E, 2]` vertices, of the head; per_offset: `[N, 1]` the weight of each splat's own offset.
        unseen: `[K]` the splats whose colours are kept.
    """

    rest_offsets: Tensor
    rest_scales: Tensor
    first_colours: Tensor
    on_shell: Tensor
    edges: Tensor
    per_offset: Tensor
    unseen: Tensor

    def __init__(
        self, placement: Placement, triangles: Integers, first_colours: Tensor, unseen: NDArray[np.bool_]
    ) -> None:
        """Keep splats near how they were placed on `triangles [T, 3]`, and near `first_colours [N, 3]` (logits),
        where `unseen [N]` much more so.
        """
        super().__init__()
        heights, on_shell = torch.from_numpy(placement.heights), torch.from_numpy(placement.on_shell)
        rest_offsets = torch.stack([torch.zeros_like(heights), torch.zeros_like(heights), heights], -1)
        self.register_buffer("rest_offsets", rest_offsets)
        self.register_buffer("rest_scales", torch.from_numpy(placement.sizes).log())
        self.register_buffer("on_shell", on_shell)
        self.register_buffer("first_colours", first_colours.detach().clone())
        edges = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1), axis=0)
        self.register_buffer("edges", torch.from_numpy(edges.astype(np.int64)))
        metres = torch.where(on_shell, SHELL_METRES, OFFSET_METRES)[:, None]
        self.register_buffer("per_offset", OFFSET / metres.square() / rest_offsets.numel())
        self.register_buffer("unseen", torch.from_numpy(np.flatnonzero(unseen)))

    def forward(self, network: SplatNetwork, prepared: PreparedSplats) -> Tensor:
        """Return the penalty, `[]`, of a head in a pose."""
        along = prepared.displacements[self.edges[:, 0]] - prepared.displacements[self.edges[:, 1]]
        smooth = EDGE * (along / EDGE_METRES).square().mean()
        near = (self.per_offset * (network.offsets - self.rest_offsets).square()).sum()
        change = network.log_scales - self.rest_scales
        tangential, normal = network.log_scales[:, :2], network.log_scales[:, 2]
        size = SIZE * ((-change[:, :2] - SHRUNK).relu().square() + (change[:, :2] - GROWN).relu().square()).mean()
        flat = FLAT * (normal - tangential.mean(1) + FLATTER).relu().mean()
        even = ROUND * (tangential[:, 0] - tangential[:, 1]).square().mean()
        moved, acted = network.colour_logits - self.first_colours, prepared.logits - network.colour_logits
        colour = COLOUR * moved.square().mean() + COLOUR_CHANGE * acted.square().mean()
        bases = network.colour_bases.view(-1, *moved.shape)[:, self.unseen]
        kept = UNSEEN * (moved[self.unseen].square().sum() + bases.square().sum()) / moved.numel()
        haze = HAZE * (prepared.opacities * self.on_shell).mean()
        return smooth + near + size + flat + even + colour + kept + haze
