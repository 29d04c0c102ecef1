# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats come back from their files as they went in."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.engine.commands.cli import main
from semblance.neural.avatar import Avatar
from semblance.neural.kinds import KINDS
from semblance.neural.rendering.splat_files.export import WRITERS, export_splats
from semblance.neural.rendering.splat_files.gltf import EXTENSION, glb_of, gltf_of
from semblance.neural.rendering.splat_files.ply import PROPERTIES, ply_of
from semblance.neural.rendering.splat_files.spz import spz_of
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol.splats import SH_0, Gaussians
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.performances import at_rest
from semblance.tests.makers.splats import random_cloud, random_gaussians
from semblance.tracking.heads.builtin import load_builtin
from torch import nn

some_splats = st.builds(random_gaussians, st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.2, 5.0]))


def same_rotations(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> bool:
    """A quaternion and its negative turn alike."""
    return bool((np.abs((ours * theirs).sum(-1)) > 1 - tolerance).all())


@given(some_splats)
def test_ply_keeps_everything(splats):
    data = ply_of(splats)
    header, _, body = data.partition(b"end_header\n")
    lines = header.decode().splitlines()
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", f"element vertex {len(splats.positions)}"]
    names = [line.removeprefix("property float ") for line in lines[3:]]
    table = dict(zip(names, np.frombuffer(body, "<f4").reshape(-1, len(names)).T, strict=True))
    assert tuple(names) == PROPERTIES

    def columns(*wanted: str) -> np.ndarray:
        return np.stack([table[name] for name in wanted], -1)

    assert np.array_equal(columns("x", "y", "z"), splats.positions)
    assert np.array_equal(columns("f_dc_0", "f_dc_1", "f_dc_2"), splats.harmonics)
    assert np.array_equal(columns("rot_0", "rot_1", "rot_2", "rot_3"), splats.rotations)
    assert np.allclose(np.exp(columns("scale_0", "scale_1", "scale_2")), splats.scales, rtol=1e-5)
    assert np.allclose(1 / (1 + np.exp(-table["opacity"])), splats.opacities, atol=1e-6)


def test_ply_has_numbers_for_what_is_opaque_or_has_no_size():
    ends = replace(random_gaussians(2), opacities=np.float32([0, 1]), scales=np.zeros((2, 3), np.float32))
    body = ply_of(ends).partition(b"end_header\n")[2]
    assert np.isfinite(np.frombuffer(body, "<f4")).all()


def spz_read(data: bytes) -> Gaussians:
    """Read version 3 as its description says."""
    raw = gzip.decompress(data)
    magic, version, count, degree, bits, flags, _ = struct.unpack_from("<IIIBBBB", raw)
    assert (magic, version, degree, flags) == (0x5053474E, 3, 0, 0)
    values = np.frombuffer(raw, np.uint8, offset=16)
    sizes = [9 * count, count, 3 * count, 3 * count, 4 * count]
    assert len(values) == sum(sizes)
    places, alphas, colours, scales, packed = np.split(values, np.cumsum(sizes)[:-1])
    low, middle, high = places.reshape(-1, 3).astype(np.int64).T
    fixed = low + (middle << 8) + (high << 16)
    fixed -= (fixed >= 1 << 23) * (1 << 24)
    rotations = np.zeros((count, 4))
    for row, word in zip(rotations, packed.view("<u4"), strict=True):
        largest, word = int(word) >> 30, int(word)
        for component in (c for c in (3, 2, 1, 0) if c != largest):
            row[component] = (word & 511) / 511 / np.sqrt(2) * (-1 if word & 512 else 1)
            word >>= 10
        row[largest] = np.sqrt(1 - (row**2).sum())
    return Gaussians(
        (fixed.reshape(-1, 3) / 2**bits).astype(np.float32),
        rotations[:, [3, 0, 1, 2]].astype(np.float32),
        np.exp(scales.reshape(-1, 3) / 16 - 10).astype(np.float32),
        (alphas / 255).astype(np.float32),
        ((colours.reshape(-1, 3) / 255 - 0.5) / 0.15).astype(np.float32),
    ).turned_over()


@given(some_splats)
def test_spz_keeps_what_its_bits_hold(splats):
    again = spz_read(spz_of(splats))
    assert np.allclose(again.positions, splats.positions, atol=1e-5)
    assert same_rotations(again.rotations, splats.rotations, 1e-5)
    assert np.allclose(np.log(again.scales), np.log(splats.scales), atol=1 / 31)
    assert np.allclose(again.opacities, splats.opacities, atol=0.5 / 254)
    assert np.allclose(again.harmonics, splats.harmonics, atol=0.5 / 254 / 0.15)


def test_spz_is_the_same_file_each_time():
    assert spz_of(random_gaussians(5)) == spz_of(random_gaussians(5))


def glb_read(data: bytes) -> tuple[dict, bytes]:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    said = json.loads(data[20 : 20 + size])
    rest, last = struct.unpack_from("<I4s", data, 20 + size)
    assert (kind, last, size % 4, rest % 4) == (b"JSON", b"BIN\0", 0, 0)
    return said, data[28 + size :]


def attributes_of(said: dict, buffer: bytes) -> dict[str, np.ndarray]:
    (primitive,) = said["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    assert said["buffers"][0]["byteLength"] == len(buffer)
    assert said["extensionsUsed"] == [EXTENSION]
    assert primitive["extensions"][EXTENSION].keys() >= {"kernel", "colorSpace"}
    found = {}
    for name, index in primitive["attributes"].items():
        accessor = said["accessors"][index]
        view = said["bufferViews"][accessor["bufferView"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        piece = buffer[view["byteOffset"] :][: view["byteLength"]]
        found[name] = np.frombuffer(piece, "<f4").reshape(accessor["count"], width)
    return found


@given(some_splats)
def test_gltf_keeps_everything(splats):
    said, buffer = glb_read(glb_of(splats, "Someone"))
    found = attributes_of(said, buffer)
    again = Gaussians(
        found["POSITION"],
        found[f"{EXTENSION}:ROTATION"][:, [3, 0, 1, 2]],
        found[f"{EXTENSION}:SCALE"],
        found[f"{EXTENSION}:OPACITY"][:, 0],
        found[f"{EXTENSION}:SH_DEGREE_0_COEF_0"],
    ).turned_over()
    assert np.array_equal(again.positions, splats.positions)
    assert same_rotations(again.rotations, splats.rotations, 1e-6)
    assert np.array_equal(again.scales, splats.scales)
    assert np.array_equal(again.opacities, splats.opacities)
    assert np.array_equal(again.harmonics, splats.harmonics)
    assert np.allclose(found["COLOR_0"][:, :3], np.clip(0.5 + SH_0 * splats.harmonics, 0, 1), atol=1e-6)
    bounds = said["accessors"][said["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    assert np.array_equal(np.float32(bounds["min"]), found["POSITION"].min(0))
    assert np.array_equal(np.float32(bounds["max"]), found["POSITION"].max(0))


def test_gltf_text_says_the_same_as_the_binary():
    splats = random_gaussians(7)
    text = json.loads(gltf_of(splats))
    inside = base64.b64decode(text["buffers"][0].pop("uri").partition("base64,")[2])
    said, buffer = glb_read(glb_of(splats))
    assert (text, inside) == (said, buffer)


class Nothing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


@pytest.fixture
def avatar(monkeypatch, tmp_path):
    """An avatar file of a kind that has splats, and the splats."""
    head = load_builtin()
    cloud = random_cloud(head.neutral(np.zeros(len(head.identity_basis), np.float32)), head.triangles, 30)

    def splats(network, opened, identity):
        assert (opened.name, identity.shape) == ("builtin", (len(head.identity_basis),))
        return cloud

    monkeypatch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda _: Nothing(), splats=splats))
    path = tmp_path / "someone.safetensors"
    avatar_of(Nothing(), {}, at_rest(head=head)).save(path)
    return path, cloud


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_avatar_is_exported_by_suffix(avatar, tmp_path, suffix):
    path, cloud = avatar
    out = tmp_path / "new" / f"someone{suffix.upper()}"
    export_splats(path, out)
    assert out.read_bytes() == WRITERS[suffix](cloud.placed())
    assert [each.name for each in out.parent.iterdir()] == [out.name]


def test_what_cannot_be_exported_is_told(avatar, tmp_path, monkeypatch):
    path, _ = avatar
    with pytest.raises(UserError, match=r"\.ply, \.spz, \.glb, \.gltf\.$"):
        export_splats(path, tmp_path / "someone.obj")
    monkeypatch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda _: Nothing()))
    with pytest.raises(UserError, match="not made of splats"):
        export_splats(path, tmp_path / "someone.ply")
    assert not (tmp_path / "someone.ply").exists()
    assert isinstance(Avatar.load(path, "cpu").network, Nothing)


def test_the_command_line_exports_splats(avatar, tmp_path, monkeypatch, capsys):
    path, cloud = avatar
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as left:
        main(["export", str(path), "--splats", str(tmp_path / "out.ply")])
    assert left.value.code in (0, None)
    assert (tmp_path / "out.ply").read_bytes() == ply_of(cloud.placed())
    for wrong in ([], ["--onnx", "a.onnx", "--splats", "a.ply"]):
        with pytest.raises(SystemExit) as left:
            main(["export", str(path), *wrong])
        assert left.value.code == 2
        assert "--splats FILE" in capsys.readouterr().err
