# SPDX-License-Identifier: GPL-3.0-or-later
"""Our LivePortrait and face-vid2vid compute what the published networks compute, and have their keys."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.neural.pretrained.face_vid2vid import networks as face_vid2vid
from semblance.neural.pretrained.liveportrait import networks as liveportrait
from semblance.neural.pretrained.oneshot_blocks import (
    AntiAliasedQuarter,
    AppearanceVolume,
    SpadeDecoder,
    WarpedFeatures,
    about_axis,
    moved_by_parts,
    part_motions,
)
from semblance.tests.makers.golden_networks import drawn_picture, given_key_points, with_made_up_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

LIP, EYE = (65, 128, 128, 64, 63), (66, 256, 256, 128, 128, 64, 63)
"""Widths of the networks in LivePortrait's stitching file that open lips and eyes, which are not used."""
FACE_VID2VID: dict[str, Callable[[], nn.Module]] = {
    "generator": face_vid2vid.Generator,
    "kp_detector": face_vid2vid.KeyPointDetector,
    "he_estimator": face_vid2vid.HeadPoseEstimator,
}
LIVEPORTRAIT: dict[str, Callable[[], nn.Module]] = {
    "appearance_feature_extractor": AppearanceVolume,
    "motion_extractor": liveportrait.MotionExtractor,
    "warping_module": lambda: WarpedFeatures(liveportrait.KEY_POINTS),
    "spade_generator": lambda: SpadeDecoder(doubled=True),
    "stitching": lambda: liveportrait.Perceptron(liveportrait.STITCHING),
    "lip": lambda: liveportrait.Perceptron(LIP),
    "eye": lambda: liveportrait.Perceptron(EYE),
}


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    folder = shared / "reference" / "oneshot_golden"
    if not folder.is_dir():
        pytest.skip("needs the golden outputs of the published networks in the shared folder")
    return folder


def matcher(path: Path) -> Callable[[str, Tensor, float], None]:
    """What compares a result with the golden one of a name."""
    arrays = np.load(path)

    def matches(name: str, result: Tensor, tolerance: float) -> None:
        np.testing.assert_allclose(result.numpy(), arrays[name], rtol=0, atol=tolerance, err_msg=name)

    return matches


@pytest.mark.parametrize(("family", "networks"), [("face_vid2vid", FACE_VID2VID), ("liveportrait", LIVEPORTRAIT)])
def test_the_keys_are_those_of_the_published_files(golden, family, networks):
    published = json.loads((golden / f"{family}_keys.json").read_text())
    assert published.keys() == networks.keys()
    for name, make in networks.items():
        with torch.device("meta"):
            own = {key: list(tensor.shape) for key, tensor in make().state_dict().items()}
        assert own == published[name], name


@pytest.mark.slow
@torch.inference_mode()
def test_face_vid2vid_is_the_published_one(golden):
    matches = matcher(golden / "face_vid2vid_golden.npz")
    detector = with_made_up_weights(face_vid2vid.KeyPointDetector(), "kp_detector")
    estimator = with_made_up_weights(face_vid2vid.HeadPoseEstimator(), "he_estimator")
    canonical = detector(drawn_picture("source"))
    matches("kp_canonical", canonical, 1e-6)
    points = {}
    for name in ("source", "driving_initial", "driving"):
        pose = estimator(drawn_picture(name))
        for part in fields(pose):
            matches(f"{name}_{part.name}", getattr(pose, part.name), 1e-5)
        points[name] = face_vid2vid.posed(canonical, pose)
        matches(f"kp_{name}", points[name], 1e-6)
    moved = face_vid2vid.relative(points["source"], points["driving"], points["driving_initial"])
    generator = with_made_up_weights(face_vid2vid.Generator(), "generator")
    volume = generator.volume(drawn_picture("source"))
    given = given_key_points(face_vid2vid.KEY_POINTS)
    for name, (source, driving) in {"relative": (points["source"], moved), "given": given}.items():
        features, shares, occlusion = generator.warped(volume, source, driving)
        picture = generator.decoder(features)
        matches(f"{name}_prediction_stride4", picture[..., ::4, ::4], 3e-5)
        matches(f"{name}_prediction_crop", picture[..., 96:128, 96:128], 3e-5)
        matches(f"{name}_mask_stride8", shares[..., ::4, ::8, ::8], 1e-5)
        matches(f"{name}_occlusion_stride4", occlusion[..., ::4, ::4], 2e-5)


@pytest.mark.slow
@torch.inference_mode()
def test_liveportrait_is_the_published_one(golden):
    matches = matcher(golden / "liveportrait_golden.npz")
    appearance = with_made_up_weights(AppearanceVolume(), "appearance_feature_extractor")
    volume = appearance(drawn_picture("source"))
    matches("feature_stride4", volume[..., ::4, ::8, ::8], 3e-4)
    extractor = with_made_up_weights(liveportrait.MotionExtractor(), "motion_extractor")
    for name in ("source", "driving"):
        motion = extractor(drawn_picture(name))
        for part in fields(motion):
            matches(f"{name}_{part.name}", getattr(motion, part.name), 1e-5)
    source, driving = given_key_points(liveportrait.KEY_POINTS)
    warping = with_made_up_weights(WarpedFeatures(liveportrait.KEY_POINTS), "warping_module")
    features, _, occlusion = warping(volume, source, driving)
    matches("occlusion_stride4", occlusion[..., ::4, ::4], 5e-5)
    matches("warped_stride8", features[:, ::8, ::8, ::8], 1e-3)
    picture = with_made_up_weights(SpadeDecoder(doubled=True), "spade_generator")(features)
    matches("out_stride8", picture[..., ::8, ::8], 4e-5)
    matches("out_crop", picture[..., 240:272, 240:272], 4e-5)


@torch.inference_mode()
def test_liveportraits_small_networks_are_the_published_ones(golden):
    matches = matcher(golden / "liveportrait_golden.npz")
    source, driving = given_key_points(liveportrait.KEY_POINTS)
    asked = {
        "stitching": (liveportrait.STITCHING, driving.flatten(1)),
        "lip": (LIP, torch.tensor([[0.1, 0.3]])),
        "eye": (EYE, torch.tensor([[0.2, 0.3, 0.25]])),
    }
    for name, (widths, beside) in asked.items():
        network = with_made_up_weights(liveportrait.Perceptron(widths), name)
        matches(name, network(torch.cat([source.flatten(1), beside], 1)), 1e-5)


def motion(generator: torch.Generator) -> liveportrait.Motion:
    """What the motion extractor may say of some picture."""
    shapes = {"pitch": 66, "yaw": 66, "roll": 66, "t": 3, "exp": 63, "kp": 63}
    drawn = {name: torch.randn(1, count, generator=generator) for name, count in shapes.items()}
    return liveportrait.Motion(**drawn, scale=torch.rand(1, 1, generator=generator) + 0.5)


def test_a_driver_that_stands_still_leaves_the_source_as_it_is():
    generator = torch.Generator().manual_seed(1)
    source, driver = motion(generator), motion(generator)
    torch.testing.assert_close(liveportrait.relative(source, driver, driver), liveportrait.posed(source))
    points, still = torch.randn(2, 1, 15, 3, generator=generator)
    torch.testing.assert_close(face_vid2vid.relative(points, still, still), points)


def test_a_driver_that_is_the_source_moves_it_as_it_moves():
    """Relative to itself, a motion is the driver's own."""
    generator = torch.Generator().manual_seed(2)
    source, driver = motion(generator), motion(generator)
    driver = liveportrait.Motion(**{**vars(driver), "kp": source.kp})
    torch.testing.assert_close(liveportrait.relative(source, driver, source), liveportrait.posed(driver))


def test_each_part_carries_the_volume_with_its_key_point():
    """A key point that moves to the right brings what was on its left."""
    volume = torch.zeros(1, 1, 1, 5, 5)
    volume[..., 2, 2] = 1
    source, driving = torch.zeros(1, 1, 3), torch.tensor([[[0.4, 0.0, 0.0]]])
    still, moved = moved_by_parts(volume, part_motions(source, driving, (1, 5, 5)))[0]
    assert still.argmax() == 12
    assert moved.argmax() == 13


def test_turns_are_right_handed():
    quarter = torch.tensor([torch.pi / 2])
    for axis in range(3):
        turned = about_axis(quarter, axis)[0] @ torch.eye(3)[(axis + 1) % 3]
        torch.testing.assert_close(turned, torch.eye(3)[(axis + 2) % 3], atol=1e-6, rtol=0)


def test_the_small_picture_keeps_a_plain_colour():
    small = AntiAliasedQuarter(3)(torch.full((1, 3, 64, 64), 0.7))
    assert small.shape == (1, 3, 16, 16)
    torch.testing.assert_close(small[..., 2:-2, 2:-2], torch.full((1, 3, 12, 12), 0.7))


@torch.inference_mode()
def test_pictures_have_the_promised_shapes():
    """The generator in the small: it works on any size, four times that of its features."""
    features = torch.rand(1, 256, 4, 4)
    assert SpadeDecoder(doubled=False).eval()(features).shape == (1, 3, 16, 16)
    picture = SpadeDecoder(doubled=True).eval()(features)
    assert picture.shape == (1, 3, 32, 32)
    assert picture.min() >= 0
    assert picture.max() <= 1
