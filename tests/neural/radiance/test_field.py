# SPDX-License-Identifier: GPL-3.0-or-later
"""A head as a field: how space is mapped to the canonical head, and what it learns."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from semblance.neural.radiance.field.deformation import Deformation
from semblance.neural.radiance.field.hair import hair_of
from semblance.neural.radiance.field.learner import FieldLearner
from semblance.neural.radiance.field.network import DENSITY, FIRST_DENSITY, SHELL, FieldNetwork
from semblance.neural.radiance.field.occupancy import EMPTY, Occupancy
from semblance.neural.radiance.kernels.hash_encoding import Grids
from semblance.neural.radiance.kernels.launching import kernel_device
from semblance.neural.radiance.kernels.nearest_triangle import TriangleMesh
from semblance.neural.radiance.networks import network_config, network_of
from semblance.neural.radiance.scene import PosedHead
from semblance.neural.radiance.surfaces import surface_of
from semblance.tests.makers.synthetic_head import synthetic_scene
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import gaze_rotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.neural.radiance.scene import HeadSurface


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    kernel_device()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def surface() -> HeadSurface:
    head = load_builtin()
    return surface_of(head, np.zeros(len(head.identity_basis), np.float32))


def test_space_about_a_turned_and_grown_head_is_turned_and_shrunk_back(surface: HeadSurface) -> None:
    triangles = torch.from_numpy(surface.triangles.astype(np.int32))
    deformation = Deformation(torch.from_numpy(surface.canonical), triangles)
    rotation = torch.from_numpy(gaze_rotation(0.2, -0.5))
    canonical = deformation.canonical + 0.004 * torch.randn(
        deformation.canonical.shape, generator=torch.Generator().manual_seed(0)
    )

    def moved(points: torch.Tensor) -> torch.Tensor:
        return 1.3 * points @ rotation.T + torch.tensor([0.1, 0.0, 0.8])

    vertices = moved(deformation.canonical)
    near = TriangleMesh(vertices, triangles).nearest(moved(canonical), 0.1)
    gradients = deformation.gradients(vertices)
    back = deformation.to_canonical(moved(canonical), near.triangles, near.barycentric, vertices, gradients)
    # The normal grows with the square root of a triangle's area, as its edges do.
    torch.testing.assert_close(back, canonical, atol=5e-5, rtol=0)


def test_places_far_from_anything_are_left_out_after_they_were_seen_empty() -> None:
    occupancy = Occupancy()
    empty, full = torch.full((1, 3), 0.1), torch.full((1, 3), 0.9)
    both = torch.cat([empty, full])
    assert occupancy.worth(both, explore=False).all()
    for _ in range(100):
        occupancy.see(both, torch.tensor([0.0, 2 * EMPTY]))
    assert occupancy.worth(both, explore=False).tolist() == [False, True]
    assert occupancy.worth(empty.repeat(1000, 1), explore=True).any()


def test_a_bald_head_gets_no_hair_and_a_haired_one_as_much_as_its_outlines_show() -> None:
    made = synthetic_scene(96, novel=1, every=40)
    surface = made.scene.surface
    above = surface.scalp & (surface.rest[:, 1] < np.quantile(surface.rest[:, 1], 0.1))
    assert np.linalg.norm(hair_of(made.scene, made.training), axis=1)[above].mean() < 0.004
    pixels = 5
    wide = np.ones((2 * pixels + 1,) * 2, np.uint8)
    alphas = np.stack([cv2.dilate(alpha, wide) for alpha in made.scene.alphas.numpy()])
    hair = hair_of(replace(made.scene, alphas=torch.from_numpy(alphas)), made.training)
    thick = pixels * float(made.scene.vertices[0, :, 2].mean()) / made.scene.camera.fx
    assert abs(np.linalg.norm(hair, axis=1)[above].mean() - thick) < 0.5 * thick
    assert not hair[~(surface.scalp | surface.sides)].any()
    assert ((hair * surface.rest)[above, 1] > 0).mean() > 0.9, "it lies outside"


def test_a_mask_without_a_scalp_has_no_hair() -> None:
    made = synthetic_scene(48, novel=1, every=80)
    nowhere = np.zeros_like(made.scene.surface.scalp)
    mask = replace(made.scene, surface=replace(made.scene.surface, scalp=nowhere, sides=nowhere))
    assert not hair_of(mask, made.training).any()


def test_a_stored_field_ends_where_its_hair_does(surface: HeadSurface) -> None:
    hair = np.full_like(surface.rest, 0.01)
    network = FieldNetwork.about(surface, hair, 52, Grids(levels=2, finest=32))
    again = network_of(network_config(network))
    again.load_state_dict(network.state_dict())
    head = PosedHead(torch.from_numpy(surface.rest), torch.zeros(52), torch.eye(3), torch.eye(3))
    assert isinstance(again, FieldNetwork)
    torch.testing.assert_close(again.prepare(head).head.vertices, head.vertices + 0.01)


def test_no_light_shines_through_a_head_that_nearly_hides_what_is_behind(surface: HeadSurface) -> None:
    """Skin that training saw little of was speckled. What is clear, and what is beside the head, stays so."""
    network = FieldNetwork.about(surface, np.zeros_like(surface.rest), 52, Grids(levels=2, finest=32))
    placed = torch.from_numpy(surface.rest) + torch.tensor([0, 0, 0.7])
    head = PosedHead(placed, torch.zeros(52), torch.eye(3), torch.eye(3))
    camera = PinholeCamera(100, 100, 32, 32, 64, 64)

    def alpha(optical_depth: float) -> torch.Tensor:
        with torch.no_grad():
            network.table.zero_()
            for parameter in network.density.parameters():
                parameter.zero_()
            parameter[0] = math.log(optical_depth / (2 * SHELL) / DENSITY) - FIRST_DENSITY  # the last layer's bias
        return network.render(network.prepare(head), camera).rgba[..., 3]

    clear, dim, dense = alpha(0.1), alpha(2.0), alpha(20.0)
    inside = cv2.erode((dense.numpy() > 0.99).astype(np.uint8), np.ones((9, 9))) > 0
    assert inside.sum() > 300
    assert np.median(dim[inside]) > 0.9999
    assert clear[inside].max() < 0.6
    assert (dim[~inside] < 1).any()


@pytest.mark.slow
def test_a_field_learns_a_head() -> None:
    """Steps, pixels and frames are few: mapping, rays and networks together."""
    made = synthetic_scene(48, novel=3, every=40)
    torch.manual_seed(0)
    learner = FieldLearner(made.scene, made.training, grids=Grids(levels=8, finest=128))

    def psnr() -> float:
        found = []
        for index in made.novel:
            view = made.scene.view(index, whole=True)
            rendering = learner.network.render(learner.network.prepare(view.head), view.camera)
            inside = view.alpha > 0.5
            found.append(-10 * math.log10(float((rendering.rgba[..., :3] - view.colour)[inside].square().mean())))
        return float(np.mean(found))

    before = psnr()
    for index in range(80):
        learner.step(index, 0.0, lambda: None)
    assert psnr() > max(before + 6, 14)
