# SPDX-License-Identifier: GPL-3.0-or-later
"""A head of splats: where they begin, what they learn, how they turn."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.neural.radiance.kernels.launching import side_by_side
from semblance.neural.radiance.splats.learner import SplatsLearner
from semblance.neural.radiance.splats.network import TINTED, rotation_vectors
from semblance.neural.radiance.splats.placement import HIGHEST, LOWEST, place_splats
from semblance.neural.radiance.surfaces import surface_of
from semblance.tests.makers.synthetic_head import synthetic_scene
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.head import gaze_rotation
from semblance.tracking.heads.rotations import from_angles
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.neural.radiance.scene import PosedHead, RadianceScene

COUNT = 25_000


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def shown(learner: SplatsLearner, scene: RadianceScene, index: int) -> tuple[Tensor, Tensor]:
    """What the splats show of a frame, and what it is, on black."""
    view = scene.view(index, whole=True)
    rendering = learner.network.render(learner.network.prepare(view.head), view.camera)
    return rendering.rgba, torch.cat([view.colour * view.alpha[..., None], view.alpha[..., None]], -1)


def psnr_of_head(learner: SplatsLearner, scene: RadianceScene, frames: list[int]) -> float:
    found = []
    for index in frames:
        ours, truth = shown(learner, scene, index)
        inside = truth[..., 3] > 0.5
        found.append(-10 * math.log10(float((ours - truth)[inside][:, :3].square().mean())))
    return float(np.mean(found))


@pytest.mark.slow
def test_a_little_learning_shows_unseen_expressions() -> None:
    """Steps, pixels and frames are few: deformation, colours and renderer together."""
    made = synthetic_scene(64, novel=6, every=20)
    torch.manual_seed(0)
    learner = SplatsLearner(made.scene, made.training, COUNT)
    before = psnr_of_head(learner, made.scene, made.novel)
    for index in range(160):
        learner.step(index, index / 160, lambda: None)
    after = psnr_of_head(learner, made.scene, made.novel)
    assert after > 24
    assert after > before + 3
    ours, truth = shown(learner, made.scene, made.unseen[0])
    assert ((ours[..., 3] > 0.5) == (truth[..., 3] > 0.5)).float().mean() > 0.99


def test_before_training_the_head_already_has_its_colours() -> None:
    made = synthetic_scene(64, novel=2, every=40)
    assert psnr_of_head(SplatsLearner(made.scene, made.training, COUNT), made.scene, made.novel) > 18


def test_expressions_change_brightness_more_than_hue() -> None:
    made = synthetic_scene(64, novel=1, every=200)
    network = SplatsLearner(made.scene, made.training, 2000).network
    with torch.no_grad():
        for parameter in (network.colour_bases, *network.conditioned.parameters()):
            parameter.normal_()
        changes = network.prepare(made.scene.head(0)).logits - network.colour_logits
    brightness = changes.mean(-1, keepdim=True)
    hue = (changes - brightness).norm(dim=-1).mean()
    at_random = (
        math.pi / 2
    )  # of three normal numbers, by the means of chi distributions of 2 and of 1 degrees of freedom
    assert hue / (math.sqrt(3) * brightness.abs().mean()) == pytest.approx(TINTED * at_random, rel=0.05)


def test_a_turn_alone_changes_no_colours_but_does_of_photos() -> None:
    """Skin speckled where a head turned farther than in its footage; light goes with the normals."""
    made = synthetic_scene(64, novel=1, every=40)
    of_footage = SplatsLearner(made.scene, made.training, 2000).network
    of_photo = SplatsLearner(replace(made.scene, photographs=(0,)), made.training, 2000).network
    ahead = made.scene.head(0)
    turned = replace(ahead, rotation=torch.from_numpy(from_angles(np.array([0, 0.3, 0]))).float())
    for network, changes in ((of_footage, False), (of_photo, True)):
        with torch.no_grad():
            for parameter in (network.colour_bases, *network.conditioned.parameters()):
                parameter.normal_()
            first, second = (network.prepare(head) for head in (ahead, turned))
        assert bool((first.logits - second.logits).abs().max() > 1e-3) == changes


def test_expressions_never_seen_together_do_not_exaggerate() -> None:
    """Tracked expressions are mixtures; a photo's head is trained on little but one expression at a time."""
    made = synthetic_scene(64, novel=1, every=40)
    learner = SplatsLearner(made.scene, made.training, 2000)
    network = learner.network
    with torch.no_grad():
        for parameter in (network.colour_bases, *network.conditioned.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    frames = [made.scene.head(frame) for frame in made.training]
    together = replace(frames[0], expression=learner.seen[0].amax(0))

    def changes(head: PosedHead) -> Tensor:
        with torch.no_grad():
            return network.prepare(head).logits - network.colour_logits

    known, beyond = [changes(head) for head in frames], changes(together)
    network.bound_weights(*learner.seen)
    for head, before in zip(frames, known, strict=True):
        torch.testing.assert_close(changes(head), before)
    most = max(before.abs().max() for before in known)
    assert changes(together).abs().max() < 2 * most
    assert beyond.abs().max() > 1.2 * changes(together).abs().max()


def test_each_step_notes_how_far_the_bases_go() -> None:
    made = synthetic_scene(64, novel=1, every=40)
    learner = SplatsLearner(made.scene, made.training, 2000)
    assert learner.network.weight_range.isinf().all()
    learner.step(0, 0, lambda: None)
    assert learner.network.weight_range.isfinite().all()


def test_no_splat_grows_into_a_cloud() -> None:
    """What the footage sees edge-on only could be as large as it likes, until the head is turned."""
    made = synthetic_scene(64, novel=1, every=200)
    learner = SplatsLearner(made.scene, made.training, 2000)
    at_first = learner.network.log_scales.detach().clone()
    with torch.no_grad():
        learner.network.log_scales.add_(4)
    learner.step(0, 0, lambda: None)
    grown = learner.network.log_scales.detach() - at_first
    assert grown.max() <= math.log(2.5)
    surface, corners = made.scene.surface, learner.network.corners.numpy()
    beside = surface.sides[corners].any(1) & ~learner.regularisers.on_shell.numpy()
    assert beside.any()
    assert grown[torch.from_numpy(beside)].max() <= math.log(1.4)
    assert grown[torch.from_numpy(~beside)].min() > math.log(2.4)


def test_frames_made_of_a_photo_are_judged_by_pixels_alone() -> None:
    """They fit the head exactly, where detail of footage is off by a fraction of a pixel from frame to frame."""
    made = synthetic_scene(64, novel=1, every=200)
    judged = []
    for photographs in ((), (made.training[0],)):
        learner = SplatsLearner(replace(made.scene, photographs=photographs), made.training[:1], 2000)
        judged.append(learner.step(0, 1.0, lambda: None)["picture"])
    assert judged[0] > 1.2 * judged[1] > 0


def test_depth_is_that_of_the_surface() -> None:
    made = synthetic_scene(64, novel=1, every=200)
    learner = SplatsLearner(made.scene, made.training, COUNT)
    head = made.scene.head(0)
    rendering = learner.network.render(learner.network.prepare(head), made.scene.camera)
    solid = rendering.rgba[..., 3] > 0.95
    nearest = head.vertices[:, 2].min()
    assert rendering.depth[solid].min() > nearest - 0.02
    assert rendering.depth[solid].max() < head.vertices[:, 2].max()
    assert not rendering.depth[rendering.rgba[..., 3] == 0].any()


def test_training_is_the_same_each_time() -> None:
    made = synthetic_scene(64, novel=1, every=200)
    states = []
    for _ in range(2):
        torch.manual_seed(0)
        learner = SplatsLearner(made.scene, made.training, COUNT)
        for index in range(3):
            learner.step(index, 0.0, lambda: None)
        states.append(learner.network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_each_frame_is_seen_once_a_round() -> None:
    made = synthetic_scene(64, novel=1, every=100)
    learner = SplatsLearner(made.scene, made.training, COUNT)
    drawn = [learner.drawn(index) for index in range(3 * len(made.training))]
    rounds = np.array(drawn).reshape(3, -1)
    assert (np.sort(rounds, 1) == sorted(made.training)).all()


def test_hair_is_on_the_scalp_and_every_triangle_has_a_splat() -> None:
    head = load_builtin()
    surface = surface_of(head, np.zeros(len(head.identity_basis), np.float32))
    placement = place_splats(surface, 40_000)
    covered = {tuple(corners) for corners in placement.corners[~placement.on_shell].tolist()}
    assert covered == {tuple(corners) for corners in surface.triangles.tolist()}
    assert abs(len(placement.corners) - 40_000) < 1500
    assert surface.scalp[placement.corners[placement.on_shell]].all()
    heights = placement.heights[placement.on_shell]
    assert heights.min() >= LOWEST
    assert heights.max() <= HIGHEST
    face = head.landmarks[[1, 152, 33, 263, 61, 291]]
    assert not (surface.scalp | surface.sides)[face].any()
    assert surface.scalp[np.argmin(surface.rest[:, 1])]


def test_rotation_vectors_are_axis_times_angle() -> None:
    rotations = torch.from_numpy(np.stack([gaze_rotation(0.3, 0), gaze_rotation(0, -0.4), gaze_rotation(0, 0)]))
    expected = torch.tensor([[0.3, 0, 0], [0, -0.4, 0], [0, 0, 0]])
    torch.testing.assert_close(rotation_vectors(rotations), expected, atol=1e-5, rtol=1e-4)


def test_tasks_side_by_side_do_what_they_do_alone() -> None:
    """Two pictures at once, each with its share of the threads, are the pictures made one after the other."""
    made = synthetic_scene(64, novel=2, every=100)
    learner = SplatsLearner(made.scene, made.training, COUNT)
    tasks = [partial(shown, learner, made.scene, index) for index in made.training[:3]]
    alone = [task()[0] for task in tasks]
    together = [rgba for rgba, _ in side_by_side(tasks)]
    assert all(torch.equal(*pair) for pair in zip(alone, together, strict=True))


def test_an_error_in_a_task_is_raised() -> None:
    def fails() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        side_by_side([lambda: None, fails])
    with pytest.raises(ValueError, match="wrong"):
        side_by_side([fails, lambda: None])


def test_a_scene_moves_to_where_networks_are_with_all_that_it_holds() -> None:
    made = synthetic_scene(64, novel=1, every=200)
    moved = made.scene.on(torch.device("meta"))
    assert {each.device.type for each in vars(moved).values() if isinstance(each, Tensor)} == {"meta"}
    assert moved.view(0, whole=True).head.vertices.device.type == "meta"
    assert moved.camera == made.scene.camera
