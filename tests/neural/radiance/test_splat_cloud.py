# SPDX-License-Identifier: GPL-3.0-or-later
"""A network's splats as plain arrays are where, as large and of the colour that the network draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.neural.radiance.kernels import splat_projection
from semblance.neural.radiance.kernels.launching import kernel_device
from semblance.neural.radiance.kernels.splatting import project
from semblance.neural.radiance.splats.cloud import cloud_of, every_splat_of, facing, ghosts, inside_of_mouth
from semblance.neural.radiance.splats.network import SplatNetwork, harmonics
from semblance.neural.radiance.splats.placement import place_splats
from semblance.neural.radiance.surfaces import CANONICAL_JAW, surface_of
from semblance.protocol.splats import SH_0
from semblance.tests.protocol.test_splats import covariances
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.rotations import from_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.tracking.heads.head import MorphableHead


@pytest.fixture(scope="module", autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def begun(head: MorphableHead) -> SplatNetwork:
    surface = surface_of(head, np.zeros(len(head.identity_basis), np.float32))
    return SplatNetwork.placed(place_splats(surface, 26_000), surface.rest, 52, turned=False)


@pytest.fixture(scope="module")
def network() -> SplatNetwork:
    """Splats that have moved, turned and grown from where they began, and a head that is displaced."""
    head = load_builtin()
    kernel_device()
    torch.manual_seed(1)
    made = begun(head)
    for name, spread in {"offsets": 2e-3, "log_scales": 0.3, "rotations": 0.5, "displacement": 1.0}.items():
        tensor = getattr(made, name)
        tensor += spread * torch.randn_like(tensor)
    for tensor in (made.light, made.colour_logits, made.colour_bases, made.shape_bases):
        tensor.copy_(0.3 * torch.randn_like(tensor))
    return made


def test_the_cloud_is_what_the_network_draws(network):
    head, camera = load_builtin(), PinholeCamera.default(256)
    rest = head.neutral(np.zeros(len(head.identity_basis), np.float32))
    cloud = every_splat_of(network, head, np.zeros(len(head.identity_basis)))
    turn = from_vectors(np.array([0.2, 0.5, -0.1])).astype(np.float32)
    vertices = (rest @ turn.T + [0.01, 0.02, 0.9]).astype(np.float32)
    placed = cloud.placed(vertices, turn)
    # The network draws the head in this pose with what it does to the head at rest.
    prepared = network.prepare(facing(network, rest))
    speaking = network.prepare(facing(network, rest, CANONICAL_JAW))
    inside = inside_of_mouth(head)
    assert np.array_equal(cloud.displacements[~inside], prepared.displacements[~inside])
    assert np.array_equal(cloud.displacements[inside], speaking.displacements[inside])
    moved = torch.from_numpy(vertices + cloud.displacements @ turn.T)
    shape = (network.offsets, network.log_scales, network.rotations)
    seen = project(moved, network.derived, *shape, prepared.opacities, camera)
    drawn = (seen.reach[:, 0] > 0).numpy()
    assert drawn.mean() > 0.3
    assert np.allclose(placed.positions[:, 2], seen.depths, atol=1e-5)
    assert np.allclose(camera.project(placed.positions)[drawn], seen.means.numpy()[drawn], atol=1e-2)
    x, y, z = placed.positions[drawn].T
    zero = np.zeros_like(x)
    slope = camera.fx * np.stack([np.stack([1 / z, zero, -x / z**2], -1), np.stack([zero, 1 / z, -y / z**2], -1)], 1)
    spread = slope @ covariances(placed)[drawn] @ slope.transpose(0, 2, 1) + splat_projection.BLUR * np.eye(2)
    xx, xy, yy = seen.conics.numpy()[drawn].T
    theirs = np.linalg.inv(np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], 1))
    assert np.allclose(spread, theirs, rtol=1e-2, atol=1e-3)


def test_colours_are_lit_from_the_front(network):
    head = load_builtin()
    rest = head.neutral(np.zeros(len(head.identity_basis), np.float32))
    cloud = every_splat_of(network, head, np.zeros(len(head.identity_basis)))
    prepared = network.prepare(facing(network, rest))
    shape = (network.offsets, network.log_scales, network.rotations)
    moved = torch.from_numpy(rest + cloud.displacements)
    seen = project(moved, network.derived, *shape, prepared.opacities, PinholeCamera.default(64))
    lit = torch.sigmoid(prepared.logits) * (1 + harmonics(seen.normals) @ network.light)
    speaking = torch.sigmoid(network.prepare(facing(network, rest, CANONICAL_JAW)).logits)
    speaking *= 1 + harmonics(seen.normals) @ network.light
    inside = inside_of_mouth(head)[cloud.corners].all(-1)
    assert 0.01 < inside.mean() < 0.3
    found = 0.5 + SH_0 * cloud.harmonics
    assert np.allclose(found[~inside], lit[~inside], atol=1e-3)
    assert np.allclose(found[inside], speaking[inside], atol=1e-3)
    assert np.abs(found[inside] - lit[inside].numpy()).max() > 0.01
    assert np.allclose(cloud.opacities, torch.sigmoid(network.opacity_logits))


def test_what_only_others_would_draw_is_left_out():
    """Under a neck that the footage does not show, the inside of its back must not appear; a whole head keeps all."""
    head = load_builtin()
    kernel_device()
    nobody = np.zeros(len(head.identity_basis), np.float32)
    made = begun(head)
    made.opacity_logits[:] = 4.0
    cloud = every_splat_of(made, head, nobody)
    assert ghosts(made, cloud).mean() < 0.02
    place = cloud.placed().positions
    neck = place[:, 1] > 0.1
    back = neck & (place[:, 2] > 0.04)
    made.opacity_logits[torch.from_numpy(neck & ~back)] = -8.0
    found = ghosts(made, every_splat_of(made, head, nobody))
    assert found[back].mean() > 0.6
    assert found[~back].mean() < 0.02
    assert len(cloud_of(made, head, nobody).corners) == (~found & (~neck | back)).sum()
