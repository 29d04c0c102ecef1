# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats to a picture, differentiably: PyTorch's face of the kernels that project and composite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import warp as wp
from numpy.typing import NDArray
from torch import Tensor

from ....tracking.heads.camera import PinholeCamera
from . import splat_compositing as compositing
from . import splat_projection as projection
from .launching import launch, numbers, vectors
from .splat_order import MOST_TILES, Order, Tiling, order_splats

PROCESSOR_TILE, GPU_TILE = 32, 8
"""Pixels of a tile's side."""


@dataclass(frozen=True)
class CutOffs:
    """What is too little to be drawn.

    Attributes:
        least_alpha: a splat adds nothing to a pixel where its alpha is less.
        most_alpha: no splat hides more than this.
        least_light: a pixel is done when less light than this is left.
    """

    least_alpha: float = 1 / 255
    most_alpha: float = 0.99
    least_light: float = 1e-3

    def limits(self) -> Any:
        """The same for kernels."""
        limits = compositing.Limits()
        limits.least_alpha, limits.most_alpha = self.least_alpha, self.most_alpha
        limits.least_light = self.least_light
        return limits


CUT_OFFS = CutOffs()


@dataclass(frozen=True)
class Binding:
    """Where splats sit on a head.

    Attributes:
        corners: `[N, 3]` int32: the vertices of each splat's triangle.
        barycentric: `[N, 3]` weights of these vertices.
        rest_sizes: `[N]` metres: square root of the triangle's area at rest.
        starts, carried, weights: for each vertex, the run of splats that it carries, and how much.
    """

    corners: Tensor
    barycentric: Tensor
    rest_sizes: Tensor
    starts: Tensor
    carried: Tensor
    weights: Tensor

    @classmethod
    def of(cls, corners: Tensor, barycentric: Tensor, rest_sizes: Tensor, vertices: int) -> Binding:
        """Bind to triangles of a head of so many vertices; `[N, 3]`, `[N, 3]` and `[N]` as in the attributes."""
        carriers = corners.reshape(-1)
        by_vertex = torch.argsort(carriers, stable=True)
        ends = torch.arange(vertices + 1, dtype=torch.int32, device=corners.device)
        starts = torch.searchsorted(carriers[by_vertex], ends).int()
        return cls(corners, barycentric, rest_sizes, starts, (by_vertex // 3).int(), barycentric.reshape(-1)[by_vertex])


def sizes_at_rest(corners: NDArray[np.int32], rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `[N]` metres: square roots of the areas of triangles with `corners [N, 3]` of a head `rest [V, 3]`."""
    a, b, c = (rest[corners[:, corner]] for corner in range(3))
    sizes = np.sqrt(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=-1))
    floored: NDArray[np.float32] = np.maximum(sizes, 1e-6).astype(np.float32)
    return floored


@dataclass(frozen=True)
class Projected:
    """Gaussians in a picture's plane.

    Attributes:
        means: `[N, 2]` pixels; conics: `[N, 3]` inverse of the covariance: xx, xy, yy.
        reach: `[N, 2]` pixels to either side; zero for what is not drawn.
        depths: `[N]` metres; normals: `[N, 3]` of the triangles, in camera space. No gradient flows through reach and
            normals.
    """

    means: Tensor
    conics: Tensor
    reach: Tensor
    depths: Tensor
    normals: Tensor


def project(
    vertices: Tensor,
    binding: Binding,
    offsets: Tensor,
    log_scales: Tensor,
    rotations: Tensor,
    opacities: Tensor,
    camera: PinholeCamera,
    cut_offs: CutOffs = CUT_OFFS,
) -> Projected:
    """See splats through a camera.

    Arguments: `vertices [V, 3]` in camera space; in the triangles' frames `offsets [N, 3]` (metres), `log_scales
    [N, 3]` (of metres at rest) and `rotations [N, 4]` (quaternions, w first, of any length); `opacities [N]` 0 to 1.
    """
    tensors = (vertices, offsets, log_scales, rotations, opacities)
    return Projected(*Projection.apply(*tensors, binding, camera, cut_offs))  # type: ignore[no-untyped-call]


def composite(
    projected: Projected, opacities: Tensor, values: Tensor, camera: PinholeCamera, cut_offs: CutOffs = CUT_OFFS
) -> tuple[Tensor, Tensor]:
    """Lay splats over each other; `values [N, 4]` is anything that is to be summed, `opacities [N]` 0 to 1.

    Returns:
        picture: `[H, W, 4]`, the values weighted by what is seen of each splat.
        light: `[H, W]`, what shines through, 0 to 1.
    """
    gaussians = (projected.means, projected.conics, opacities, values)
    rest = projected.reach, projected.depths, camera, cut_offs
    both: tuple[Tensor, Tensor] = Compositing.apply(*gaussians, *rest)  # type: ignore[no-untyped-call]
    return both


class Projection(torch.autograd.Function):
    """`project`."""

    @staticmethod
    def forward(ctx: Any, vertices: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
        """Return means `[N, 2]`, conics `[N, 3]`, reach `[N, 2]`, depths `[N]`, normals `[N, 3]`."""
        offsets, log_scales, rotations, opacities, binding, camera, cut_offs = arguments
        count, device = len(offsets), offsets.device
        means, reach = torch.zeros(2, count, 2, device=device)
        conics, normals = torch.zeros(2, count, 3, device=device)
        depths = torch.empty(count, device=device)
        shape = shape_arrays(vertices, binding, offsets, log_scales, rotations)
        window = [intrinsics(camera), camera.width, camera.height, cut_offs.least_alpha]
        made = [vectors(means), vectors(conics), vectors(reach), numbers(depths), vectors(normals)]
        launch(projection.project, count, [*shape, numbers(opacities), *window, *made])
        ctx.save_for_backward(vertices, offsets, log_scales, rotations, reach)
        ctx.binding, ctx.camera = binding, camera
        ctx.mark_non_differentiable(reach, normals)
        return means, conics, reach, depths, normals

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of vertices `[V, 3]`, offsets and scales `[N, 3]`, rotations `[N, 4]`."""
        vertices, offsets, log_scales, rotations, reach = ctx.saved_tensors
        of_means, of_conics, _, of_depths, _ = gradients
        count = len(offsets)
        made = [torch.empty_like(tensor) for tensor in (offsets, log_scales, rotations, offsets)]
        given = [vectors(reach), vectors(of_means), vectors(of_conics), numbers(of_depths)]
        shape = shape_arrays(vertices, ctx.binding, offsets, log_scales, rotations)
        arrays = [vectors(tensor) for tensor in made]
        launch(projection.project_adjoint, count, [*shape, intrinsics(ctx.camera), *given, *arrays])
        of_vertices = None
        if ctx.needs_input_grad[0]:
            of_vertices = torch.empty_like(vertices)
            runs = [numbers(tensor) for tensor in (ctx.binding.starts, ctx.binding.carried, ctx.binding.weights)]
            launch(projection.gather_at_vertices, len(vertices), [*runs, arrays[3], vectors(of_vertices)])
        return of_vertices, *made[:3], None, None, None, None


class Compositing(torch.autograd.Function):
    """`composite`."""

    @staticmethod
    def forward(ctx: Any, means: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
        """Return picture `[H, W, 4]` and light `[H, W]`."""
        conics, opacities, values, reach, depths, camera, cut_offs = arguments
        on_gpu = means.is_cuda
        order = order_splats(means, reach, depths, tiling(camera, GPU_TILE if on_gpu else PROCESSOR_TILE))
        picture = torch.zeros(camera.height * camera.width, 4, device=means.device)
        light = torch.ones(camera.height * camera.width, device=means.device)
        gaussians = gaussian_arrays(means, conics, opacities, values, None if on_gpu else reach)
        entries = [numbers(order.splats), numbers(order.tile_starts)]
        made = [vectors(picture), numbers(light)]
        rest = [*entries, *window_of(order, on_gpu), cut_offs.limits(), *made]
        if on_gpu:
            launch(compositing.composite_pixels, camera.width * camera.height, [*gaussians, *rest])
        else:
            launch(compositing.composite_tiles, order.tiling.count, [*gaussians, *rest], heavy=True)
        ctx.save_for_backward(means, conics, opacities, values, reach, picture, light)
        ctx.order, ctx.cut_offs = order, cut_offs
        return picture.view(camera.height, camera.width, 4), light.view(camera.height, camera.width)

    @staticmethod
    def backward(ctx: Any, of_picture: Tensor, of_light: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of means `[N, 2]`, conics `[N, 3]`, opacities `[N]` and values `[N, 4]`."""
        means, conics, opacities, values, reach, picture, light = ctx.saved_tensors
        order, on_gpu = ctx.order, means.is_cuda
        total = len(order.splats)
        slots = [torch.zeros(total, width, device=means.device) for width in (2, 3, 1, 4)]
        slot_arrays = [vectors(slots[0]), vectors(slots[1]), numbers(slots[2].view(-1)), vectors(slots[3])]
        gaussians = gaussian_arrays(means, conics, opacities, values, None if on_gpu else reach)
        entries = [numbers(order.splats), numbers(order.slots), numbers(order.tile_starts)]
        given = [vectors(of_picture.reshape(-1, 4)), numbers(of_light.reshape(-1))]
        rest = [*gaussians, *entries, *window_of(order, on_gpu), ctx.cut_offs.limits()]
        if on_gpu:
            pixels = [vectors(picture), numbers(light), *given, *slot_arrays]
            launch(compositing.composite_pixels_adjoint, light.numel(), [*rest, *pixels])
        else:
            scratch = [vectors(picture.clone()), numbers(torch.ones_like(light))]
            pixels = [numbers(light), *given, *scratch, *slot_arrays]
            launch(compositing.composite_tiles_adjoint, order.tiling.count, [*rest, *pixels], heavy=True)
        made = [torch.empty_like(tensor) for tensor in (means, conics, opacities, values)]
        arrays = [vectors(made[0]), vectors(made[1]), numbers(made[2]), vectors(made[3])]
        launch(compositing.sum_entries, len(means), [numbers(order.splat_starts), *slot_arrays, *arrays])
        return *made, None, None, None, None


def shape_arrays(
    vertices: Tensor, binding: Binding, offsets: Tensor, log_scales: Tensor, rotations: Tensor
) -> list[Any]:
    """What the kernels that project need to know of splats' shapes, in their order."""
    return [
        vectors(vertices),
        numbers(binding.corners),
        vectors(binding.barycentric),
        numbers(binding.rest_sizes),
        vectors(offsets),
        vectors(log_scales),
        vectors(rotations),
    ]


def gaussian_arrays(
    means: Tensor, conics: Tensor, opacities: Tensor, values: Tensor, reach: Tensor | None
) -> list[Any]:
    """What the kernels that composite need to know of Gaussians, in their order; GPUs do without the reach."""
    arrays = [vectors(means), vectors(conics), numbers(opacities), vectors(values)]
    return arrays if reach is None else [*arrays[:2], vectors(reach), *arrays[2:]]


def window_of(order: Order, on_gpu: bool) -> list[int]:
    """The picture's measures as the kernels that composite ask for them."""
    tiles = order.tiling
    size = [tiles.width] if on_gpu else [tiles.width, tiles.height]
    return [*size, tiles.side, tiles.columns]


def intrinsics(camera: PinholeCamera) -> wp.vec4:
    """Focal lengths and centre in pixels."""
    return wp.vec4(camera.fx, camera.fy, camera.cx, camera.cy)


def tiling(camera: PinholeCamera, side: int) -> Tiling:
    """Tiles of `side` pixels, or of as many more as keeps their number within what keys can hold."""
    tiles = Tiling(camera.width, camera.height, side)
    return tiles if tiles.count < MOST_TILES else tiling(camera, 2 * side)
