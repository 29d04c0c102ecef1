# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo's dataset to a head in 3D: rounds, resuming, what the file says, and turning about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled, Progress
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import read_metadata
from semblance.neural.kinds import BUILDS, usual_choice
from semblance.neural.radiance.build import build
from semblance.neural.radiance.splats import learner
from semblance.neural.radiance.splats.placement import place_splats
from semblance.neural.rendering.bake import bake
from semblance.neural.rendering.frames import frames_of
from semblance.neural.rendering.orbit import orbit, swing
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
from semblance.protocol.inputs import Maps
from semblance.protocol.look import Look
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.datasets import moving_disc
from semblance.tests.makers.networks import TINY
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.pictures import read_picture, read_window
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.media.crop import cut
from semblance.tracking.performances.plates import plate_behind
from semblance.tracking.photos.photo import photo_dataset
from skimage.data import astronaut

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
SIZE, FRAMES, STEPS = 128, 8, 40


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    photo = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(astronaut()).save(photo)
    return photo_dataset(photo, photo.with_name("set"), head=load_builtin(), size=SIZE, frames=FRAMES)


@pytest.fixture(scope="module")
def avatar(dataset) -> Path:
    path = dataset.folder.with_name("astronaut.safetensors")
    build(dataset.folder, path, steps=STEPS, train_share=1, updates=1)
    return path


def test_it_shows_the_person(avatar, dataset):
    subject, performance = Avatar.load(avatar), dataset.performance()
    camera = performance.camera
    (frame,) = frames_of(subject, performance, [0])
    assert frame.rgba.shape == (camera.height, camera.width, 4)
    seen = cv2.erode(frame.rgba[..., 3], np.ones((5, 5))) > 200
    assert 0.1 < seen.mean() < 0.7
    error = (frame.rgba[..., :3].astype(float) - read_window(dataset, 0, camera.width))[seen]
    assert 10 * np.log10(255**2 / np.square(error).mean()) > 22
    (depth,) = subject.render(frame.inputs).depth
    nearest, farthest = (float(np.quantile(frame.inputs.vertices[..., 2], share)) for share in (0, 1))
    assert nearest - 0.03 < depth[seen].min() < depth[seen].max() < farthest


def test_the_file_says_how_it_was_made(avatar):
    said = read_metadata(avatar)
    assert said.kind == "radiance"
    assert said.network["field"] == "splats"
    assert any("updated once" in sentence and "detail" in sentence for sentence in said.provenance.fallbacks)


def test_who_stops_in_an_update_keeps_the_head_of_before_and_can_go_on(dataset, tmp_path):
    path, heard = tmp_path / "avatar.safetensors", list[Progress]()

    def stop_when_restoring(progress: Progress) -> None:
        heard.append(progress)
        if progress.stage == "Restoring":
            raise Cancelled

    with pytest.raises(Cancelled):
        build(dataset.folder, path, steps=4, train_share=1, updates=1, listener=stop_when_restoring)
    assert read_metadata(path).provenance.steps == 2
    Avatar.load(path)
    build(dataset.folder, path, steps=4, train_share=1, updates=1, listener=heard.append)
    again = [each.done for each in heard if each.stage == "Training"][len(heard) // 2 :]
    assert any("updated" in sentence for sentence in read_metadata(path).provenance.fallbacks)
    assert again.count(0) <= 1  # the first round was not trained again


def test_an_older_picture_is_resumed_only_by_its_own_training(dataset, tmp_path):
    path = tmp_path / "avatar.safetensors"
    build(dataset.folder, path, steps=2, train_share=1, updates=0)
    build(dataset.folder, path, steps=2, train_share=1, updates=0, seed=1)
    assert read_metadata(path).provenance.steps == 2


def test_the_training_of_a_version_with_other_splats_begins_anew(dataset, tmp_path, monkeypatch):
    """An update of Semblance may place more of them: what an older one left unfinished does not fit."""
    file = tmp_path / "me.safetensors"
    build(dataset.folder, file, steps=2, train_share=1, updates=0)
    before = read_metadata(file).network["splats"]
    monkeypatch.setattr(learner, "place_splats", lambda surface, count: place_splats(surface, count + 3000))
    build(dataset.folder, file, steps=2, train_share=1, updates=0)
    assert read_metadata(file).network["splats"] > before


def test_a_field_is_built_the_same_way(dataset, tmp_path):
    BUILDS["field"](dataset.folder, tmp_path / "field.safetensors", steps=2, train_share=1, updates=0)
    subject = Avatar.load(tmp_path / "field.safetensors")
    assert subject.metadata.network["field"] == "field"
    (frame,) = frames_of(subject, dataset.performance(), [0])
    assert frame.rgba.shape == (SIZE, SIZE, 4)


def test_a_photo_becomes_a_head_in_3d_unless_told(dataset, tmp_path):
    assert usual_choice(dataset) == "splats"
    assert usual_choice(Dataset.open(moving_disc(tmp_path / "disc"))) == "portrait"


def test_what_cannot_be_built_is_refused_in_a_sentence(dataset, tmp_path):
    out = tmp_path / "avatar.safetensors"
    with pytest.raises(UserError, match="leave out --from"):
        build(dataset.folder, out, base=tmp_path / "base.safetensors")
    with pytest.raises(UserError, match="build with --kind splats"):
        BUILDS["portrait"](dataset.folder, out, updates=1)
    with pytest.raises(UserError, match="no preset called"):
        build(dataset.folder, out, preset="huge")


def test_a_head_takes_neither_maps_nor_offsets_nor_other_heads(avatar, dataset):
    subject = Avatar.load(avatar)
    (frame,) = frames_of(subject, dataset.performance(), [0])
    with pytest.raises(UserError, match="posed mesh"):
        subject.render(Maps(*np.zeros((2, 1, 256, 256, 3), np.float32)))
    with pytest.raises(UserError, match="without layers to move"):
        subject.render(frame.inputs, Look(foreground_offset=(1, 0)))
    mesh = frame.inputs.arrays() | {"vertices": frame.inputs.vertices[:, :100]}
    with pytest.raises(UserError, match="100 vertices"):
        subject.render(type(frame.inputs)(**mesh))


def test_a_camera_swings_about_it(avatar, tmp_path):
    orbit(avatar, tmp_path / "turn", yaw=(-20, 20), pitch=(0, 0), size=64)
    files = sorted((tmp_path / "turn").glob("*.png"))
    assert len(files) == 100
    alphas = [np.asarray(Image.open(files[index]))[..., 3] > 128 for index in (0, 25, 75)]
    ahead, right, left = (float(np.nonzero(alpha)[1].mean()) for alpha in alphas)
    assert all(alpha.mean() > 0.1 for alpha in alphas)
    assert abs(ahead - 32) < 6
    assert (alphas[1] != alphas[2]).mean() > 0.01
    assert abs(right + left - 2 * ahead) < 6


def test_a_swing_reaches_both_ends_and_comes_back():
    angles = np.degrees(swing(100, 25.0, (-30, 10), (-5, 5)))
    assert angles[:, 1].min() == pytest.approx(-30, abs=0.1)
    assert angles[:, 1].max() == pytest.approx(10, abs=0.1)
    assert angles[:, 0].min() == pytest.approx(-5, abs=0.1)
    assert np.ptp(angles[[0, -1], 1]) < 2


def test_a_portrait_has_no_other_side(tmp_path):
    avatar_of(PortraitNetwork(TINY)).save(tmp_path / "portrait.safetensors")
    with pytest.raises(UserError, match="portrait, seen from its footage's camera alone"):
        orbit(tmp_path / "portrait.safetensors", tmp_path / "turn.mp4")


def test_a_head_is_baked_into_a_dataset_of_a_portrait(avatar, dataset, tmp_path):
    plate = plate_behind(dataset.performance(), head_alone=True)
    baked = bake(avatar, tmp_path / "baked", plate=plate, size=SIZE, frames=3)
    performance = baked.performance()
    assert len(baked.names) == len(performance) == 3
    picture = read_picture(baked.image(baked.names[0]), cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    matte = read_picture(baked.matte(baked.names[0]), cv2.IMREAD_GRAYSCALE)
    behind = cut(np.asarray(Image.open(plate).convert("RGB")), performance.crop, SIZE)
    assert np.abs(picture - behind)[cv2.dilate(matte, np.ones((5, 5))) < 3].mean() < 4
    photo = read_picture(dataset.image(dataset.names[0]), cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    assert np.abs(picture - photo)[cv2.erode(matte, np.ones((5, 5))) > 200].mean() < 25
    assert usual_choice(baked) == "portrait"
