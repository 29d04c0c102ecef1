# SPDX-License-Identifier: GPL-3.0-or-later
"""The multiresolution hash encoding (Müller et al. 2022): features from grids of many finenesses, two numbers each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import warp as wp
from torch import Tensor

from .launching import launch, numbers, vectors

wp.set_module_options({"enable_backward": False})

FEATURES = 2


@dataclass(frozen=True)
class Grids:
    """The finenesses of an encoding.

    Attributes:
        levels: how many; coarsest, finest: cells along a side.
        most_entries: of a level; a finer grid is hashed into so many.
    """

    levels: int = 16
    coarsest: int = 16
    finest: int = 256
    most_entries: int = 2**16

    @cached_property
    def resolutions(self) -> list[int]:
        """Cells along a side, by level."""
        growth = math.log(self.finest / self.coarsest) / max(1, self.levels - 1)
        return [math.floor(self.coarsest * math.exp(growth * level) + 1e-6) for level in range(self.levels)]

    @cached_property
    def starts(self) -> list[int]:
        """Where each level's entries begin in the table, and its length."""
        starts = [0]
        for resolution in self.resolutions:
            starts.append(starts[-1] + min(self.most_entries, (resolution + 1) ** 3))
        return starts


@wp.func
def entry_of(x: int, y: int, z: int, resolution: int, size: int):
    """The entry of a grid's corner in a level of `size` entries: its number, or its hash where the grid is larger."""
    side = resolution + 1
    entry = int(0)
    if side * side * side <= size:
        entry = x + side * (y + side * z)
    else:
        mixed = wp.uint32(x) ^ (wp.uint32(y) * wp.uint32(2654435761)) ^ (wp.uint32(z) * wp.uint32(805459861))
        entry = int(mixed % wp.uint32(size))
    return entry


@wp.struct
class Cell:
    """A point's cell in a grid: its first corner, and where in it the point is, 0 to 1 along each axis."""

    x: int
    y: int
    z: int
    inside: wp.vec3


@wp.func
def cell_of(point: wp.vec3, resolution: int):
    """The cell of a point in a grid of so many cells a side."""
    p = point * float(resolution)
    cell = Cell()
    cell.x = wp.clamp(int(wp.floor(p[0])), 0, resolution - 1)
    cell.y = wp.clamp(int(wp.floor(p[1])), 0, resolution - 1)
    cell.z = wp.clamp(int(wp.floor(p[2])), 0, resolution - 1)
    cell.inside = wp.vec3(p[0] - float(cell.x), p[1] - float(cell.y), p[2] - float(cell.z))
    return cell


@wp.func
def share(inside: float, corner: int):
    """How much a corner counts along one axis."""
    return wp.where(corner == 1, inside, 1.0 - inside)


@wp.func
def corner_of(cell: Cell, corner: int, resolution: int, size: int):
    """The entry of a cell's corner, 0 to 7, in a level of `size` entries, and how much it counts."""
    a, b, c = corner & 1, (corner >> 1) & 1, (corner >> 2) & 1
    weight = share(cell.inside[0], a) * share(cell.inside[1], b) * share(cell.inside[2], c)
    return entry_of(cell.x + a, cell.y + b, cell.z + c, resolution, size), weight


@wp.kernel
def encode(
    points: wp.array(dtype=wp.vec3),
    table: wp.array(dtype=wp.vec2),
    resolutions: wp.array(dtype=wp.int32),
    starts: wp.array(dtype=wp.int32),
    runs: int,
    features: wp.array2d(dtype=wp.vec2),
    first: int,
    step: int,
):
    """One level of every so many points, from one of `runs` beginnings."""
    item = first + wp.tid() * step
    level = item / runs
    resolution = resolutions[level]
    start = starts[level]
    size = starts[level + 1] - start
    i = item - level * runs
    while i < points.shape[0]:
        cell = cell_of(points[i], resolution)
        total = wp.vec2()
        for corner in range(8):
            entry, weight = corner_of(cell, corner, resolution, size)
            total += table[start + entry] * weight
        features[i, level] = total
        i += runs


@wp.kernel
def encode_adjoint(
    points: wp.array(dtype=wp.vec3),
    feature_gradients: wp.array2d(dtype=wp.vec2),
    resolutions: wp.array(dtype=wp.int32),
    starts: wp.array(dtype=wp.int32),
    runs: int,
    table_gradients: wp.array(dtype=wp.vec2),
    first: int,
    step: int,
):
    """The same; levels do not share entries, so that one run a level is safe where additions are not atomic."""
    item = first + wp.tid() * step
    level = item / runs
    resolution = resolutions[level]
    start = starts[level]
    size = starts[level + 1] - start
    i = item - level * runs
    while i < points.shape[0]:
        cell = cell_of(points[i], resolution)
        g = feature_gradients[i, level]
        for corner in range(8):
            entry, weight = corner_of(cell, corner, resolution, size)
            wp.atomic_add(table_gradients, start + entry, g * weight)
        i += runs


def hash_encoding(points: Tensor, table: Tensor, grids: Grids) -> Tensor:
    """Return `[P, 2 levels]` features of `points [P, 3]`, 0 to 1, from `table [entries, 2]`; no gradient for points."""
    features: Tensor = HashEncoding.apply(points, table, grids)  # type: ignore[no-untyped-call]
    return features


class HashEncoding(torch.autograd.Function):
    """`hash_encoding`."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, table: Tensor, grids: Grids) -> Tensor:
        """Return the features, `[P, 2 L]` at L levels."""
        features = torch.empty(len(points), grids.levels * FEATURES, device=points.device)
        places = [numbers(torch.tensor(part, dtype=torch.int32, device=points.device)) for part in tables_of(grids)]
        runs = max(1, len(points)) if points.is_cuda else 1
        seen = wp_pairs(features, grids)
        launch(encode, grids.levels * runs, [vectors(points), vectors(table), *places, runs, seen], heavy=True)
        ctx.save_for_backward(points, table)
        ctx.grids, ctx.places, ctx.runs = grids, places, runs
        return features

    @staticmethod
    def backward(ctx: Any, of_features: Tensor) -> tuple[None, Tensor, None]:
        """Return the table's gradient, `[entries, 2]`."""
        points, table = ctx.saved_tensors
        of_table = torch.zeros_like(table)
        seen = wp_pairs(of_features.contiguous(), ctx.grids)
        given = [vectors(points), seen, *ctx.places, ctx.runs, vectors(of_table)]
        launch(encode_adjoint, ctx.grids.levels * ctx.runs, given, heavy=True)
        return None, of_table, None


def tables_of(grids: Grids) -> tuple[list[int], list[int]]:
    """What kernels need to know of the levels."""
    return grids.resolutions, grids.starts


def wp_pairs(features: Tensor, grids: Grids) -> Any:
    """The same memory of `[P, 2 levels]` as pairs by point and level."""
    return vectors(features.view(-1, grids.levels, FEATURES))
