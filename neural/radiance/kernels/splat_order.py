# SPDX-License-Identifier: GPL-3.0-or-later
"""Which splats touch which tile of the picture, nearest first.

Each pair of a splat and a tile that it touches is an entry. Entries are made splat by splat (so that those of one
splat lie side by side, where gradients are summed) and sorted by tile and depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import warp as wp
from torch import Tensor

from .launching import launch, numbers, vectors

wp.set_module_options({"enable_backward": False})

DEPTH_BITS = 16
"""Bits of a key for the depth between the nearest and the farthest splat: microns, for a head."""
MOST_TILES = 2 ** (31 - DEPTH_BITS)


@dataclass(frozen=True)
class Tiling:
    """Tiles of `side` pixels over a picture."""

    width: int
    height: int
    side: int

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return -(-self.width // self.side)

    @property
    def count(self) -> int:
        """Tiles altogether."""
        return self.columns * -(-self.height // self.side)


@dataclass(frozen=True)
class Order:
    """Entries in the order in which they are drawn.

    Attributes:
        tiling: the tiles.
        splats, slots: `[E]` int32: an entry's splat, and its number before sorting.
        tile_starts: `[tiles + 1]` int32: where each tile's entries begin.
        splat_starts: `[N + 1]` int32: where each splat's slots begin.
    """

    tiling: Tiling
    splats: Tensor
    slots: Tensor
    tile_starts: Tensor
    splat_starts: Tensor


@wp.func
def touched(mean: wp.vec2, reach: wp.vec2, width: int, height: int, side: int):
    """The first and last tile, across and down, in which some pixel's centre lies within the reach."""
    x0 = wp.max(int(wp.ceil(mean[0] - reach[0] - 0.5)), 0)
    x1 = wp.min(int(wp.floor(mean[0] + reach[0] - 0.5)), width - 1)
    y0 = wp.max(int(wp.ceil(mean[1] - reach[1] - 0.5)), 0)
    y1 = wp.min(int(wp.floor(mean[1] + reach[1] - 0.5)), height - 1)
    if reach[0] == 0.0 or x0 > x1 or y0 > y1:
        return wp.vec4i(0, -1, 0, -1)
    return wp.vec4i(x0 / side, x1 / side, y0 / side, y1 / side)


@wp.kernel
def count_entries(
    means: wp.array(dtype=wp.vec2),
    reach: wp.array(dtype=wp.vec2),
    width: int,
    height: int,
    side: int,
    counts: wp.array(dtype=wp.int32),
    first: int,
    step: int,
):
    """One splat: the tiles that it touches."""
    i = first + wp.tid() * step
    t = touched(means[i], reach[i], width, height, side)
    counts[i] = (t[1] - t[0] + 1) * (t[3] - t[2] + 1)


@wp.kernel
def write_entries(
    means: wp.array(dtype=wp.vec2),
    reach: wp.array(dtype=wp.vec2),
    depths: wp.array(dtype=float),
    depth_range: wp.array(dtype=float),
    width: int,
    height: int,
    side: int,
    columns: int,
    splat_starts: wp.array(dtype=wp.int32),
    keys: wp.array(dtype=wp.int32),
    slots: wp.array(dtype=wp.int32),
    owners: wp.array(dtype=wp.int32),
    first: int,
    step: int,
):
    """One splat: its entries."""
    i = first + wp.tid() * step
    t = touched(means[i], reach[i], width, height, side)
    near = depth_range[0]
    far = depth_range[1]
    depth = int(wp.clamp((depths[i] - near) / wp.max(far - near, 1.0e-6), 0.0, 1.0) * 65535.0)
    slot = splat_starts[i]
    for y in range(t[2], t[3] + 1):
        for x in range(t[0], t[1] + 1):
            keys[slot] = ((y * columns + x) << 16) | depth
            slots[slot] = slot
            owners[slot] = i
            slot += 1


@wp.kernel
def find_tiles(
    keys: wp.array(dtype=wp.int32),
    slots: wp.array(dtype=wp.int32),
    owners: wp.array(dtype=wp.int32),
    count: int,
    tiles: int,
    splats: wp.array(dtype=wp.int32),
    tile_starts: wp.array(dtype=wp.int32),
    first: int,
    step: int,
):
    """One sorted entry: its splat; and where the tiles begin that come after the entry before."""
    k = first + wp.tid() * step
    splats[k] = owners[slots[k]]
    tile = keys[k] >> 16
    before = int(-1)
    if k > 0:
        before = keys[k - 1] >> 16
    for t in range(before + 1, tile + 1):
        tile_starts[t] = k
    if k == count - 1:
        for t in range(tile + 1, tiles + 1):
            tile_starts[t] = count


def order_splats(means: Tensor, reach: Tensor, depths: Tensor, tiling: Tiling) -> Order:
    """Return the entries of splats with `means [N, 2]` pixels, `reach [N, 2]` pixels and `depths [N]` metres."""
    count, device = len(means), means.device
    splat_starts = torch.zeros(count + 1, dtype=torch.int32, device=device)
    places = [vectors(means), vectors(reach)]
    window = [tiling.width, tiling.height, tiling.side]
    counts = torch.empty(count, dtype=torch.int32, device=device)
    launch(count_entries, count, [*places, *window, numbers(counts)])
    torch.cumsum(counts, 0, dtype=torch.int32, out=splat_starts[1:])
    total = int(splat_starts[-1])
    # The sort needs as much room again.
    keys, slots = torch.empty(2, 2 * total, dtype=torch.int32, device=device)
    owners, splats = torch.empty(2, total, dtype=torch.int32, device=device)
    tile_starts = torch.zeros(tiling.count + 1, dtype=torch.int32, device=device)
    if total:
        depth_range = torch.stack(torch.aminmax(depths[counts > 0]))
        made = [numbers(tensor) for tensor in (splat_starts, keys, slots, owners)]
        launch(write_entries, count, [*places, numbers(depths), numbers(depth_range), *window, tiling.columns, *made])
        wp.utils.radix_sort_pairs(made[1], made[2], total, end_bit=DEPTH_BITS + tiling.count.bit_length())
        found = [numbers(splats), numbers(tile_starts)]
        launch(find_tiles, total, [*made[1:], total, tiling.count, *found])
    return Order(tiling, splats, slots[:total], tile_starts, splat_starts)
