# SPDX-License-Identifier: GPL-3.0-or-later
"""What splats begin with, and what keeps light from shining through a turned head."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from semblance.neural.radiance.splats.cover import Cover
from semblance.neural.radiance.splats.first_colours import begin_with_colours
from semblance.neural.radiance.splats.first_shape import within_outlines
from semblance.neural.radiance.splats.hanging_hair import with_hanging_hair
from semblance.neural.radiance.splats.learner import SplatsLearner
from semblance.neural.radiance.splats.network import SplatNetwork
from semblance.neural.radiance.splats.placement import place_splats
from semblance.tests.makers.synthetic_head import SyntheticScene, synthetic_scene
from semblance.tracking.mattes.head_region import AROUND_HEAD

COUNT = 30_000


@pytest.fixture(scope="module")
def made() -> SyntheticScene:
    """A bald head."""
    return synthetic_scene(64, novel=1, every=40)


def test_no_hair_stands_on_a_bald_crown(made: SyntheticScene) -> None:
    anywhere = place_splats(made.scene.surface, COUNT)
    placed = within_outlines(anywhere, made.scene, made.training)
    hair = anywhere.on_shell
    places = made.scene.surface.rest[anywhere.corners, 1].mean(1)
    crown = hair & (places < np.quantile(places, 0.03))
    assert np.median(anywhere.heights[crown]) > 0.01
    assert np.median(placed.heights[crown]) < 0.004
    assert not placed.heights[~hair].any()
    assert placed.beside[~hair].mean() < 0.1


def test_what_every_frame_shows_beside_the_head_begins_transparent(made: SyntheticScene) -> None:
    """A matte that ends above the chin leaves nothing of the neck."""
    alphas = made.scene.alphas.clone()
    alphas[:, 40:] = 0
    scene = replace(made.scene, alphas=alphas)
    placed = within_outlines(place_splats(scene.surface, COUNT), scene, made.training)
    heights = scene.surface.rest[placed.corners, 1].mean(1)
    skin = ~placed.on_shell
    lowest, middle = heights > np.quantile(heights, 0.95), np.abs(heights - np.median(heights)) < 0.01
    assert placed.beside[skin & lowest].mean() > 0.9
    assert placed.beside[skin & middle].mean() < 0.3
    network = SplatNetwork.placed(placed, scene.surface.rest, 52, turned=False)
    opacities = torch.sigmoid(network.opacity_logits.detach())
    assert opacities[torch.from_numpy(placed.beside)].max() < 0.05


def test_hair_hangs_beside_the_neck_where_footage_shows_it(made: SyntheticScene) -> None:
    """As far out as it is shown, beside and behind the face, and none where nothing but the head is shown."""
    surface = made.scene.surface
    bald = place_splats(surface, COUNT)
    assert len(with_hanging_hair(bald, made.scene, made.training).heights) == len(bald.heights)
    wide = np.stack([cv2.dilate(alpha, np.ones((13, 13), np.uint8)) for alpha in made.scene.alphas.numpy()])
    wide[:, 50:] = 0
    haired = with_hanging_hair(bald, replace(made.scene, alphas=torch.from_numpy(wide)), made.training)
    added = slice(len(bald.heights), None)
    assert haired.on_shell[added].all()
    assert surface.sides[haired.corners[added]].all()
    assert 0.02 < haired.heights[added].max() <= AROUND_HEAD
    sideways = surface.rest[haired.corners[added], 0].mean(1)
    assert (sideways > 0.02).any()
    assert (sideways < -0.02).any()


def test_skin_that_no_frame_shows_keeps_its_first_colour(made: SyntheticScene) -> None:
    """Seen edge-on only, the back of a neck takes any colour that happens to lie behind its outline."""
    learner = SplatsLearner(made.scene, made.training[:3], COUNT)
    network, unseen = learner.network, learner.regularisers.unseen
    assert 100 < len(unseen) < 0.3 * len(network.corners)
    assert made.scene.surface.sides[network.corners[unseen].numpy()].any(1).all()
    assert not learner.regularisers.on_shell[unseen].any()
    with torch.no_grad():
        network.colour_logits.add_(1)
        network.colour_bases.add_(1)
    penalty = learner.regularisers(network, network.prepare(made.scene.head(0)))
    colours, bases = torch.autograd.grad(penalty, [network.colour_logits, network.colour_bases])
    others = torch.ones(len(colours), dtype=torch.bool)
    others[unseen] = False
    for gradient in (colours, bases.view(-1, *colours.shape).mean(0)):
        assert gradient[unseen].mean() > 30 * gradient[others].mean().abs()


def test_light_that_shines_through_a_turned_head_costs(made: SyntheticScene) -> None:
    placed = within_outlines(place_splats(made.scene.surface, COUNT), made.scene, made.training)
    cover = Cover(placed, made.scene, made.training)
    network = SplatNetwork.placed(placed, made.scene.surface.rest, 52, turned=False)
    penalties = {}
    with torch.no_grad():
        for logit in (-3.0, 0.0, 5.0):
            network.opacity_logits.fill_(logit)
            penalties[logit] = float(np.mean([float(cover(network, index)) for index in range(0, 16, 5)]))
    assert penalties[-3.0] > 2 * penalties[0.0]
    assert penalties[5.0] < 0.002
    cover(network, 0).backward()
    assert network.log_scales.grad is not None


def test_half_a_view_is_the_same_view(made: SyntheticScene) -> None:
    view = made.scene.view(0)
    half = view.halved()
    assert half.alpha.shape == (view.alpha.shape[0] // 2, view.alpha.shape[1] // 2)
    assert (half.camera.height, half.camera.width) == half.alpha.shape
    point = np.array([0.01, 0.02, 1.0], np.float32)
    np.testing.assert_allclose(2 * half.camera.project(point), view.camera.project(point), rtol=1e-6)
    premultiplied = (view.colour * view.alpha[..., None])[: 2 * half.camera.height, : 2 * half.camera.width]
    total = (half.colour * half.alpha[..., None]).sum()
    torch.testing.assert_close(4 * total, premultiplied.sum(), rtol=1e-4, atol=1e-2)


def test_a_matte_that_is_too_wide_does_not_colour_the_sides(made: SyntheticScene) -> None:
    """What is seen at a glance only, at the outline, takes the colour of a place that is seen well."""
    alphas = np.stack([cv2.dilate(alpha, np.ones((5, 5), np.uint8)) for alpha in made.scene.alphas.numpy()])
    colours = torch.where(made.scene.alphas[..., None] < 128, torch.tensor([0, 255, 0]), made.scene.colours).byte()
    scene = replace(made.scene, alphas=torch.from_numpy(alphas), colours=colours)
    frame = made.training[:1]
    placed = place_splats(scene.surface, COUNT)
    network = SplatNetwork.placed(placed, scene.surface.rest, 52, turned=False)
    begin_with_colours(network, scene, frame, placed.on_shell)
    red, green, _ = torch.sigmoid(network.colour_logits.detach())[torch.from_numpy(~placed.on_shell)].unbind(-1)
    assert ((green - red) > 0.3).float().mean() < 0.03
