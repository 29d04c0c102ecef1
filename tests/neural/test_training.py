# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: it learns, resumes, stops when told, and gives up in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
from semblance.neural import losses, presets, training, training_run
from semblance.neural.avatar import Avatar
from semblance.neural.batches import Sampler, cut_batch, open_frames, shuffled, split
from semblance.neural.checkpoints import Standing, read_standing, save_checkpoint
from semblance.neural.networks.portrait import CENTRED, Window
from semblance.neural.perceptual import PerceptualLoss, torchvision_numbers
from semblance.neural.trainer import Trainer
from semblance.tracking.dataset import Dataset
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.performance import Crop, Performance

COUNT, SIZE = 6, 256


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A disc with a face's colours that moves to and fro over stripes."""
    folder = tmp_path_factory.mktemp("dataset")
    rows, columns = np.mgrid[0:384, 0:384].astype(np.float32)
    map_rows, map_columns = np.mgrid[0:256, 0:256].astype(np.float32)
    for kind in ("image", "back", "uv", "render"):
        (folder / kind).mkdir()
    names = tuple(f"{index + 1:06d}" for index in range(COUNT))
    for index, name in enumerate(names):
        x = 120 + 4 * index
        disc = np.hypot(rows - 192, columns - x - 64) < 60
        map_disc = np.hypot(map_rows - 128, map_columns - x) < 60
        image = np.where(disc[..., None], [200, 150, 120], 60 + 60 * (columns[..., None] % 64 < 32))
        u, v = (map_columns - x + 60) / 120, (map_rows - 68) / 120
        uv = np.stack([u, v, np.ones_like(u)], 2) * map_disc[..., None]
        texture = np.array([220, 170, 140]) * map_disc[..., None]
        cv2.imwrite(str(folder / "image" / f"{name}.jpg"), image.astype(np.uint8)[..., ::-1])
        cv2.imwrite(str(folder / "back" / f"{name}.png"), (disc * 255).astype(np.uint8))
        cv2.imwrite(str(folder / "uv" / f"{name}.png"), (uv * 65535).clip(0, 65535).astype(np.uint16)[..., ::-1])
        cv2.imwrite(str(folder / "render" / f"{name}.png"), texture.astype(np.uint8)[..., ::-1])
    zeros = np.zeros
    performance = Performance(
        "builtin", zeros(4), zeros(4), zeros((COUNT, 52)), np.tile(np.eye(3), (COUNT, 1, 1)), zeros((COUNT, 3)),
        zeros((COUNT, 2, 2)), np.ones(COUNT), np.arange(COUNT) / 25, PinholeCamera.default(SIZE), Crop(0, 0, 256),
    )  # fmt: skip
    performance.save(folder / "performance.npz")
    Dataset(folder, SIZE, names).save()
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    """A network this narrow gains nothing from threads, and loses much where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """The preview preset, so narrow that a step takes a fraction of a second."""
    network = replace(
        presets.PREVIEW.network,
        feature_channels=4,
        generator=(8, 8, 8, 8, 4),
        foreground_encoder=(4, 8, 8, 8),
        foreground_decoder=(8, 8, 4),
        portrait_encoder=(8, 8, 8, 8),
        portrait_decoder=(8, 8, 8, 4),
    )
    narrow = replace(
        presets.PREVIEW, network=network, discriminator=(4, 8, 8, 8, 8, 8), batch=2, adversary_start=0.5,
        adversary_every=2, slide_every=2, regularise_every=2, rate=3e-3, freeze_after=6,
    )  # fmt: skip
    monkeypatch.setitem(presets.PRESETS, "preview", narrow)
    return narrow


def curve(folder):
    return [json.loads(row) for row in (folder / "curves.jsonl").read_text().splitlines()]


def test_training_learns_and_writes_an_avatar(dataset, tmp_path):
    heard = []
    training.build(dataset, tmp_path / "a.safetensors", steps=10, work=tmp_path / "work", listener=heard.append)
    rows = curve(tmp_path / "work")
    assert [row["step"] for row in rows] == list(range(1, 11))
    assert np.mean([row["l1"] for row in rows[-3:]]) < 0.95 * np.mean([row["l1"] for row in rows[:3]])
    assert "discriminator" in rows[-2] | rows[-3]
    assert "discriminator" not in rows[2]
    assert heard[-1].fraction == 1
    assert cv2.imread(heard[-1].preview).shape == (512, 768, 3)
    assert not (tmp_path / "work" / "frames").exists()
    avatar = Avatar.load(tmp_path / "a.safetensors")
    maps = np.zeros((1, 256, 256, 3), np.float32)
    assert avatar.render(maps, maps).shape == (1, 256, 256, 4)
    assert avatar.metadata.provenance.steps == 10
    assert any("VGG19" in sentence for sentence in avatar.metadata.provenance.fallbacks)


def test_a_killed_training_goes_on_as_if_nothing_had_happened(dataset, tmp_path, monkeypatch):
    whole = training.build(dataset, tmp_path / "whole.safetensors", steps=4, work=tmp_path / "w1")
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)

    class Killed(BaseException):
        pass

    def kill(progress):
        if "step 3," in progress.message:
            raise Killed

    with pytest.raises(Killed):
        training.build(dataset, tmp_path / "cut.safetensors", steps=4, work=tmp_path / "w2", listener=kill)
    assert not (tmp_path / "cut.safetensors").exists()
    resumed = training.build(dataset, tmp_path / "cut.safetensors", steps=4, work=tmp_path / "w2")
    assert [row["step"] for row in curve(tmp_path / "w2")] == [1, 2, 3, 4]
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


def test_cancelling_stops_within_a_step_and_keeps_what_was_learnt(dataset, tmp_path):
    def cancel(progress):
        if "step 2," in progress.message:
            raise Cancelled

    with pytest.raises(Cancelled):
        training.build(dataset, tmp_path / "a.safetensors", steps=50, work=tmp_path / "w", listener=cancel)
    assert len(curve(tmp_path / "w")) == 2
    assert (tmp_path / "w" / "checkpoint.safetensors").is_file()
    assert not (tmp_path / "a.safetensors").exists()


def test_losses_that_are_no_numbers_end_training_in_one_sentence(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(losses, "weighted_l1", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(training_run.TrainingDiverged, match=r"^Training diverged at step 10: .*build\s+again"):
        training.build(dataset, tmp_path / "a.safetensors", steps=50, work=tmp_path / "w")
    assert not (tmp_path / "a.safetensors").exists()


def test_a_cut_checkpoint_is_refused(tmp_path):
    path, standing = tmp_path / "checkpoint.safetensors", Standing("label", 3, 1.5)
    save_checkpoint(path, standing, {"linear": torch.nn.Linear(64, 64)}, {})
    assert read_standing(path) == standing
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        read_standing(path)


def test_missing_picture_and_unknown_preset_are_the_users_to_mend(dataset, tmp_path):
    with pytest.raises(UserError, match="preset"):
        training.build(dataset, tmp_path / "a.safetensors", preset="huge")
    broken = Dataset(dataset, SIZE, ("000001", "999999"))
    with pytest.raises(UserError, match="999999"):
        open_frames(broken, broken.names, 256, tmp_path / "frames")
    assert not (tmp_path / "frames" / "frames.json").exists()


def test_windows_of_footage_and_maps_belong_together(dataset, tmp_path):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    device = torch.device("cpu")
    for window in (CENTRED, Window(10, 54), Window(50, 12)):
        batch = cut_batch(frames, np.array([0, 3]), np.zeros(COUNT), window, device)
        inside = batch.window_texture[:, :1] > -1
        assert ((batch.matte > 0.5) == inside).float().mean() > 0.99
        assert ((batch.uv[:, 2:] > 0) == inside).float().mean() > 0.999
        assert batch.texture.shape[-1] == (256 if window == CENTRED else 384)


def test_draws_depend_on_the_step_only(dataset, tmp_path):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    drawn = []
    for start in (0, 2):
        sampler = Sampler(frames, np.linspace(0, 1, COUNT), 2, 2, 7, torch.device("cpu"))
        drawn.append({step: sampler.batch(step).time_code.tolist() for step in range(start, 4)})
        sampler.close()
    assert drawn[0][2] == drawn[1][2]
    assert sorted(shuffled(6, 0, 6, 1)) == list(range(6))


def test_split_keeps_the_end_for_tests():
    train, test = split(502, 0.8)
    assert (len(train), test[0], test[-1]) == (402, 402, 501)


def test_one_step_in_bfloat16(dataset, tmp_path, tiny):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    device = torch.device("cpu")
    trainer = Trainer(tiny, device, torch.bfloat16, None, 0)
    batch = cut_batch(frames, np.array([0, 1]), np.linspace(0, 1, COUNT), Window(20, 30), device)
    told = trainer.step(batch, 0, 1.0, lambda: None)
    assert all(np.isfinite(list(told.values())))


def test_strength_of_detail_is_blind_to_its_place():
    noise = torch.randn(1, 3, 64, 64)
    other, weak = torch.roll(noise, 1, 3), 0.2 * noise
    same = losses.texture_l1(losses.detail_bands(noise), losses.detail_bands(other), torch.ones(1, 1, 64, 64))
    weaker = losses.texture_l1(losses.detail_bands(noise), losses.detail_bands(weak), torch.ones(1, 1, 64, 64))
    assert same < 0.2 * weaker


def test_vgg_reads_torchvisions_file(tmp_path):
    assert torchvision_numbers()[-1] == 28
    loss = PerceptualLoss()
    tensors = {}
    for number, convolution in zip(torchvision_numbers(), loss._convolutions(), strict=True):
        tensors[f"features.{number}.weight"] = torch.randn_like(convolution.weight) / 30
        tensors[f"features.{number}.bias"] = torch.zeros_like(convolution.bias)
    torch.save(tensors, tmp_path / "vgg19-dcbb9e9d.pth")
    read = PerceptualLoss.from_file(tmp_path / "vgg19-dcbb9e9d.pth")
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    assert read(picture, picture) == 0
    assert read(picture, -picture) > 0
    (tmp_path / "vgg19.safetensors").write_bytes(b"no")
    with pytest.raises(UserError, match="VGG19"):
        PerceptualLoss.from_file(tmp_path / "vgg19.safetensors")
