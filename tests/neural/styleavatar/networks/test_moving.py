# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows are cut exactly; person and backdrop move apart without tearing; a still head gives a still picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.engine.serving.frames import FramesRequest
from semblance.neural.avatar import Avatar
from semblance.neural.styleavatar.networks.layers import StyledConvolution
from semblance.neural.styleavatar.networks.portrait import FeatureSource, PortraitNetwork
from semblance.neural.styleavatar.networks.windows import Window, Windows, inside
from semblance.neural.styleavatar.training.batches import Frames, cut_batch
from semblance.protocol.arrays import pack_arrays
from semblance.protocol.inputs import Maps
from semblance.protocol.look import Look
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.networks import TINY
from semblance.tracking.datasets.original_layout import person_at_rest

MOVED = replace(TINY, picture_channels=3, portrait_skips=2, direct=False, texture_margin=64, time_octaves=32)
CODE = torch.full((1,), 0.5)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = PortraitNetwork(MOVED)
    with torch.no_grad():
        made.bake(*FeatureSource(MOVED)())
        for layer in made.modules():
            if isinstance(layer, StyledConvolution):
                layer.noise_strength.fill_(0.3)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def maps():
    """A UV map with a face in the middle, and a texture map."""
    uv, texture = torch.rand(2, 1, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    shown = torch.full_like(uv, -1)
    shown[..., 90:170, 100:160] = uv[..., 90:170, 100:160]
    shown[:, 2, 90:170, 100:160] = 1
    return shown, texture


@pytest.fixture
def masked(network):
    """Make the mask the same everywhere: -1 is person, 1 is backdrop."""
    before = {name: value.clone() for name, value in network.mask.state_dict().items()}

    def everywhere(value):
        network.mask.weight.zero_()
        network.mask.bias.fill_(5.0 * value)
        return network

    yield everywhere
    network.mask.load_state_dict(before)


def test_whole_cells_are_copied_and_broken_ones_mixed():
    layer = torch.randn(1, 2, 192, 192)
    assert (Window(11, 53).cut(layer) == layer[..., 11:139, 53:181]).all()
    assert (Window(64, 0).cut(layer) == layer[..., 64:, :128]).all()
    ramp = torch.arange(192.0).expand(1, 1, 192, 192)
    torch.testing.assert_close(Window(3.5, 7.25).cut(ramp), ramp[..., 3:131, 7:135] + 0.25)


@pytest.mark.parametrize("resolution", [256, 1024])
def test_training_cuts_pixels_without_resampling(resolution):
    random, side = np.random.default_rng(0), resolution * 3 // 2
    frames = Frames(
        random.integers(0, 256, (1, side, side, 3), np.uint8),
        random.integers(0, 256, (1, side, side), np.uint8),
        random.integers(0, 65536, (1, 256, 256, 3), np.uint16),
        random.integers(0, 256, (1, 256, 256, 3), np.uint8),
        random.integers(0, 256, (1, 256, 256), np.uint8),
    )
    batch = cut_batch(frames, np.array([0]), np.zeros(1), Window(10, 53), torch.device("cpu"))
    cell = resolution // 128
    picture = frames.footage[0, 10 * cell : 10 * cell + resolution, 53 * cell : 53 * cell + resolution]
    assert (batch.footage[0].permute(1, 2, 0).numpy() == np.float32(2 / 255) * picture - 1).all()
    assert (batch.window_texture[0, :, 44:, :214] == batch.texture[0, :, :212, 42:]).all()
    assert (batch.window_texture[0, :, :44] == -1).all()


def test_moving_both_is_looking_through_another_window(network, maps):
    uv, texture = maps
    moved = network(uv, texture, CODE, Windows.moved((6, -3), (6, -3)))
    window_uv = torch.full_like(uv, -1)
    window_uv[..., :-6, 12:] = uv[..., 6:, :-12]
    painted = network.paint(window_uv, texture, CODE, network.face, network.back, Window(35, 26))
    torch.testing.assert_close(moved[:, :3], painted.picture.clamp(-1, 1))


def test_nothing_jumps_when_a_person_begins_to_move(network, maps):
    """Also where, for speed, StyleUNet 1 sees more around the texture map only as soon as it must."""
    narrow = PortraitNetwork(replace(MOVED, texture_margin=0)).eval()
    narrow.load_state_dict(network.state_dict())
    with torch.no_grad():
        still, begun = (narrow(*maps, CODE, Windows.moved((x, 0), (0, 0))) for x in (0, 0.01))
        assert (still != network(*maps, CODE)).any()
    assert (begun - still).abs().mean() < 0.02 * still.std()


def test_the_two_foregrounds_pass_into_each_other():
    share = inside(8.0)
    assert share[96, 96] == 1
    assert (share[:32].max(), share[160:].max(), share[:, 160:].max()) == (0, 0, 0)
    steps = share[96].diff().abs()
    assert steps.max() <= 1 / 8
    assert (Window(32, 20).distance, Window(44.5, 32).distance) == (12, 12.5)


def test_the_backdrop_stays_where_the_person_moves(masked, maps):
    nowhere, texture = torch.full_like(maps[0], -1), maps[1]
    network = masked(1)
    still = network(nowhere, texture, CODE)
    assert (network(nowhere, texture, CODE, Windows.moved((9.5, 4), (0, 0))) == still).all()
    assert (network(nowhere, texture, CODE, Windows.moved((0, 0), (9.5, 4))) != still).any()


def test_the_person_stays_where_the_backdrop_moves(masked, maps):
    network = masked(-1)
    assert (network(*maps, CODE, Windows.moved((0, 0), (-20, 7.25))) == network(*maps, CODE)).all()
    assert (network(*maps, CODE, Windows.moved((5, 0), (0, 0))) != network(*maps, CODE)).any()


def test_the_mask_is_the_persons(network, maps):
    assert (network(*maps, CODE, Windows.moved((0, 0), (-20, 7.25)))[:, 3] == network(*maps, CODE)[:, 3]).all()


def avatar(network):
    return avatar_of(network, person=person_at_rest(None, 2, 256))


def as_arrays(maps, frames):
    return Maps(*(np.repeat(each.add(1).div(2).permute(0, 2, 3, 1).numpy(), frames, 0) for each in maps))


def test_a_still_head_gives_a_still_picture(network, maps, tmp_path):
    avatar(network).save(tmp_path / "tiny.safetensors")
    loaded = Avatar.load(tmp_path / "tiny.safetensors", "cpu")
    pictures = loaded.render(as_arrays(maps, 9)).rgba
    again = Avatar.load(tmp_path / "tiny.safetensors", "cpu").render(as_arrays(maps, 1)).rgba
    assert np.abs(np.diff(pictures.astype(int), axis=0)).mean() == 0
    assert (pictures[0] == again[0]).all()
    other = Avatar.load(tmp_path / "tiny.safetensors", "cpu")
    other.network.noise_foreground.mul_(-1)
    assert (other.render(as_arrays(maps, 1)).rgba != again).any()


def test_every_frame_may_be_moved_otherwise(network, maps):
    subject, still, moved = avatar(network), Look(background_offset=(1, 1)), Look(None, (3, -2.5), (1, 1))
    pictures = subject.render(as_arrays(maps, 3), [still, still, moved]).rgba
    assert (pictures[0] == pictures[1]).all()
    alone = subject.render(as_arrays(maps, 1), moved).rgba
    assert (pictures[2] == alone[0]).all()
    assert (pictures[2] != pictures[1]).any()


def test_a_lone_styleunet_cannot_be_moved(network, maps):
    subject = avatar(network)
    lone = replace(subject, metadata=subject.metadata.model_copy(update={"kind": "styleunet"}))
    with pytest.raises(UserError, match="cannot be moved"):
        lone.render(as_arrays(maps, 1), Look(background_offset=(1, 0)))


def test_a_look_travels_to_the_engine():
    sent = {name: np.zeros((2, 256, 256, 3), np.float16) for name in ("uv", "texture")}
    plain = FramesRequest.read(pack_arrays(**sent, **Look().arrays()))
    assert plain.looks == (Look(),) * 2
    look = Look(0.25, (1.5, -2), (0, 32))
    assert FramesRequest.read(pack_arrays(**sent, **look.arrays())).looks == (look,) * 2
    each = {"time_code": np.array([0.25, 1]), "background_offset": np.array([[0, 0], [-3, 1]])}
    assert FramesRequest.read(pack_arrays(**sent, **each)).looks == (Look(0.25), Look(1.0, background_offset=(-3, 1)))


@pytest.mark.parametrize("offset", [np.zeros(3), np.zeros((3, 2)), np.array([0, 33.0]), np.array([np.nan, 0])])
def test_offsets_that_make_no_sense_are_refused(offset):
    sent = {name: np.zeros((2, 256, 256, 3), np.float16) for name in ("uv", "texture")}
    with pytest.raises(UserError, match="background_offset must be two numbers"):
        FramesRequest.read(pack_arrays(**sent, background_offset=offset))
