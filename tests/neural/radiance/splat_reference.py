# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats in plain PyTorch, one after the other over the whole picture: slow, short, of any precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from semblance.neural.radiance.kernels.splatting import Binding
    from semblance.tracking.heads.camera import PinholeCamera


def frames_and_sizes(vertices: Tensor, binding: Binding) -> tuple[Tensor, Tensor]:
    a, b, c = vertices[binding.corners.long()].unbind(1)
    cross = torch.linalg.cross(b - a, c - a)
    normal = cross / cross.norm(dim=-1, keepdim=True)
    tangent = (b - a) / (b - a).norm(dim=-1, keepdim=True)
    frames = torch.stack([tangent, torch.linalg.cross(normal, tangent), normal], -1)
    growth = (0.5 * cross.norm(dim=-1)).sqrt() / binding.rest_sizes
    return frames.detach(), growth.clamp(0.3, 3).detach()


def rotation_matrices(quaternions: Tensor) -> Tensor:
    w, x, y, z = torch.nn.functional.normalize(quaternions, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def project(
    vertices: Tensor, binding: Binding, offsets: Tensor, log_scales: Tensor, rotations: Tensor, camera: PinholeCamera
) -> tuple[Tensor, Tensor, Tensor]:
    """Return means, conics and depths."""
    frames, growth = frames_and_sizes(vertices, binding)
    anchors = (vertices[binding.corners.long()] * binding.barycentric.to(vertices.dtype)[..., None]).sum(1)
    points = anchors + (frames @ offsets[..., None])[..., 0]
    axes = frames @ rotation_matrices(rotations) * (log_scales.exp() * growth[:, None])[:, None]
    x, y, z = points.unbind(-1)
    nothing = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([camera.fx / z, nothing, -camera.fx * x / z**2], -1),
            torch.stack([nothing, camera.fy / z, -camera.fy * y / z**2], -1),
        ],
        -2,
    )
    spread = jacobian @ axes
    inverse = torch.linalg.inv(spread @ spread.mT + 0.1 * torch.eye(2, dtype=z.dtype))
    means = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], -1)
    return means, torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], -1), z


def composite(
    means: Tensor, conics: Tensor, opacities: Tensor, values: Tensor, depths: Tensor, camera: PinholeCamera
) -> tuple[Tensor, Tensor]:
    """Return picture and light, without any cut-off."""
    rows, columns = (torch.arange(side, dtype=means.dtype) + 0.5 for side in (camera.height, camera.width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    picture = torch.zeros(camera.height, camera.width, 4, dtype=means.dtype)
    light = torch.ones(camera.height, camera.width, dtype=means.dtype)
    for i in torch.argsort(depths).tolist():
        dx, dy = x - means[i, 0], y - means[i, 1]
        exponent = -0.5 * (conics[i, 0] * dx**2 + conics[i, 2] * dy**2) - conics[i, 1] * dx * dy
        alpha = opacities[i] * torch.exp(exponent)
        picture = picture + (light * alpha)[..., None] * values[i]
        light = light * (1 - alpha)
    return picture, light
