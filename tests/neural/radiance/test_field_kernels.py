# SPDX-License-Identifier: GPL-3.0-or-later
"""Nearest triangles, hash encoding and rays against plain PyTorch, and gradients against central differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from semblance.neural.radiance.kernels.hash_encoding import Grids, hash_encoding
from semblance.neural.radiance.kernels.launching import kernel_device
from semblance.neural.radiance.kernels.nearest_triangle import TriangleMesh
from semblance.neural.radiance.kernels.ray_compositing import composite_samples
from semblance.tracking.heads.builtin import load_builtin
from torch import Tensor

GRIDS = Grids(levels=4, coarsest=4, finest=24, most_entries=512)


@pytest.fixture(scope="module", autouse=True)
def started() -> None:
    kernel_device()


def head_mesh() -> tuple[Tensor, Tensor]:
    head = load_builtin()
    return torch.from_numpy(head.mean + np.array([0, 0, 0.7], np.float32)), torch.from_numpy(head.triangles.copy())


def place(vertices: Tensor, triangles: Tensor, found: Tensor, barycentric: Tensor) -> Tensor:
    return (vertices[triangles[found.long()].long()] * barycentric[..., None]).sum(1)


def test_the_nearest_triangle_is_nearer_than_any_place_on_the_mesh() -> None:
    vertices, triangles = head_mesh()
    generator = torch.Generator().manual_seed(0)
    points = vertices[torch.randint(0, len(vertices), (300,), generator=generator)]
    points = points + 0.01 * torch.randn(300, 3, generator=generator)
    found = TriangleMesh(vertices, triangles).nearest(points, 0.1)
    assert (found.triangles >= 0).all()
    own = (place(vertices, triangles, found.triangles, found.barycentric) - points).norm(dim=1)
    torch.testing.assert_close(own, found.distances, atol=1e-6, rtol=1e-4)
    places = torch.cat([vertices, vertices[triangles.long()].mean(1)]).double()
    assert (found.distances <= torch.cdist(points.double(), places).amin(1) + 1e-6).all()


def test_a_mesh_that_moves_is_found_where_it_is() -> None:
    vertices, triangles = head_mesh()
    mesh = TriangleMesh(vertices, triangles)
    points = vertices[:200] + 0.003
    before = mesh.nearest(points, 0.1)
    mesh.move(vertices + 0.5)
    after = mesh.nearest(points + 0.5, 0.1)
    torch.testing.assert_close(after.distances, before.distances, atol=1e-6, rtol=1e-3)
    assert (mesh.nearest(points, 0.01).triangles == -1).all()


def windings(points: Tensor, vertices: Tensor, triangles: Tensor) -> Tensor:
    """Return `[P]`: 1 inside a mesh and 0 outside, by the solid angles of its triangles (van Oosterom, Strackee)."""
    a, b, c = (vertices[triangles.long()][:, corner] - points[:, None] for corner in range(3))
    volume = (a * torch.linalg.cross(b, c)).sum(-1)
    x, y, z = (each.norm(dim=-1) for each in (a, b, c))
    below = x * y * z + (a * b).sum(-1) * z + (b * c).sum(-1) * x + (c * a).sum(-1) * y
    return torch.atan2(volume, below).sum(1) / (2 * torch.pi)


def test_rays_are_sampled_in_the_shell_until_they_are_in_the_head() -> None:
    """Stepping by distance leaves nothing out that a walk of even steps would find before the ray is hidden."""
    vertices, triangles = head_mesh()
    mesh = TriangleMesh(vertices, triangles)
    across = torch.linspace(-0.18, 0.18, 13)
    directions = torch.stack([*torch.meshgrid(across, across, indexing="xy"), torch.ones(13, 13)], -1).view(-1, 3)
    shell, stride, room = 0.006, 0.0015, 300
    samples = mesh.walk(directions, torch.zeros(len(directions)), shell, stride, room)
    near, far = float(vertices[:, 2].min()) - shell, float(vertices[:, 2].max()) + shell
    even = near + stride * torch.arange(int((far - near) / stride))
    points = directions[:, None] * even[:, None]
    inside = mesh.nearest(points.reshape(-1, 3), 1.0).distances.view(points.shape[:2]) < shell - 2e-4
    left = inside[:, :-1] & ~inside[:, 1:]
    ray, step = left.nonzero().unbind(1)
    hidden = torch.zeros_like(inside)
    hidden[ray, step + 1] = windings(points[ray, step + 1], vertices, triangles) > 0.5
    seen = inside & (hidden.cumsum(1) == 0)
    counts = samples.starts.diff()
    assert seen.sum() < 0.75 * inside.sum()
    assert (counts >= seen.sum(1)).all()
    assert counts.sum() < 1.1 * seen.sum() + len(directions)
    own = directions[samples.rays] * samples.depths[:, None]
    distance = (place(vertices, triangles, samples.triangles, samples.barycentric) - own).norm(dim=1)
    assert distance.max() < shell + 1e-5


def encoded_plainly(points: Tensor, table: Tensor, grids: Grids) -> Tensor:
    corners = torch.tensor([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)])
    levels = []
    for resolution, start, end in zip(grids.resolutions, grids.starts, grids.starts[1:], strict=False):
        scaled = points * resolution
        low = scaled.floor().clamp(0, resolution - 1)
        x, y, z = (low[:, None] + corners).long().unbind(-1)
        side, size = resolution + 1, end - start
        hashed = (x ^ (y * 2654435761 & 0xFFFFFFFF) ^ (z * 805459861 & 0xFFFFFFFF)) % size
        entries = x + side * (y + side * z) if side**3 <= size else hashed
        inside = (scaled - low)[:, None]
        weights = torch.where(corners.bool(), inside, 1 - inside).prod(-1)
        levels.append((table[start + entries] * weights[..., None]).sum(1))
    return torch.cat(levels, 1)


def test_features_and_their_gradient_equal_plain_pytorch() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(500, 3, generator=generator)
    table = torch.randn(GRIDS.starts[-1], 2, generator=generator, requires_grad=True)
    ours, plain = hash_encoding(points, table, GRIDS), encoded_plainly(points.double(), table.double(), GRIDS)
    torch.testing.assert_close(ours.double(), plain, atol=1e-4, rtol=1e-4)
    weights = torch.randn(ours.shape, generator=generator)
    (found,), (expected,) = (torch.autograd.grad((f * weights).sum(), [table]) for f in (ours, plain))
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-3)


def test_the_encodings_gradient_is_that_of_central_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(40, 3, generator=generator).double()
    table = torch.randn(GRIDS.starts[-1], 2, generator=generator).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda t: encoded_plainly(points, t, GRIDS), table, fast_mode=True)


def rays_plainly(starts: Tensor, densities: Tensor, values: Tensor, stride: float) -> tuple[Tensor, Tensor]:
    sums, lights = [], []
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        through = torch.exp(-densities[start:end] * stride)
        before = torch.cat([torch.ones(1, dtype=through.dtype), through.cumprod(0)])
        sums.append(((before[:-1] * (1 - through))[:, None] * values[start:end]).sum(0))
        lights.append(before[-1])
    return torch.stack(sums), torch.stack(lights)


@pytest.fixture
def samples() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    counts = torch.tensor([0, 3, 7, 1, 12])
    starts = torch.cat([torch.zeros(1), counts.cumsum(0)]).int()
    total = int(counts.sum())
    densities = (300 * torch.rand(total, generator=generator)).requires_grad_()
    return starts, densities, torch.randn(total, 4, generator=generator, requires_grad=True)


def test_rays_and_their_gradients_equal_plain_pytorch(samples: tuple[Tensor, Tensor, Tensor]) -> None:
    starts, densities, values = samples
    ours = composite_samples(starts, densities, values, 0.0015, 0.0)
    plain = rays_plainly(starts, densities.double(), values.double(), 0.0015)
    weights = torch.randn(ours[0].shape), torch.randn(ours[1].shape)
    found, expected = (
        torch.autograd.grad((sums * weights[0]).sum() + (light * weights[1]).sum(), [densities, values])
        for sums, light in (ours, plain)
    )
    for mine, theirs in zip((*ours, *found), (*plain, *expected), strict=True):
        torch.testing.assert_close(
            mine.double(), theirs.double(), atol=1e-6 * (1 + float(theirs.detach().abs().max())), rtol=1e-4
        )


def test_the_gradients_of_rays_are_those_of_central_differences(samples: tuple[Tensor, Tensor, Tensor]) -> None:
    starts, densities, values = (tensor.detach().double() for tensor in samples)
    inputs = densities.requires_grad_(), values.requires_grad_()
    assert torch.autograd.gradcheck(lambda d, v: rays_plainly(starts.int(), d, v, 0.0015), inputs)


def test_a_ray_ends_where_no_light_is_left() -> None:
    starts = torch.tensor([0, 3], dtype=torch.int32)
    densities = torch.tensor([1e5, 1e5, 1e5], requires_grad=True)
    values = torch.eye(3, 4, requires_grad=True)
    sums, light = composite_samples(starts, densities, values, 0.0015)
    torch.testing.assert_close(sums[0], torch.tensor([1.0, 0, 0, 0]))
    assert light[0] < 1e-4
    (of_values,) = torch.autograd.grad(sums.sum(), [values])
    assert not of_values[1:].any()
