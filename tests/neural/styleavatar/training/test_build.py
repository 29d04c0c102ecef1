# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: it learns, resumes, stops when told, and gives up in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
from semblance.neural.avatar import Avatar
from semblance.neural.pretrained.perceptual import PerceptualLoss, torchvision_numbers
from semblance.neural.styleavatar.networks.windows import CENTRED, Window
from semblance.neural.styleavatar.training import build as training
from semblance.neural.styleavatar.training.batches import cut_batch, open_frames
from semblance.neural.styleavatar.training.sampling import Draws, Sampler, shuffled
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training import loop as training_run
from semblance.neural.training.checkpoints import TrainingState, read_state, save_checkpoint
from semblance.neural.training.distributed import DistributedGroup
from semblance.neural.training.picture_losses import detail_bands, lattice_l1, texture_l1
from semblance.protocol.inputs import Maps
from semblance.tracking.datasets.dataset import Dataset

COUNT, SIZE = 6, 256
ALONE = DistributedGroup(0, 1, torch.device("cpu"))


def curve(folder):
    return [json.loads(row) for row in (folder / "curves.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_training_learns_and_writes_an_avatar(dataset, tmp_path):
    heard = []
    training.build(dataset, tmp_path / "a.safetensors", steps=10, work=tmp_path / "work", listener=heard.append)
    rows = curve(tmp_path / "work")
    assert [row["step"] for row in rows] == list(range(1, 11))
    assert np.mean([row["l1"] for row in rows[-3:]]) < 0.95 * np.mean([row["l1"] for row in rows[:3]])
    assert "discriminator" in rows[-2] | rows[-3]
    assert "discriminator" not in rows[2]
    assert heard[-1].fraction == 1
    assert cv2.imread(heard[-1].preview).shape == (768, 768, 3)
    assert not (tmp_path / "work" / "frames").exists()
    avatar = Avatar.load(tmp_path / "a.safetensors")
    maps = np.zeros((1, 256, 256, 3), np.float32)
    assert avatar.render(Maps(maps, maps)).rgba.shape == (1, 256, 256, 4)
    provenance = avatar.metadata.provenance
    assert provenance.steps == 10
    assert (provenance.matting, provenance.head_only) == ("built-in", "by the tracked head")
    assert any("VGG19" in sentence for sentence in provenance.fallbacks)
    assert not any("Mouth and eyes" in sentence for sentence in provenance.fallbacks)


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_nothing_had_happened(dataset, tmp_path, monkeypatch):
    whole = training.build(dataset, tmp_path / "whole.safetensors", steps=4, work=tmp_path / "w1")
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(training_run, "CHECKPOINT_SHARE", 1.0)

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


def test_a_cut_checkpoint_is_refused(tmp_path):
    path, state = tmp_path / "checkpoint.safetensors", TrainingState("label", 3, 1.5)
    save_checkpoint(path, state, {"linear": torch.nn.Linear(64, 64)}, {})
    assert read_state(path) == state
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        read_state(path)


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
        assert batch.texture.shape[-1] == 256


def test_draws_depend_on_the_step_only(dataset, tmp_path):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    drawn = []
    for start in (0, 2):
        sampler = Sampler(frames, np.linspace(0, 1, COUNT), Draws(2, 2, 0.5, 0.5, 7), ALONE)
        drawn.append({step: sampler.batch(step).time_code.tolist() for step in range(start, 4)})
        sampler.close()
    assert drawn[0][2] == drawn[1][2]
    assert sorted(shuffled(6, 0, 6, 1)) == list(range(6))


def test_bent_samples_teach_no_detail(dataset, tmp_path, tiny):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    sampler = Sampler(frames, np.linspace(0, 1, COUNT), Draws(2, 4, 0.0, 0.5, 7), ALONE)
    batches = [sampler.batch(step) for step in range(8)]
    sampler.close()
    assert [batch.bent for batch in batches] == [1, 1, 1, 0] * 2, "none where the window slides"

    def told(sample: int) -> dict[str, float]:
        footage = batches[0].footage.clone()
        footage[sample] = footage[sample].roll(1, -1)
        return Trainer(tiny, ALONE, torch.float32, None, 0).step(
            replace(batches[0], footage=footage), 0, 1.0, lambda: None
        )

    first, second = told(0), told(1)
    untouched = Trainer(tiny, ALONE, torch.float32, None, 0).step(batches[0], 0, 1.0, lambda: None)
    assert {name for name in untouched if first[name] == untouched[name]} == {
        "mask", "alpha", "detail", "lattice", "texture", "adversarial", "matching", "discriminator"
    }  # fmt: skip
    assert {name for name in untouched if second[name] == untouched[name]} == {"mask", "alpha", "adversarial"}


def test_one_step_in_bfloat16(dataset, tmp_path, tiny):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    trainer = Trainer(tiny, ALONE, torch.bfloat16, None, 0)
    batch = cut_batch(frames, np.array([0, 1]), np.linspace(0, 1, COUNT), Window(20, 30), ALONE.device)
    told = trainer.step(batch, 0, 1.0, lambda: None)
    assert all(np.isfinite(list(told.values())))


def test_strength_of_detail_is_blind_to_its_place():
    noise = torch.randn(1, 3, 64, 64)
    other, weak = torch.roll(noise, 1, 3), 0.2 * noise
    same = texture_l1(detail_bands(noise), detail_bands(other), torch.ones(1, 1, 64, 64))
    weaker = texture_l1(detail_bands(noise), detail_bands(weak), torch.ones(1, 1, 64, 64))
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
    with pytest.raises(UserError, match="no file of weights"):
        PerceptualLoss.from_file(tmp_path / "vgg19.safetensors")


@pytest.mark.slow
def test_a_checkpoint_of_the_same_folder_tracked_otherwise_is_not_resumed(dataset, tmp_path):
    folder = shutil.copytree(dataset, tmp_path / "dataset")
    first_steps = []
    for head_only in ("", "", "yes"):
        performance = Dataset.open(folder).performance()
        if head_only:
            replace(performance, extra={"head_only": head_only}).save(folder / "performance.npz")
        heard = []
        training.build(
            folder, tmp_path / "a.safetensors", steps=2 + len(first_steps), work=tmp_path / "w", listener=heard.append
        )
        first_steps.append(next(each.message for each in heard if each.message.startswith("step")))
    assert [message.split(",")[0] for message in first_steps] == ["step 1", "step 3", "step 1"]


def test_equalised_rates_follow_the_size_of_the_weights(tiny):
    optimiser = replace(tiny.optimiser, equalised=True, muon_update_rms=0.0)
    trainer = Trainer(replace(tiny, optimiser=optimiser), ALONE, torch.float32, None, 0)
    scales = {group["rate_scale"]: group["params"] for group in trainer.generators_optimiser.param_groups}
    network = trainer.generators.network
    assert any(each is network.mask.weight for each in scales[network.mask.weight[0].numel() ** -0.5])
    assert any(each is network.face for each in scales[1.0])
    assert sum(map(len, scales.values())) == len(list(trainer.generators.parameters()))


def test_time_codes_are_wrong_as_often_as_asked(dataset, tmp_path):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    codes = np.linspace(0, 1, COUNT)
    drawn = {}
    for share in (0.0, 1.0):
        sampler = Sampler(frames, codes, Draws(2, 10**9, share, 0, 7), ALONE)
        drawn[share] = [sampler.batch(step) for step in range(6)]
        sampler.close()
    right, wrong = ([batch.time_code.tolist() for batch in batches] for batches in drawn.values())
    assert right != wrong
    assert all(code in codes.astype(np.float32) for pair in wrong for code in pair)
    for ours, theirs in zip(drawn[0.0], drawn[1.0], strict=True):
        torch.testing.assert_close(ours.footage, theirs.footage)


def test_a_lattice_of_dots_is_dear_and_detail_is_not():
    torch.manual_seed(0)
    everywhere = torch.ones(1, 1, 64, 64)
    noise = 0.3 * torch.randn(1, 3, 64, 64)
    dots = 0.3 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(32, 32).expand(1, 3, 64, 64)
    bands, lattice = (detail_bands(each) for each in (noise, dots))
    other = detail_bands(0.3 * torch.randn(1, 3, 64, 64))
    assert lattice_l1(lattice, bands, everywhere) > 3 * lattice_l1(other, bands, everywhere)
