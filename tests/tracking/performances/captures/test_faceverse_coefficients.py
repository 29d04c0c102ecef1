# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse's coefficient vectors: what they show through its cameras, we show; and back again."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.faceverse_file import FaceVerseHead
from semblance.tracking.heads.head import Eyeball
from semblance.tracking.performances.captures.faceverse_coefficients import (
    angles,
    read_coefficients,
    rotations,
    write_coefficients,
)
from semblance.tracking.performances.maps import frame_vertices

SIZE = 256
VERTICES, FACE = 20, 12
PARTS = {
    "faceverse-v2": {"id": 150, "exp": 52, "tex": 251, "angle": 3, "gamma": 27, "trans": 3},
    "faceverse-v3": {"id": 150, "exp": 52, "tex": 251, "angle": 3, "gamma": 27, "trans": 3, "eye": 4},
    "faceverse-v4": {"id": 156, "exp": 177, "tex": 251, "gamma": 27, "angle": 3, "trans": 3, "eye": 4},
}
LENGTHS = {"faceverse-v2": 486, "faceverse-v3": 490, "faceverse-v4": 621}


def small_head(name, unit=0.1):
    """A made-up FaceVerse head of few vertices."""
    rng = np.random.default_rng(1)
    parts = PARTS[name]
    expression = rng.normal(size=(52, VERTICES, 3)).astype(np.float32) * 0.002
    expression[:, FACE:] = 0
    return FaceVerseHead(
        name=name,
        mean=rng.normal(size=(VERTICES, 3)).astype(np.float32) * 0.08,
        identity_basis=rng.normal(size=(parts["id"], VERTICES, 3)).astype(np.float32) * 0.001,
        expression_basis=expression,
        texture_mean=np.zeros((VERTICES, 3), np.float32),
        texture_basis=np.zeros((251, VERTICES, 3), np.float32),
        triangles=np.zeros((1, 3), np.int32),
        uvs=np.zeros((VERTICES, 2), np.float32),
        uv_mask=np.zeros(VERTICES, np.float32),
        landmarks=np.arange(478, dtype=np.int32) % VERTICES,
        eyeballs=(Eyeball(FACE, 16), Eyeball(16, VERTICES)),
        unit=unit,
    )


def take(name, frames=4, turned=0.0):
    """Made-up vectors as the original's parts, and joined in its order."""
    rng = np.random.default_rng(2)
    own = {part: rng.normal(size=(frames, length)) * 0.2 for part, length in PARTS[name].items()}
    own["exp"] = rng.uniform(0, 0.7, own["exp"].shape)
    for constant in ("id", "tex", "gamma"):
        own[constant][:] = own[constant][0]
    own["angle"][:, 0] += turned
    return own, np.concatenate(list(own.values()), 1).astype(np.float32)


def about(axis, angle):
    """The rotation `[3, 3]` about an axis (0, 1, 2)."""
    c, s = np.cos(angle), np.sin(angle)
    one, two = [(1, 2), (2, 0), (0, 1)][axis]
    turn = np.eye(3)
    turn[one, one] = turn[two, two] = c
    turn[one, two], turn[two, one] = -s, s
    return turn


def turned(vector):
    return about(2, vector[2]) @ about(1, vector[1]) @ about(0, vector[0])


def as_the_papers_show(vertices, own, frame, name):
    """Pixels of vertices (in the file's units and model axes) as FaceVerse projects them."""
    seen = vertices @ turned(own["angle"][frame]).T + own["trans"][frame]
    if name == "faceverse-v2":
        focal = int(1315 / 512 * SIZE)
        seen = seen * [1, 1, -1] + [0, 0, 10]
        u, v = (focal * seen[:, 0] / seen[:, 2] + SIZE // 2, focal * seen[:, 1] / seen[:, 2] + SIZE // 2)
        return np.column_stack([u, SIZE - v])
    seen += np.array([0, 0, 10])
    focal = 1000 if name == "faceverse-v4" else int(1315 / 512 * SIZE)
    return focal * seen[:, :2] / seen[:, 2:] + SIZE // 2


def original_vertices(head, own, frame):
    """The head's vertices in the file's units by the original's own rules, eyeballs turned."""
    still = (head.mean + np.tensordot(own["id"][0], head.identity_basis, 1)) / head.unit
    moved = still + np.tensordot(own["exp"][frame], head.expression_basis, 1) / head.unit
    for eyeball, (pitch, yaw) in zip(head.eyeballs, own.get("eye", np.zeros((4, 4)))[frame].reshape(2, 2), strict=True):
        span = slice(eyeball.start, eyeball.stop)
        centre = still[span].mean(0) + np.array(eyeball.pivot_offset) / head.unit
        moved[span] = (moved[span] - centre) @ (about(1, yaw) @ about(0, pitch)).T + centre
    return moved


@pytest.mark.parametrize("name", ["faceverse-v2", "faceverse-v3"])
def test_both_projections_agree(name, tmp_path):
    head = small_head(name, unit=0.1 if name == "faceverse-v3" else 0.23)
    own, vectors = take(name, turned=np.pi if name == "faceverse-v2" else 0)
    if name == "faceverse-v2":
        own["trans"][:, 2] += 6
        vectors[:, -1] += 6
    np.save(tmp_path / "take.npy", vectors)
    performance = read_coefficients(tmp_path / "take.npy", head, SIZE)
    for frame in range(len(vectors)):
        theirs = as_the_papers_show(original_vertices(head, own, frame), own, frame, name)
        ours = performance.camera.project(frame_vertices(head, performance, frame))
        assert np.abs(ours - theirs).max() < 0.01


def test_v4_shows_the_same_and_keeps_boxes(v4_head, tmp_path):
    own, vectors = take("faceverse-v4")
    chosen = np.isin(np.arange(177), [14, 15, 49])
    vectors[:, 156:333][:, ~chosen] = 0
    np.save(tmp_path / "a.npy", np.array({"coeffs": vectors, "bbox_list": np.full((4, 4), 7)}, object))
    performance = read_coefficients(tmp_path / "a.npy", v4_head)
    assert performance.camera == PinholeCamera(1000.0, 1000.0, 128.0, 128.0, 256, 256)
    np.testing.assert_allclose(performance.gaze.reshape(4, 4), own["eye"], atol=1e-6)
    flat = np.zeros_like(own["exp"])
    flat[:, chosen] = own["exp"][:, chosen]
    mixed = v4_head.native.mixtures
    theirs = {**own, "exp": np.linalg.lstsq(mixed.T, flat.T, rcond=None)[0].T}
    for frame in range(4):
        wanted = as_the_papers_show(original_vertices(v4_head, theirs, frame), theirs, frame, "faceverse-v4")
        ours = performance.camera.project(frame_vertices(v4_head, performance, frame))
        lids = np.concatenate([lids.vertices for lids in v4_head.lid_closures])
        assert np.abs(np.delete(ours - wanted, lids, 0)).max() < 0.01
        assert np.abs(ours - wanted).max() < 0.2, "lids close this person's eyes, and move no more than that asks for"
    write_coefficients(performance, v4_head, tmp_path / "b.npy")
    content = np.load(tmp_path / "b.npy", allow_pickle=True).item()
    np.testing.assert_allclose(content["coeffs"], vectors, atol=1e-4)
    np.testing.assert_array_equal(content["bbox_list"], np.full((4, 4), 7))


def test_arkits_expressions_go_into_v4s_own_and_back(v4_head):
    expression = np.random.default_rng(0).uniform(size=(20, 52)).astype(np.float32)
    own = v4_head.native.native(expression)
    assert own.shape == (20, 177)
    np.testing.assert_allclose(v4_head.native.arkit(own), expression, atol=1e-4)
    assert 0 <= v4_head.native.arkit(own * 3).min() <= v4_head.native.arkit(own * 3).max() <= 1


@pytest.mark.parametrize("name", ["faceverse-v2", "faceverse-v3"])
def test_round_trip_of_files_and_folders(name, tmp_path):
    head = small_head(name)
    _, vectors = take(name)
    for frame, vector in enumerate(vectors):
        np.save(tmp_path / f"{frame:06}.npy", vector)
    performance = read_coefficients(tmp_path, head, SIZE, fps=30)
    assert performance.times[3] == pytest.approx(0.1)
    write_coefficients(performance, head, tmp_path / "all" / "take.npy")
    written = np.load(tmp_path / "all" / "take.npy")
    assert written.shape == (4, LENGTHS[name])
    np.testing.assert_allclose(written, vectors, atol=1e-5)


def test_another_camera_keeps_place_and_size(tmp_path):
    head = small_head("faceverse-v3")
    own = PinholeCamera(600.0, 600.0, 250.0, 262.0, 512, 512)
    still = at_rest(
        head=head, identity=np.zeros(150), texture=np.zeros(251), translation=(0.02, -0.03, 0.6), camera=own
    )
    write_coefficients(still, head, tmp_path / "take.npy")
    again = read_coefficients(tmp_path / "take.npy", head, 512)
    np.testing.assert_allclose(again.camera.project(again.translation), own.project(still.translation), atol=0.01)
    assert again.camera.fx / again.translation[0, 2] == pytest.approx(own.fx / 0.6, rel=1e-3)


@settings(max_examples=50)
@given(st.lists(st.tuples(*[st.floats(-1.5, 1.5)] * 3), min_size=1, max_size=5))
def test_angles_are_those_of_their_rotation(turns):
    wanted = np.array(turns)
    made = rotations(wanted)
    for turn, rotation in zip(wanted, made, strict=True):
        np.testing.assert_allclose(rotation, turned(turn), atol=1e-6)
    np.testing.assert_allclose(rotations(angles(made)), made, atol=1e-4)


class Villain:
    def __reduce__(self):
        return os.mkdir, ("villain-was-here",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((2, 489), np.float32), "489 numbers"),
        (np.full(490, np.nan), "not all numbers"),
        (np.zeros((0, 490)), "not all numbers"),
        (np.array(["text"]), "holds no FaceVerse coefficients"),
        (np.array({"coeffs": np.zeros((1, 621), np.float32)}, object), "621 numbers"),
        (np.array({"shape": 1}, object), "holds no FaceVerse coefficients"),
        (np.array({"coeffs": Villain()}, object), "was not read"),
    ],
)
def test_what_is_no_vector_is_refused(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    np.save("take.npy", content)
    with pytest.raises(UserError, match=said):
        read_coefficients("take.npy", small_head("faceverse-v3"))
    assert not (tmp_path / "villain-was-here").exists()


def test_absent_cut_and_foreign(tmp_path):
    head = small_head("faceverse-v3")
    with pytest.raises(UserError, match="no file"):
        read_coefficients(tmp_path / "gone.npy", head)
    with pytest.raises(UserError, match=r"no \.npy files"):
        read_coefficients(tmp_path, head)
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(UserError, match="damaged"):
        read_coefficients(tmp_path / "cut.npy", head)
    with pytest.raises(UserError, match="choose a FaceVerse head"):
        read_coefficients(tmp_path / "cut.npy", load_builtin())
