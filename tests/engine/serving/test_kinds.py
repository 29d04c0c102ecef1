# SPDX-License-Identifier: GPL-3.0-or-later
"""A new kind of avatar needs its own room and a line in `kinds`: toys of both inputs go through the whole house."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.engine.serving.frames import FramesRequest
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import Provenance, describe
from semblance.neural.kind import Kind
from semblance.neural.kinds import KINDS
from semblance.neural.rendering.frames import frames_of
from semblance.neural.rendering.reenact import reenact
from semblance.neural.rendering.runtime_choice import avatar_on
from semblance.neural.runtimes.runtime import Runtimes
from semblance.protocol.arrays import pack_arrays, unpack_arrays
from semblance.protocol.inputs import Inputs, Maps, PosedMesh
from semblance.protocol.look import Look
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.performance import Performance
from torch import nn

if TYPE_CHECKING:
    from semblance.neural.trained_avatar import TrainedAvatar

SIDE = 32


class Wall(nn.Module):
    """A picture of one colour, which is all that this kind learns; brighter where the person is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.colour = nn.Parameter(torch.tensor([-1.0, 0.0, 0.5, 1.0]))


class Painting(Runtimes):
    def __init__(self, network: nn.Module) -> None:
        assert isinstance(network, Wall)
        self.network = network

    def at_once(self, look: Look):
        return Painted(self.network.colour + look.foreground_offset[0])


class Painted:
    def __init__(self, colour: torch.Tensor) -> None:
        self.colour = colour

    def run(self, *inputs: torch.Tensor) -> torch.Tensor:
        assert all(len(each) == 1 and each.dtype == torch.float32 for each in inputs)
        return self.colour[None, :, None, None].expand(1, 4, SIDE, SIDE)


def untrained(*_: object, **__: object) -> TrainedAvatar:
    raise AssertionError("nothing trains a wall")


def toy(inputs: type[Inputs]) -> Kind:
    return Kind("wall", inputs, build=untrained, load=lambda config: Wall(), runtimes=Painting)


def performance(frames: int = 3) -> Performance:
    head = open_head("builtin")
    return Performance(
        head="builtin",
        identity=np.zeros(len(head.identity_basis), np.float32),
        texture=np.zeros(len(head.texture_basis), np.float32),
        expression=np.zeros((frames, 52), np.float32),
        rotation=np.tile(np.eye(3, dtype=np.float32), (frames, 1, 1)),
        translation=np.tile(np.array([0, 0, 1], np.float32), (frames, 1)),
        gaze=np.zeros((frames, 2, 2), np.float32),
        confidence=np.ones(frames, np.float32),
        times=np.arange(frames) / 25,
        camera=PinholeCamera.default(SIDE),
    )


@pytest.fixture(params=[Maps, PosedMesh], ids=["maps", "mesh"])
def inputs(request, monkeypatch):
    monkeypatch.setitem(KINDS, "wall", toy(request.param))
    return request.param


@pytest.fixture
def wall(inputs, engine):
    """An avatar of the toy kind in the engine's home."""
    picture, path = np.zeros((8, 8, 3), np.uint8), engine.home.avatar(f"wall-{inputs.__name__}")
    said = {"kind": "wall", "network": {}, "resolution": SIDE, "preset": "", "picture": picture}
    Avatar(Wall(), describe(performance(), provenance=Provenance(), **said)).save(path)
    return path


def sent(inputs: type[Inputs], frames: int) -> Inputs:
    if inputs is Maps:
        return Maps(*np.zeros((2, frames, 256, 256, 3), np.float16))
    here = np.tile(np.eye(3, dtype=np.float32), (frames, 1, 1))
    camera = np.tile(np.array([40, 40, 16, 16, 32, 32], np.float32), (frames, 1))
    return PosedMesh(np.ones((frames, 5, 3), np.float32), np.zeros((frames, 52), np.float32), here, here, camera)


def test_it_is_loaded_and_drawn_from_a_performance(wall, inputs):
    frames = list(frames_of(Avatar.load(wall, "cpu"), performance(), [0, 2], look=Look(None, (-0.5, 0))))
    assert [frame.index for frame in frames] == [0, 2]
    assert type(frames[0].inputs) is inputs
    assert frames[1].rgba.shape == (SIDE, SIDE, 4)
    assert frames[1].rgba[3, 4].tolist() == [0, 64, 128, 191]


def test_its_mesh_is_the_heads_in_the_performances_camera(monkeypatch, tmp_path):
    monkeypatch.setitem(KINDS, "wall", toy(PosedMesh))
    said = {"kind": "wall", "network": {}, "resolution": SIDE, "preset": "", "picture": np.zeros((8, 8, 3), np.uint8)}
    subject = Avatar(Wall(), describe(performance(), provenance=Provenance(), **said))
    (frame,) = frames_of(subject, performance(), [1])
    assert frame.inputs.vertices.shape == (1, len(open_head("builtin").mean), 3)
    assert abs(frame.inputs.vertices[..., 2].mean() - 1) < 0.2
    assert frame.inputs.camera.tolist() == [pytest.approx(astuple(PinholeCamera.default(SIDE)))]


def test_it_is_reenacted(wall, inputs, tmp_path):
    performance().save(tmp_path / "driver.npz")
    out, panels = tmp_path / "out", tmp_path / "panels"
    reenact(wall, tmp_path / "driver.npz", out, panels=panels, absolute=True, look=Look(None, (1, 0)))
    written = [cv2.imread(str(path))[0, 0].tolist() for path in sorted(out.glob("*.png"))]
    assert written == [[255, 255, 128]] * 3
    shown = cv2.imread(str(next(iter(sorted(panels.glob("*.png"))))))
    assert shown.shape[1] == SIDE * (3 if inputs is Maps else 1)


def test_the_engine_gives_its_frames(wall, inputs, engine):
    offsets = np.array([[0, 0], [1, 0]])
    body = pack_arrays(**sent(inputs, 2).arrays(), foreground_offset=offsets)
    answer = engine.client.post(f"/v1/avatars/{wall.stem}/frames", content=body)
    assert answer.status_code == 200, answer.text
    rgba = unpack_arrays(answer.content)["rgba"]
    assert rgba[:, 1, 2].tolist() == [[0, 128, 191, 255], [128, 255, 255, 255]]


def test_it_refuses_what_it_is_not_painted_from(wall, inputs, engine):
    other = PosedMesh if inputs is Maps else Maps
    answer = engine.client.post(f"/v1/avatars/{wall.stem}/frames", content=pack_arrays(**sent(other, 1).arrays()))
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": f"This avatar is painted from {inputs.title}, not from {other.title}; send those."
    }


def test_only_pytorch_renders_a_kind_that_offers_nothing_else(wall):
    with pytest.raises(UserError, match="Only PyTorch can render"):
        avatar_on("onnx", wall)


def test_a_posed_mesh_travels_to_the_engine():
    mesh = sent(PosedMesh, 2)
    one_camera = mesh.arrays() | {
        "vertices": mesh.vertices.astype(np.float16),
        "camera": mesh.camera[0].astype(np.float64),
    }
    del one_camera["view"]
    for arrays in (mesh.arrays(), one_camera):
        read = FramesRequest.read(pack_arrays(**arrays)).inputs
        assert isinstance(read, PosedMesh)
        assert read.vertices.dtype == read.camera.dtype == np.float32
        np.testing.assert_array_equal(read.vertices, mesh.vertices)
        np.testing.assert_array_equal(read.camera, mesh.camera)
        np.testing.assert_array_equal(read.view, mesh.view)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vertices": np.ones((2, 5), np.float32)}, "vertices is float32"),
        ({"vertices": np.float32(1)}, "vertices is float32"),
        ({"vertices": np.ones((2, 5, 3), np.int32)}, "vertices is int32"),
        ({"vertices": np.full((2, 5, 3), np.nan, np.float32)}, "no numbers"),
        ({"vertices": np.ones((99, 5, 3), np.float32)}, "99 frames"),
        ({"expression": None}, "expression is missing"),
        ({"expression": np.zeros((3, 52), np.float32)}, "expression holds 3 frames"),
        ({"rotation": np.zeros((2, 3), np.float32)}, "rotation is float32"),
        ({"camera": np.ones((3, 6))}, "camera is float64"),
        ({"camera": np.zeros(6)}, "not above 0"),
        ({"camera": None}, "camera is missing"),
        ({"uv": np.zeros((2, 256, 256, 3), np.float32)}, "maps and a posed mesh"),
    ],
)
def test_a_mesh_that_makes_no_sense_is_refused(change, sentence):
    arrays = {name: array for name, array in (sent(PosedMesh, 2).arrays() | change).items() if array is not None}
    with pytest.raises(UserError, match=sentence):
        FramesRequest.read(pack_arrays(**arrays))
