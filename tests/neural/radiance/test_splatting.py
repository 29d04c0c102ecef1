# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats drawn by the kernels against plain PyTorch, and their gradients against central differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from semblance.neural.radiance.kernels import splat_compositing, splatting
from semblance.neural.radiance.kernels.launching import launch, numbers, vectors
from semblance.neural.radiance.kernels.splat_order import Tiling, order_splats
from semblance.neural.radiance.kernels.splatting import Binding, CutOffs, composite, project, sizes_at_rest
from semblance.tests.neural.radiance import splat_reference as reference
from semblance.tracking.heads.camera import PinholeCamera
from torch import Tensor

CAMERA = PinholeCamera(70.0, 66.0, 19.0, 17.0, 40, 36)
EVERYTHING = CutOffs(1e-10, 1.0, 0.0)
"""Cut-offs below what single precision shows: the pictures are smooth in every number."""
COUNT = 60


@pytest.fixture
def scene() -> dict[str, Any]:
    """Triangles that face the camera at half a metre, a splat or two on each."""
    generator = np.random.default_rng(3)
    middles = np.concatenate([generator.uniform(-0.1, 0.1, (30, 1, 2)), generator.uniform(0.4, 0.6, (30, 1, 1))], -1)
    corners = np.array([[0.02, -0.01, 0], [-0.02, -0.015, 0.004], [0, 0.02, 0]])
    vertices = (middles + corners + generator.normal(0, 0.002, (30, 3, 3))).reshape(-1, 3).astype(np.float32)
    triangles = np.arange(90, dtype=np.int32).reshape(30, 3)[generator.integers(0, 30, COUNT)]
    barycentric = torch.from_numpy(generator.dirichlet([2, 2, 2], COUNT).astype(np.float32))
    sizes = torch.from_numpy(sizes_at_rest(triangles, vertices * 1.1))
    binding = Binding.of(torch.from_numpy(triangles), barycentric, sizes, len(vertices))

    def normal(*shape: int, scale: float = 1.0, about: float = 0.0) -> Tensor:
        return torch.from_numpy(generator.normal(about, scale, shape).astype(np.float32)).requires_grad_()

    return {
        "vertices": torch.from_numpy(vertices).requires_grad_(),
        "binding": binding,
        "offsets": normal(COUNT, 3, scale=0.004),
        "log_scales": normal(COUNT, 3, scale=0.3, about=-4.6),
        "rotations": normal(COUNT, 4),
        "opacities": torch.from_numpy(generator.uniform(0.2, 0.9, COUNT).astype(np.float32)).requires_grad_(),
        "values": normal(COUNT, 4),
    }


def drawn(scene: dict[str, Any], cut_offs: CutOffs, depths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Draw the scene, in the order of other `depths` if they are given."""
    shape = [scene[name] for name in ("vertices", "binding", "offsets", "log_scales", "rotations", "opacities")]
    projected = project(*[*shape, CAMERA, cut_offs])
    projected = projected if depths is None else replace(projected, depths=depths)
    return composite(projected, scene["opacities"], scene["values"], CAMERA, cut_offs)


def drawn_plainly(scene: dict[str, Any]) -> tuple[Tensor, Tensor]:
    scene = {name: value.double() if isinstance(value, Tensor) else value for name, value in scene.items()}
    shape = [scene[name] for name in ("vertices", "binding", "offsets", "log_scales", "rotations")]
    means, conics, depths = reference.project(*[*shape, CAMERA])
    return reference.composite(means, conics, scene["opacities"], scene["values"], depths, CAMERA)


LEARNT = ("vertices", "offsets", "log_scales", "rotations", "opacities", "values")


def gradients(scene: dict[str, Any], picture: Tensor, light: Tensor) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(picture.shape, generator=generator), torch.randn(light.shape, generator=generator)
    loss = (picture * weights[0]).sum() + (light * weights[1]).sum()
    return dict(zip(LEARNT, torch.autograd.grad(loss, [scene[name] for name in LEARNT]), strict=True))


def test_pictures_and_gradients_equal_plain_pytorch(scene: dict[str, Any]) -> None:
    """Without cut-offs nothing differs but rounding, and not even the reference rounds."""
    ours, plain = drawn(scene, EVERYTHING), drawn_plainly(scene)
    torch.testing.assert_close(ours[0].double(), plain[0], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(ours[1].double(), plain[1], atol=2e-5, rtol=1e-4)
    expected = gradients(scene, *plain)
    for name, gradient in gradients(scene, *ours).items():
        error = (gradient - expected[name]).abs().max() / expected[name].abs().max()
        assert error < 3e-4, f"{name}: {error:.1e}"


def test_the_reference_gradients_are_those_of_central_differences(scene: dict[str, Any]) -> None:
    names = ("offsets", "log_scales", "rotations", "opacities", "values")
    some = {name: scene[name][:6].detach().double().requires_grad_() for name in names}
    full = scene["binding"]
    binding = Binding(
        full.corners[:6], full.barycentric[:6], full.rest_sizes[:6], full.starts, full.carried, full.weights
    )
    vertices = scene["vertices"].detach().double()
    camera = CAMERA.resized(8, 8)

    def picture(*tensors: Tensor) -> tuple[Tensor, Tensor]:
        offsets, log_scales, rotations, opacities, values = tensors
        means, conics, depths = reference.project(vertices, binding, offsets, log_scales, rotations, camera)
        return reference.composite(means, conics, opacities, values, depths, camera)

    assert torch.autograd.gradcheck(picture, tuple(some.values()))


def test_gradients_equal_central_differences(scene: dict[str, Any]) -> None:
    """Of the kernels themselves: along one random direction of each parameter, the order kept."""
    shape = [scene[name] for name in ("vertices", "binding", "offsets", "log_scales", "rotations", "opacities")]
    depths = project(*[*shape, CAMERA, EVERYTHING]).depths.detach()
    found = gradients(scene, *drawn(scene, EVERYTHING))
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(36, 40, 4, generator=generator), torch.randn(36, 40, generator=generator)
    steps = {"offsets": 1e-5, "log_scales": 1e-3, "rotations": 1e-3, "opacities": 1e-3, "values": 1e-2}
    for name, step in steps.items():
        direction = torch.randn(scene[name].shape, generator=generator)

        def loss(sign: float, name: str = name, by: Tensor = step * direction) -> float:
            with torch.no_grad():
                picture, light = drawn({**scene, name: scene[name] + sign * by}, EVERYTHING, depths)
            return float((picture.double() * weights[0]).sum() + (light.double() * weights[1]).sum())

        slope = (loss(1) - loss(-1)) / (2 * step)
        assert slope == pytest.approx(float((found[name] * direction).sum()), rel=5e-3, abs=0.05), name


def test_cut_offs_change_little(scene: dict[str, Any]) -> None:
    some, all_of_it = drawn(scene, CutOffs()), drawn(scene, EVERYTHING)
    assert (some[0] - all_of_it[0]).abs().max() < 0.05
    assert (some[1] - all_of_it[1]).abs().max() < 0.02


def test_the_order_for_gpus_gives_the_same_picture_and_gradients(scene: dict[str, Any]) -> None:
    """A thread a pixel, here one after the other, against a thread a tile."""
    shape = [scene[name] for name in ("vertices", "binding", "offsets", "log_scales", "rotations", "opacities")]
    projected = project(*[*shape, CAMERA])
    names = ("means", "conics")
    leaves = [getattr(projected, name).detach().requires_grad_() for name in names]
    leaves += [scene["opacities"].detach().requires_grad_(), scene["values"].detach().requires_grad_()]
    picture, light = splatting.Compositing.apply(*leaves, projected.reach, projected.depths, CAMERA, splatting.CUT_OFFS)
    of_picture, of_light = torch.randn_like(picture), torch.randn_like(light)
    expected = torch.autograd.grad([picture, light], leaves, [of_picture, of_light])

    order = order_splats(projected.means, projected.reach, projected.depths, Tiling(40, 36, 8))
    gaussians = splatting.gaussian_arrays(*[*leaves, None])
    limits = splatting.CUT_OFFS.limits()
    made = torch.zeros(36, 40, 4), torch.ones(36, 40)
    entries = [numbers(order.splats), numbers(order.tile_starts)]
    window = splatting.window_of(order, True)
    pixels = [vectors(made[0].view(-1, 4)), numbers(made[1].view(-1))]
    launch(splat_compositing.composite_pixels, 1440, [*gaussians, *entries, *window, limits, *pixels])
    torch.testing.assert_close(made[0], picture.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(made[1], light.detach(), atol=1e-5, rtol=1e-5)

    slots = [torch.zeros(len(order.splats), width) for width in (2, 3, 1, 4)]
    slot_arrays = [vectors(slots[0]), vectors(slots[1]), numbers(slots[2].view(-1)), vectors(slots[3])]
    entries.insert(1, numbers(order.slots))
    given = [vectors(of_picture.view(-1, 4)), numbers(of_light.view(-1)), *slot_arrays]
    launch(splat_compositing.composite_pixels_adjoint, 1440, [*gaussians, *entries, *window, limits, *pixels, *given])
    owners = torch.repeat_interleave(torch.arange(COUNT), order.splat_starts.diff())
    for slot, gradient in zip(slots, expected, strict=True):
        total = torch.zeros(COUNT, slot.shape[1]).index_add_(0, owners, slot).view_as(gradient)
        torch.testing.assert_close(total, gradient, atol=1e-4 * float(gradient.abs().max()), rtol=1e-3)


def test_what_faces_away_or_lies_beside_the_picture_is_not_drawn(scene: dict[str, Any]) -> None:
    shape = [scene[name] for name in ("offsets", "log_scales", "rotations", "opacities")]
    mirrored = scene["vertices"].detach() * torch.tensor([-1.0, 1.0, 1.0])
    beside = scene["vertices"].detach() + torch.tensor([5.0, 0.0, 0.0])
    for vertices in (mirrored, beside):
        projected = project(*[vertices, scene["binding"], *shape, CAMERA])
        picture, light = composite(projected, scene["opacities"], scene["values"], CAMERA)
        assert not picture.any()
        assert (light == 1).all()
