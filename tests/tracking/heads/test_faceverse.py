# SPDX-License-Identifier: GPL-3.0-or-later
"""The FaceVerse v3 loader: what it makes of a good file, and what it says of a bad one."""

import os
import pickle

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tracking.heads.faceverse import load_faceverse_v3
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.recognition import recognise
from semblance.tracking.heads.registry import open_head

VERTICES, FACE = 20, 12


def small_model():
    """A made-up model with the keys and shapes of FaceVerse v3 and few vertices."""
    rng = np.random.default_rng(0)
    mask = np.ones(VERTICES, np.float32)
    mask[:3] = mask[FACE:] = 0
    return {
        "meanshape": rng.normal(size=(VERTICES, 3)).astype(np.float32) * 100,
        "meantex": np.full(3 * VERTICES, 127.5, np.float32),
        "idBase": rng.normal(size=(3 * VERTICES, 150)).astype(np.float32),
        "exBase_52": rng.normal(size=(3 * VERTICES, 52)).astype(np.float32),
        "texBase": np.zeros((3 * VERTICES, 251), np.float32),
        "tri": rng.integers(0, VERTICES, (30, 3)),
        "point_buf": rng.integers(0, 30, (VERTICES, 8)),
        "mediapipe_keypoints": rng.integers(0, VERTICES, 478),
        "ver_inds": np.array([FACE, 16, VERTICES]),
        "tri_inds": np.array([20, 25, 30]),
        "uvtex": np.full((VERTICES, 3), 255, np.float32),
        "face_mask": mask,
        "parsing": np.tile(np.float32([255, 200, 150]), (VERTICES, 1)),
        "exp_name_list_52": list(ARKIT_NAMES),
    }


@pytest.fixture
def saved(tmp_path):
    """A function that writes a model as the original does and returns its path."""

    def save(model):
        path = tmp_path / "model.npy"
        np.save(path, np.array(model, dtype=object), allow_pickle=True)
        return path

    return save


def test_axes_units_and_eyeballs(saved):
    model = small_model()
    head = load_faceverse_v3(saved(model))
    expected = model["meanshape"] * [0.001, -0.001, -0.001]
    np.testing.assert_allclose(head.mean[:FACE], expected[:FACE], atol=1e-7)
    np.testing.assert_allclose(head.mean[FACE:], expected[FACE:] + 0.001, atol=1e-7)
    column = model["idBase"][:, 7].reshape(-1, 3) * [0.001, -0.001, -0.001]
    np.testing.assert_allclose(head.identity_basis[7], column, atol=1e-7)
    assert [(eye.start, eye.stop) for eye in head.eyeballs] == [(FACE, 16), (16, VERTICES)]
    assert head.uv_mask.tolist() == [0] * 3 + [1] * (VERTICES - 3)


def test_expressions_follow_the_names_in_the_file(saved):
    model = small_model()
    model["exp_name_list_52"] = np.array(ARKIT_NAMES[::-1])
    head = load_faceverse_v3(saved(model))
    blink = model["exBase_52"][:, model["exp_name_list_52"].tolist().index("eyeBlinkLeft")]
    expected = blink.reshape(-1, 3) * [0.001, -0.001, -0.001]
    np.testing.assert_allclose(head.expression_basis[ARKIT_NAMES.index("eyeBlinkLeft")], expected, atol=1e-7)


@pytest.mark.parametrize("width", [np.uint16, np.int32, np.int64])
def test_any_width_of_integer(saved, width):
    model = small_model()
    for key in ("tri", "mediapipe_keypoints", "ver_inds"):
        model[key] = model[key].astype(width)
    head = load_faceverse_v3(saved(model))
    assert head.triangles.dtype == head.landmarks.dtype == np.int32


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_both_spellings_of_numpy(saved, module):
    path = saved(small_model())
    data = path.read_bytes()
    header = data[: data.index(b"\n") + 1]
    model = pickle.dumps(np.array(small_model(), dtype=object), protocol=3)
    spelled = model.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    path.write_bytes(header + spelled.replace(b"cnumpy.core.multiarray\n", b"c" + module.encode() + b"\n"))
    assert "skin" in load_faceverse_v3(path).regions


class Villain:
    def __reduce__(self):
        return os.mkdir, ("villain-was-here",)


def test_code_in_the_file_is_refused_unread(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="mkdir"):
        load_faceverse_v3(saved({**small_model(), "extra": Villain()}))
    assert not (tmp_path / "villain-was-here").exists()


def test_arrays_of_other_kinds_are_refused(saved):
    with pytest.raises(UserError, match="was not read"):
        load_faceverse_v3(saved({**small_model(), "extra": np.ma.zeros(1)}))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("exBase_52", None, "no exBase_52"),
        ("exBase_52", np.zeros((3 * VERTICES, 171), np.float32), "shape"),
        ("tri", "text", "not an array"),
        ("tri", np.full((30, 3), VERTICES), "damaged"),
        ("ver_inds", np.array([FACE, 16, VERTICES + 1]), "damaged"),
        ("meanshape", np.full((VERTICES, 3), np.nan, np.float32), "damaged"),
        ("exp_name_list_52", ["smile"] * 52, "browDownLeft"),
    ],
)
def test_what_does_not_fit_is_named(saved, key, value, said):
    model = small_model()
    if value is None:
        del model[key]
    else:
        model[key] = value
    with pytest.raises(UserError, match=said):
        load_faceverse_v3(saved(model))


def older(model):
    """The same model as an older file: centimetres, 171 expressions, UVs with triangles of their own; its sidecar."""
    sidecar = model["exBase_52"] / 10
    kept = {key: model[key] for key in ("meantex", "texBase", "tri", "mediapipe_keypoints", "ver_inds", "face_mask")}
    return {
        **kept,
        "meanshape": model["meanshape"] / 10,
        "idBase": model["idBase"] / 10,
        "exBase": np.zeros((len(sidecar), 171), np.int8),
        "uv": np.column_stack([model["uvtex"][:, 0] / 255, 1 - model["uvtex"][:, 1] / 255]),
        "tri_uv": model["tri"],
        "left_eye_exp": np.zeros(4),
    }, sidecar


def test_the_older_v3_with_its_sidecar(saved):
    new = small_model()
    new["meanshape"][FACE:16] = [31, 0, 0]
    new["meanshape"][16:] = [-31, 0, 0]
    newer = load_faceverse_v3(saved(new))
    model, sidecar = older(new)
    path = saved(model)
    with pytest.raises(UserError, match=r"exBase_52\.npy beside it"):
        load_faceverse_v3(path)
    np.save(path.with_name("exBase_52.npy"), sidecar)
    assert recognise(path) == ("faceverse-v3",)
    found = load_faceverse_v3(path)
    np.testing.assert_allclose(found.mean, newer.mean, atol=1e-6)
    np.testing.assert_allclose(found.expression_basis, newer.expression_basis, atol=1e-6)
    used = np.unique(new["tri"])
    np.testing.assert_allclose(found.uvs[used], newer.uvs[used], atol=1e-6)
    np.save(path.with_name("exBase_52.npy"), sidecar[:-3])
    with pytest.raises(UserError, match="exBase_52"):
        load_faceverse_v3(path)


def test_absent_cut_and_foreign_files(saved, tmp_path):
    with pytest.raises(UserError, match="no file"):
        load_faceverse_v3(tmp_path / "absent.npy")
    path = saved(small_model())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="damaged"):
        load_faceverse_v3(path)
    path.write_bytes(b"not an array")
    with pytest.raises(UserError, match="damaged"):
        load_faceverse_v3(path)
    with pytest.raises(UserError, match="needs its model file"):
        open_head("faceverse-v3")
    with pytest.raises(UserError, match="no head called"):
        open_head("candide")


def test_the_like_head_is_a_head(faceverse_like):
    head = faceverse_like
    assert head.mean.shape == (15456, 3)
    assert head.expression_basis.shape == (52, 15456, 3)
    forehead, chin, nose = (head.mean[head.landmarks[i]] for i in (10, 152, 1))
    assert forehead[1] < nose[1] < chin[1], "y points down"
    assert nose[2] < min(forehead[2], chin[2]), "the nose points at the camera"
    left, right = (head.mean[eye.start : eye.stop].mean(0) for eye in head.eyeballs)
    assert 0.055 < left[0] - right[0] < 0.075, "pupils are some 63 mm apart, the left one at positive x"
    a, b, c = (head.mean[head.triangles[:, i]] for i in range(3))
    middle = (a + b + c) / 3 - head.mean.mean(0)
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), middle) > 0).mean() > 0.85, "normals point outward"


def test_gaze_turns_the_irises_of_the_like_head(faceverse_like):
    head = faceverse_like
    still = head.posed(head.mean, np.zeros(52, np.float32))
    turned = head.posed(head.mean, np.zeros(52, np.float32), np.float32([[0.2, 0], [0, 0.2]]))
    left, right = (turned - still)[head.landmarks[[473, 468]]]
    assert left[1] > 0.001, "positive pitch looks down"
    assert right[0] < -0.001, "positive yaw looks to the subject's right"
