# SPDX-License-Identifier: GPL-3.0-or-later
"""The original code's checkpoints become avatars; any other file is refused, and nothing in it is executed."""

from __future__ import annotations

import json
import math
import re
from argparse import Namespace

import cv2
import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import read_metadata
from semblance.neural.styleavatar.published.conversion import import_checkpoint
from semblance.protocol.inputs import Maps

FEATURES = {"feature_face": 256, "skip_face": 12, "feature_back": 256, "skip_back": 12}


def tensor(shape, value=0.01):
    """A tensor that takes no room in a file."""
    return torch.full((1,), value).expand(shape)


@pytest.fixture(scope="module")
def portrait_shapes(shared):
    return json.loads((shared / "reference" / "styleavatar_checkpoint_keys.json").read_text())["i_g"]


def styleunet_shapes(portrait, first=128, levels=3):
    """A lone StyleUNet has the second one of the portrait generator, under names without its number."""
    shapes = {re.sub(r"^(\w+)_1\.", r"\1.", name): shape for name, shape in portrait.items()
              if name.startswith("mapping") or re.match(r"\w+_1\.", name)}  # fmt: skip
    extra = {name.replace(".2.", f".{level}."): shape for level in range(3, levels) for name, shape in shapes.items()
             if name.startswith(("from_rgbs.2.", "cond_convs.2.", "comb_convs.2."))}  # fmt: skip
    return shapes | extra | {"from_rgbs.0.conv.0.weight": [first, 12, 1, 1]}


def styleavatar(shapes):
    """What the original code saves, the parts that no avatar needs left out."""
    maps = {name: tensor((3, channels, 128, 128)) for name, channels in FEATURES.items()}
    generator = {name: tensor(shape) for name, shape in shapes.items()}
    return {"g_ema": generator, "args": Namespace(lr=0.002, path="talk"), "g_optim": {"state": {}}, **maps}


@pytest.fixture
def saved(tmp_path):
    def save(contents):
        torch.save(contents, tmp_path / "talk_065000.pt")
        return tmp_path / "talk_065000.pt"

    return save


@pytest.fixture
def folder(tmp_path):
    """Of the preprocessing folder of 21 frames what says who it is, and texture maps."""
    folder = tmp_path / "talk"
    (folder / "render").mkdir(parents=True)
    for index in range(21):
        cv2.imwrite(str(folder / "render" / f"{index + 1:06d}.png"), np.full((256, 256, 3), 90, np.uint8))
    (folder / "id.txt").write_text("0.500\n" * 150)
    (folder / "exp.txt").write_text("0.250\n" * 52)
    return folder


def test_a_styleavatar_becomes_an_avatar(portrait_shapes, saved, folder, tmp_path):
    contents = styleavatar(portrait_shapes)
    contents["feature_face"] = torch.randn(3, 256, 128, 128)
    avatar = import_checkpoint(saved(contents), tmp_path / "talk.safetensors", dataset=folder)
    said = avatar.metadata
    assert read_metadata(tmp_path / "talk.safetensors").to_json() == said.to_json()
    assert (said.kind, said.resolution, said.head) == ("styleavatar", 1024, "faceverse-v3")
    assert (said.identity, said.rest.expression) == ((0.5,) * 150, (0.25,) * 52)
    assert said.time_code == 10 / 5000
    torch.testing.assert_close(avatar.network.face[:, :256], contents["feature_face"][:1])
    weight = avatar.network.portrait_decoder.levels[5].conv.conv.weight
    assert float(weight.max()) == pytest.approx(0.01 / math.sqrt(64 * 9))


@pytest.mark.slow
def test_a_styleunet_becomes_an_avatar_that_paints_of_the_texture_map(portrait_shapes, saved, folder, tmp_path):
    generator = {name: tensor(shape, 0.2) for name, shape in styleunet_shapes(portrait_shapes).items()}
    (folder / "uv").mkdir()
    cv2.imwrite(str(folder / "uv" / "000001.png"), np.zeros((256, 256, 3), np.uint8))
    import_checkpoint(saved({"g_ema": generator, "g": {}}), tmp_path / "talk.safetensors", dataset=folder)
    avatar = Avatar.load(tmp_path / "talk.safetensors", "cpu")
    assert avatar.metadata.kind == "styleunet"
    assert avatar.metadata.thumbnail
    texture = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    picture = avatar.render(Maps(np.zeros_like(texture), texture)).rgba
    assert picture.shape == (1, 1024, 1024, 4)
    assert picture[..., :3].std() > 1
    assert (picture[..., 3] == 255).all()


def test_without_the_folder_it_is_the_mean_head(portrait_shapes, saved, tmp_path):
    generator = {name: tensor(shape) for name, shape in styleunet_shapes(portrait_shapes).items()}
    made = import_checkpoint(saved({"g_ema": generator}), tmp_path / "talk.safetensors").metadata
    assert (made.identity, made.time_code, made.thumbnail) == ((0.0,) * 150, 0.5, "")


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return type(self.target).touch, (self.target,)


def refusal(path, tmp_path):
    with pytest.raises(UserError) as caught:
        import_checkpoint(path, tmp_path / "no.safetensors")
    assert not (tmp_path / "no.safetensors").exists()
    return str(caught.value)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_checkpoint_is_not_executed(tmp_path, legacy):
    path = tmp_path / "bomb.pt"
    torch.save({"g_ema": {}, "args": Bomb(tmp_path / "executed")}, path, _use_new_zipfile_serialization=not legacy)
    assert "nothing was executed" in refusal(path, tmp_path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04no", b"PK\x03\x04" + b"\0" * 60, b"hello"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "no.pt").write_bytes(content)
    assert "damaged or is no checkpoint" in refusal(tmp_path / "no.pt", tmp_path)
    assert "no checkpoint at" in refusal(tmp_path / "absent.pt", tmp_path)


def test_a_truncated_checkpoint_is_refused(portrait_shapes, saved, tmp_path):
    path = saved(styleavatar(portrait_shapes))
    path.write_bytes(path.read_bytes()[:-2000])
    assert "damaged" in refusal(path, tmp_path)


def without(contents, name):
    return {key: value for key, value in contents.items() if key != name}


def changed(name, value):
    return lambda contents: contents | {"g_ema": contents["g_ema"] | {name: value}}


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda contents: without(contents, "g_ema"), "it has no g_ema"),
        (lambda contents: without(contents, "skip_face"), "lacks the tensor skip_face"),
        (lambda contents: contents | {"skip_face": tensor((1, 3, 128, 128))}, "skip_face has the shape"),
        (lambda contents: contents | {"g_ema": without(contents["g_ema"], "get_mask.0.bias")}, "lacks the tensor get_"),
        (changed("convs_1.0.conv.weight", tensor((1, 256, 512, 3, 3))), "another size"),
        (changed("convs_1.0.bias", tensor((1, 512, 1, 1), math.nan)), "no numbers"),
        (lambda contents: contents | {"g_ema": [1, 2]}, "it has no g_ema"),
        (lambda contents: list(contents), "no checkpoint of StyleAvatar"),
    ],
)
def test_other_networks_are_refused(portrait_shapes, saved, tmp_path, harm, reason):
    assert reason in refusal(saved(harm(styleavatar(portrait_shapes))), tmp_path)


def test_other_modes_are_refused(portrait_shapes, saved, tmp_path):
    retouching = styleunet_shapes(portrait_shapes, first=32, levels=5)
    reason = refusal(saved({"g_ema": {name: tensor(shape) for name, shape in retouching.items()}}), tmp_path)
    assert "another mode" in reason
    small = styleunet_shapes(portrait_shapes, first=64)
    assert "another size" in refusal(saved({"g_ema": {n: tensor(shape) for n, shape in small.items()}}), tmp_path)
