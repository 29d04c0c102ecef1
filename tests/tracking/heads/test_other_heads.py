# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse v2, v4 and the older v3, FLAME: files made of the built-in head give the built-in head back."""

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.heads import v4_columns
from semblance.tracking.heads import faceverse_v4, flame
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.correspondence import IBUG, correspond, ibug_anchors
from semblance.tracking.heads.faceverse_v2 import load_faceverse_v2
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.recognition import recognise, still_expressions, verified

MILLIMETRE = 0.001
LIPS = [61, 37, 0, 267, 291, 314, 17, 84, 78, 82, 13, 312, 308, 317, 14, 87]


def column(name):
    return ARKIT_NAMES.index(name)


def moved(head, name, landmark):
    """How far (x, y, z) an expression moves a landmark."""
    return head.expression_basis[column(name), head.landmarks[landmark]]


def misplaced(head):
    """Metres from each landmark on the face to where the built-in head has it."""
    builtin = load_builtin()
    return np.linalg.norm(head.mean[head.landmarks] - builtin.mean[builtin.landmarks], axis=1)[:468]


def test_v4_keeps_axes_unit_and_parts(v4_head, faceverse_v4_model):
    np.testing.assert_allclose(v4_head.mean, faceverse_v4_model["meanshape"] * MILLIMETRE, atol=1e-6)
    ends = faceverse_v4_model["ver_inds"]
    assert [(eye.start, eye.stop) for eye in v4_head.eyeballs] == [(ends[0], ends[1]), (ends[1], ends[2])]
    assert v4_head.regions["teeth"].sum() == ends[4] - ends[2]
    assert v4_head.regions["tongue"].sum() == ends[5] - ends[4]
    assert v4_head.regions["skin"].any()
    assert v4_head.identity_basis.shape[0] == 156
    verified(v4_head)


def test_v4_mixes_arkits_expressions_of_its_own(v4_head, faceverse_v4_model):
    own = faceverse_v4_model["exBase"].T.reshape(177, -1, 3) * MILLIMETRE
    for name in ("eyeBlinkLeft", "eyeBlinkRight", "mouthClose", "tongueOut"):
        np.testing.assert_allclose(v4_head.expression_basis[column(name)], own[v4_columns()[column(name)]], atol=1e-6)
    for name in ("jawOpen", "mouthSmileLeft", "browDownRight", "mouthPucker"):
        wanted = own[v4_columns()[column(name)]][v4_head.landmarks]
        missed = np.linalg.norm(v4_head.expression_basis[column(name)][v4_head.landmarks] - wanted, axis=1)
        assert missed.max() < 0.15 * np.linalg.norm(wanted, axis=1).max(), name


def test_v4_finds_the_sides_of_the_blinks(faceverse_v4_model, save_model):
    swapped = faceverse_v4_model["exBase"].copy()
    swapped[:, [14, 15]] = swapped[:, [15, 14]]
    head = faceverse_v4.load_faceverse_v4(save_model({**faceverse_v4_model, "exBase": swapped}))
    assert moved(head, "eyeBlinkLeft", 386)[1] > 3 * MILLIMETRE > 1e-5 > abs(moved(head, "eyeBlinkLeft", 159)[1])


def test_v4_teeth_follow_the_face_in_depth(monkeypatch):
    monkeypatch.setattr(faceverse_v4, "TEETH_VERTEX", 3)
    monkeypatch.setattr(faceverse_v4, "FACE_VERTEX", 0)
    basis = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    followed = faceverse_v4.teeth_following(basis.copy(), 2, 5)
    np.testing.assert_allclose(followed[:, 3, 2], basis[:, 0, 2], atol=1e-6)
    np.testing.assert_array_equal(followed[:, :2], basis[:, :2])
    np.testing.assert_array_equal(followed[:, 5], basis[:, 5])


@pytest.mark.parametrize("simplified", [False, True])
def test_v2_has_landmarks_eyes_and_its_unit(faceverse_v2_model, save_model, simplified):
    path = save_model(faceverse_v2_model)
    assert recognise(path) == ("faceverse-v2", "faceverse-v2-simplified")
    head = load_faceverse_v2(path, simplified)
    assert head.unit == pytest.approx(1 / 3.7, rel=1e-3)
    away = misplaced(head)
    assert np.median(away) < 2.5 * MILLIMETRE
    assert away[LIPS].max() < 3 * MILLIMETRE
    verified(head)
    turned = head.posed(head.mean, np.zeros(52, np.float32), np.float32([[0.2, 0], [0, 0]])) - head.mean
    assert turned[head.landmarks[473], 1] > MILLIMETRE, "the borrowed eyes turn"
    assert moved(head, "jawOpen", 152)[1] > 20 * MILLIMETRE
    shift = head.identity_basis[:, head.landmarks[[263, 473]]]
    assert np.abs(shift[:, 0] - shift[:, 1]).max() < 6 * MILLIMETRE, "the eyes go with the face"


@pytest.fixture(scope="module")
def flame_head(flame_model, save_flame):
    return flame.load_flame(save_flame(flame_model))


def test_flame_is_found_its_landmarks(flame_head):
    away = misplaced(flame_head)
    assert np.median(away) < 2.5 * MILLIMETRE
    assert away[LIPS].max() < 1 * MILLIMETRE
    verified(flame_head)
    assert still_expressions(flame_head) in ([], ["tongueOut"])


def test_flame_is_given_arkits_expressions(flame_head):
    builtin = load_builtin()
    for name, landmark in (("jawOpen", 152), ("mouthSmileLeft", 291), ("mouthClose", 14)):
        wanted = moved(builtin, name, landmark)
        assert np.linalg.norm(moved(flame_head, name, landmark) - wanted) < 0.3 * np.linalg.norm(wanted), name
    for name, landmark in (("eyeBlinkLeft", 386), ("eyeBlinkRight", 159)):
        assert moved(flame_head, name, landmark)[1] == pytest.approx(moved(builtin, name, landmark)[1], rel=0.25)


def test_flame_as_npz_and_in_python_3(flame_model, flame_head, save_flame, tmp_path):
    plain = {**flame_model, "J_regressor": flame_model["J_regressor"].toarray()}
    np.savez(tmp_path / "flame.npz", **plain)
    for path in (tmp_path / "flame.npz", save_flame(flame_model, protocol=4)):
        assert recognise(path) == ("flame",)
        np.testing.assert_array_equal(flame.load_flame(path).mean, flame_head.mean)


def test_flame_with_the_uvs_of_its_texture(flame_model, save_flame):
    path = save_flame(flame_model)
    faces = flame_model["f"].astype(int)
    uvs = np.random.default_rng(0).uniform(size=(flame.VERTICES + 1, 2))
    uv_faces = faces.copy()
    uv_faces[0, 0] = flame.VERTICES
    np.savez(path.with_name(flame.TEXTURE_FILE), vt=uvs, ft=uv_faces)
    head = flame.load_flame(path)
    assert len(head.mean) == flame.VERTICES + 1, "one vertex is cut in two"
    assert [eye.stop - eye.start for eye in head.eyeballs] == [546, 546]
    np.testing.assert_allclose(head.uvs[head.triangles[0, 0]], [uvs[-1, 0], 1 - uvs[-1, 1]], atol=1e-6)
    np.savez(path.with_name(flame.TEXTURE_FILE), vt=uvs, ft=uv_faces + 5)
    with pytest.raises(UserError, match="does not fit"):
        flame.load_flame(path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("posedirs", None, "no array posedirs"),
        ("weights", np.zeros((10, 5)), "shape"),
        ("f", np.full((4, 3), 5023), "damaged"),
        ("shapedirs", np.zeros((5023, 3, 300), np.float32), "no expressions"),
    ],
)
def test_what_does_not_fit_flame_is_named(flame_model, save_flame, key, value, said):
    model = {**flame_model, key: value}
    if value is None:
        del model[key]
    with pytest.raises(UserError, match=said):
        flame.load_flame(save_flame(model))


def test_landmarks_are_found_on_a_real_face(faceverse_like):
    """The FaceVerse-like head has landmarks that MediaPipe found on its picture: 52 of them lead to the others."""
    head = faceverse_like
    anchors = ibug_anchors(head.landmarks[list(IBUG)])
    face = head.triangles[(head.triangles < head.eyeballs[0].start).all(1)]
    found = correspond(head.mean, face, anchors, head.eyeballs).landmarks
    away = np.linalg.norm(head.mean[found] - head.mean[head.landmarks], axis=1)
    assert np.median(away[:468]) < 2.5 * MILLIMETRE
    assert away[LIPS].max() < 2.5 * MILLIMETRE
    assert away[468:].max() < 3.5 * MILLIMETRE
