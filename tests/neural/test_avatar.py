# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar file comes back as it was written; one that is damaged, foreign or newer is refused in one sentence."""

from __future__ import annotations

import errno
import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from semblance.common.errors import UserError
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import (
    FORMAT,
    AvatarMetadata,
    Provenance,
    describe,
    header_of,
    read_metadata,
)
from semblance.neural.kinds import KINDS
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol.inputs import Maps
from semblance.protocol.look import Look
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.performance import Crop, Performance
from semblance.tracking.performances.rest import rest_expression, rest_pose
from torch import nn


class TinyNetwork(nn.Module):
    """Keeps the maps' red and green, takes blue from the time code, and the mask as alpha."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([scale]))
        self.register_buffer("baked", torch.arange(4.0))

    def forward(self, uv, texture, time_code):
        blue = time_code[:, None, None, None].expand(-1, 1, 256, 256)
        return torch.cat([texture[:, :2] * self.gain, blue, uv[:, 2:]], 1)


@pytest.fixture(autouse=True)
def tiny_kind(monkeypatch):
    monkeypatch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: TinyNetwork(**config)))


def performance(frames: int = 6) -> Performance:
    random = np.random.default_rng(3)
    expression = random.random((frames, len(ARKIT_NAMES)), np.float32)
    expression[4] = 0.01
    return at_rest(
        frames,
        identity=random.standard_normal(5).astype(np.float32),
        texture=random.standard_normal(3).astype(np.float32),
        expression=expression,
        translation=random.random((frames, 3), np.float32),
        gaze=random.random((frames, 2, 2), np.float32),
        crop=Crop(10.5, -3.0, 400.0),
    )


def metadata(**changes) -> AvatarMetadata:
    picture = np.full((64, 64, 3), 90, np.uint8)
    said = describe(
        performance(),
        kind="styleavatar",
        network={"scale": 0.5},
        resolution=256,
        preset="preview",
        picture=picture,
        provenance=Provenance(source="talk.mp4", consent="filmed by herself", steps=7),
    )
    return said.model_copy(update=changes)


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "someone.safetensors"
    Avatar(TinyNetwork(0.5), metadata()).save(path)
    return path


def test_comes_back_as_it_was_written(saved):
    before, after = metadata(), Avatar.load(saved, "cpu")
    assert after.metadata.model_copy(update={"provenance": before.provenance}) == before
    assert after.metadata.provenance.consent == "filmed by herself"
    uv = np.zeros((11, 256, 256, 3), np.float32)
    uv[:, 100:, :, 2] = 1
    rgba = after.render(Maps(uv, np.full_like(uv, 1.0)), [Look(code) for code in np.linspace(-1, 1, 11).tolist()]).rgba
    assert rgba.shape == (11, 256, 256, 4)
    assert rgba.dtype == np.uint8
    assert rgba[0, 99, 0].tolist() == [191, 191, 0, 0]
    assert rgba[10, 100, 0].tolist() == [191, 191, 255, 255]


def test_others_may_read_it_as_any_file_of_the_user(saved, tmp_path):
    (tmp_path / "any").touch()
    assert saved.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_rests_as_its_training_performance_does(saved):
    rest, truth = read_metadata(saved).rest_performance(), performance()
    assert len(rest) == 1
    np.testing.assert_array_equal(rest_expression(rest), rest_expression(truth))
    for after, before in zip(rest_pose(rest), rest_pose(truth), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)
    np.testing.assert_array_equal(rest.identity, truth.identity)
    assert rest.camera == truth.camera


def test_says_what_training_saw():
    ranges, truth = metadata().ranges, performance()
    np.testing.assert_array_equal(np.float32(ranges["expression"].high), truth.expression.max(0))
    np.testing.assert_array_equal(np.float32(ranges["gaze"].low), truth.gaze.reshape(-1, 4).min(0))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        Avatar.load(path)
    with pytest.raises(UserError):
        read_metadata(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.98, 0.9999])
def test_a_file_cut_short_is_refused(saved, share):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(len(whole) * share)])
    assert "damaged" in refusal(saved)


def test_a_file_with_something_behind_it_is_refused(saved):
    saved.write_bytes(saved.read_bytes() + b"more")
    assert "damaged" in refusal(saved)


def test_a_missing_file_is_named(tmp_path):
    assert "no avatar file" in refusal(tmp_path / "none.safetensors")


def test_a_folder_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path)


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({"weight": np.zeros(3, np.float32)}, path)
    assert "not a Semblance avatar" in refusal(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def test_a_pickle_is_refused_unread(tmp_path):
    path = tmp_path / "avatar.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    refusal(path)
    torch.save({"weight": torch.zeros(3)}, path)
    refusal(path)


def test_a_newer_file_is_refused(tmp_path):
    path = tmp_path / "avatar.safetensors"
    save_file({"gain": torch.zeros(1)}, path, header_of(metadata()) | {"version": str(FORMAT.version + 1)})
    assert "newer" in refusal(path)


def test_an_older_file_is_refused(tmp_path):
    path = tmp_path / "avatar.safetensors"
    save_file({"gain": torch.zeros(1)}, path, header_of(metadata()) | {"version": "1"})
    assert "build the avatar again" in refusal(path)


def test_an_unknown_kind_is_refused(tmp_path):
    path = tmp_path / "avatar.safetensors"
    Avatar(TinyNetwork(), metadata(kind="hologram")).save(path)
    with pytest.raises(UserError, match="unknown kind 'hologram'"):
        Avatar.load(path)


@pytest.mark.parametrize("tensors", [{}, {"gain": torch.zeros(1)}, {"gain": torch.zeros(2), "baked": torch.zeros(4)}])
def test_weights_of_another_network_are_refused(tmp_path, tensors):
    path = tmp_path / "avatar.safetensors"
    save_file(tensors, path, header_of(metadata()))
    with pytest.raises(UserError, match="do not fit its network"):
        Avatar.load(path)


def hostile(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * 16


GOOD = {**FORMAT.text_header, "description": "{}"}


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 15 << 20) + b"{}",
        struct.pack("<Q", 0),
        hostile([]),
        hostile({"__metadata__": 3}),
        hostile({"__metadata__": GOOD}),
        hostile({"__metadata__": GOOD | {"version": "one"}}),
        hostile({"__metadata__": GOOD | {"description": "[" * 100_000}}),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
)
def test_a_hostile_header_is_refused(tmp_path, content):
    path = tmp_path / "avatar.safetensors"
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4], "data_offsets": [16, 32]},
        {"dtype": "OBJ", "shape": [4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4]},
        "weights",
    ],
)
def test_hostile_tensors_are_refused(tmp_path, entry):
    path = tmp_path / "avatar.safetensors"
    path.write_bytes(hostile({"__metadata__": header_of(metadata()), "gain": entry}))
    assert "damaged" in refusal(path)


def test_a_failed_write_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def full_disk(path, data):
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(UserError, match="disk is full"):
        Avatar(TinyNetwork(), metadata()).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_asks_for_the_file_of_a_foreign_head(tmp_path):
    file = tmp_path / "head.npy"
    file.write_bytes(b"one")
    said = metadata(head="faceverse-v3", head_path=str(tmp_path / "gone.npy"), head_sha256="0" * 64)
    subject = Avatar(TinyNetwork(), said)
    with pytest.raises(UserError, match="not there"):
        subject.open_head()
    with pytest.raises(UserError, match="not the head file"):
        subject.open_head(file)


finite = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=30)
@given(
    identity=st.lists(finite, max_size=30),
    texts=st.tuples(st.text(), st.text(), st.text()),
    fps=st.floats(1, 240),
    rest=st.lists(finite, min_size=len(ARKIT_NAMES), max_size=len(ARKIT_NAMES)),
)
def test_metadata_round_trip(identity, texts, fps, rest):
    before = metadata(
        identity=tuple(identity),
        fps=fps,
        preset=texts[0],
        provenance=Provenance(source=texts[1], consent=texts[2]),
        rest=metadata().rest.model_copy(update={"expression": tuple(rest)}),
    )
    assert AvatarMetadata.model_validate_json(header_of(before)["description"]) == before
