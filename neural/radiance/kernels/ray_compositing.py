# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples on rays to colours, front to back until no light is left, and the adjoint by hand."""

from __future__ import annotations

from typing import Any

import torch
import warp as wp
from torch import Tensor

from .launching import launch, numbers, vectors

wp.set_module_options({"enable_backward": False})

LEAST_LIGHT = 1e-4
"""A ray ends where less light is left."""


@wp.kernel
def composite_rays(
    starts: wp.array(dtype=wp.int32),
    densities: wp.array(dtype=float),
    values: wp.array(dtype=wp.vec4),
    stride: float,
    least_light: float,
    sums: wp.array(dtype=wp.vec4),
    light: wp.array(dtype=float),
    first: int,
    step: int,
):
    """One ray."""
    ray = first + wp.tid() * step
    total = wp.vec4()
    passing = float(1.0)
    k = starts[ray]
    end = starts[ray + 1]
    while k < end and passing >= least_light:
        through = wp.exp(-densities[k] * stride)
        total += values[k] * (passing * (1.0 - through))
        passing *= through
        k += 1
    sums[ray] = total
    light[ray] = passing


@wp.kernel
def composite_rays_adjoint(
    starts: wp.array(dtype=wp.int32),
    densities: wp.array(dtype=float),
    values: wp.array(dtype=wp.vec4),
    stride: float,
    least_light: float,
    sums: wp.array(dtype=wp.vec4),
    light: wp.array(dtype=float),
    sum_gradients: wp.array(dtype=wp.vec4),
    light_gradients: wp.array(dtype=float),
    density_gradients: wp.array(dtype=float),
    value_gradients: wp.array(dtype=wp.vec4),
    first: int,
    step: int,
):
    """One ray, again from front to back; gradients begin as zero."""
    ray = first + wp.tid() * step
    behind = sums[ray]
    passing = float(1.0)
    g = sum_gradients[ray]
    tail = light_gradients[ray] * light[ray]
    k = starts[ray]
    end = starts[ray + 1]
    while k < end and passing >= least_light:
        through = wp.exp(-densities[k] * stride)
        weight = passing * (1.0 - through)
        behind -= values[k] * weight
        value_gradients[k] = g * weight
        density_gradients[k] = stride * (wp.dot(g, values[k]) * passing * through - wp.dot(g, behind) - tail)
        passing *= through
        k += 1


def composite_samples(
    starts: Tensor, densities: Tensor, values: Tensor, stride: float, least_light: float = LEAST_LIGHT
) -> tuple[Tensor, Tensor]:
    """Sum what samples on rays show.

    Arguments: `starts [R + 1]` int32 where each ray's samples begin, `densities [S]` a metre, `values [S, 4]` anything,
    `stride` metres between samples.

    Returns:
        sums: `[R, 4]`; light: `[R]`, what shines through, 0 to 1.
    """
    both: tuple[Tensor, Tensor] = RayCompositing.apply(  # type: ignore[no-untyped-call]
        densities, values, starts, stride, least_light
    )
    return both


class RayCompositing(torch.autograd.Function):
    """`composite_samples`."""

    @staticmethod
    def forward(
        ctx: Any, densities: Tensor, values: Tensor, starts: Tensor, stride: float, least_light: float
    ) -> tuple[Tensor, Tensor]:
        """Return sums `[R, 4]` and light `[R]`."""
        rays = len(starts) - 1
        sums, light = torch.empty(rays, 4, device=values.device), torch.empty(rays, device=values.device)
        given = [numbers(starts), numbers(densities), vectors(values), stride, least_light]
        launch(composite_rays, rays, [*given, vectors(sums), numbers(light)])
        ctx.save_for_backward(densities, values, starts, sums, light)
        ctx.stride, ctx.least_light = stride, least_light
        return sums, light

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of densities `[S]` and values `[S, 4]`."""
        densities, values, starts, sums, light = ctx.saved_tensors
        made = torch.zeros_like(densities), torch.zeros_like(values)
        given = [numbers(starts), numbers(densities), vectors(values), ctx.stride, ctx.least_light]
        seen = [vectors(sums), numbers(light), vectors(gradients[0]), numbers(gradients[1])]
        launch(composite_rays_adjoint, len(light), [*given, *seen, numbers(made[0]), vectors(made[1])])
        return *made, None, None, None
