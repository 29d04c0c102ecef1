# SPDX-License-Identifier: GPL-3.0-or-later
"""ICT-FaceKit, from the ten meshes of the shared media, and OBJ files that are none."""

import shutil
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tracking.heads import ict
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.obj_meshes import read_obj
from semblance.tracking.heads.recognition import recognise, still_expressions, verified
from semblance.tracking.heads.seams import cut_at_seams

MILLIMETRE = 0.001


@pytest.fixture(scope="module")
def folder(shared):
    folder = shared / "media" / "ict_facekit_subset"
    if not folder.is_dir():
        pytest.skip("needs the ICT-FaceKit subset of the shared media")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def head(folder, cache):
    return ict.load_ict(folder, cache)


def moved(head, name, landmark):
    return head.expression_basis[ARKIT_NAMES.index(name), head.landmarks[landmark]]


def test_it_is_a_sound_head_in_metres(head):
    verified(head)
    assert len(head.identity_basis) == 2
    assert head.name == "ict-facekit"
    for eye, side in zip(head.eyeballs, (1, -1), strict=True):
        ball = head.mean[eye.start : eye.stop]
        assert ball[:, 0].min() * side > 0
        assert np.ptp(ball, axis=0).max() == pytest.approx(0.031, abs=0.003)


def test_landmarks_lie_on_lids_and_lips(head):
    at = head.mean[head.landmarks]
    assert np.linalg.norm(at[468] - at[473]) == pytest.approx(0.0625, abs=0.002)
    for inner, outer, upper, lower in ((362, 263, 386, 374), (133, 33, 159, 145)):
        assert at[upper, 1] < at[inner, 1] < at[lower, 1]
        assert 0.024 < abs(at[outer, 0] - at[inner, 0]) < 0.036
    assert 0 <= at[14, 1] - at[13, 1] < 4 * MILLIMETRE
    mirrored = at[[61, 33, 159, 105]] * [-1, 1, 1]
    assert np.linalg.norm(mirrored - at[[291, 263, 386, 334]], axis=1).max() < 2 * MILLIMETRE


def test_expressions_are_summed_and_the_missing_are_zero(head, folder):
    assert moved(head, "eyeBlinkLeft", 386)[1] > 5 * MILLIMETRE
    assert abs(moved(head, "eyeBlinkLeft", 159)[1]) < 0.1 * MILLIMETRE
    assert moved(head, "jawOpen", 152)[1] > 20 * MILLIMETRE
    brows = [moved(head, "browInnerUp", landmark)[1] for landmark in (107, 336)]
    assert max(brows) < -2 * MILLIMETRE, "both halves rise"
    assert len(still_expressions(head)) == 52 - 6
    assert "tongueOut" in still_expressions(head)


def test_uvs_are_one_a_vertex_and_the_face_lies_apart(head):
    skin = head.uvs[(head.uv_mask > 0.5) & head.regions["skin"]]
    assert (skin < 0.76).all(1).mean() > 0.95, "all but where the lips turn inward"
    corners = head.uvs[head.triangles]
    assert np.ptp(corners, axis=1).max() < 0.1, "no triangle reaches across a seam"
    iris = head.uvs[head.landmarks[[468, 473]]]
    assert (iris[:, 1] > 0.74).all()
    assert iris[0, 0] > iris[1, 0] + 0.2


@pytest.mark.slow
def test_the_cache_is_used_and_follows_the_contents(head, folder, cache, tmp_path):
    kept = list(cache.iterdir())
    assert len(kept) == 1
    np.testing.assert_array_equal(ict.load_ict(folder / "FaceXModel", cache).mean, head.mean)
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    np.testing.assert_array_equal(ict.load_ict(folder, cache).mean, head.mean)
    own = tmp_path / "FaceXModel"
    own.mkdir()
    for name in ("generic_neutral_mesh", "jawOpen"):
        shutil.copy(folder / "FaceXModel" / f"{name}.obj", own)
    fewer = ict.load_ict(tmp_path, cache)
    assert len(fewer.identity_basis) == 0
    assert len(still_expressions(fewer)) == 51
    assert len(list(cache.iterdir())) == 2
    assert recognise(own / "generic_neutral_mesh.obj") == ("ict-facekit",)


def test_meshes_that_do_not_fit_are_named(folder, tmp_path):
    with pytest.raises(UserError, match=r"no generic_neutral_mesh\.obj"):
        ict.load_ict(tmp_path, tmp_path)
    shutil.copy(folder / "FaceXModel" / "generic_neutral_mesh.obj", tmp_path)
    (tmp_path / "jawOpen.obj").write_text("v 0 0 0\n")
    with pytest.raises(UserError, match=r"jawOpen\.obj has 1 vertex,"):
        ict.load_ict(tmp_path, tmp_path)
    (tmp_path / "jawOpen.obj").write_text("v 0 0 zero\n")
    with pytest.raises(UserError, match=r"jawOpen\.obj is damaged"):
        ict.load_ict(tmp_path, tmp_path)


def test_names_of_files():
    assert [ict.stems(name) for name in ("eyeBlinkLeft", "mouthRight", "jawOpen", "browDownRight", "cheekPuff")] == [
        ("eyeBlink_L",), ("mouthRight",), ("jawOpen",), ("browDown_R",), ("cheekPuff_L", "cheekPuff_R"),
    ]  # fmt: skip
    assert len(set(ict.file_names())) == 53


def test_polygons_become_triangles_and_seams_are_cut(tmp_path):
    path = tmp_path / "two.obj"
    path.write_text(
        "# two\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 2 0 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvt 0.5 0.5\n"
        "f 1/1 2/2 3/3 4/4\nf 2/5 5/1 3/3\n"
    )
    mesh = read_obj(path)
    assert mesh.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [1, 4, 2]]
    cut = cut_at_seams(mesh.triangles, mesh.uv_triangles, mesh.uvs, 5)
    assert cut.origin.tolist() == [0, 1, 1, 2, 3, 4]
    np.testing.assert_array_equal(cut.origin[cut.triangles], mesh.triangles)
    np.testing.assert_array_equal(cut.uvs[cut.triangles], mesh.uvs[mesh.uv_triangles])
    assert cut.place(np.array([0, 2, 5])).tolist() == [0, 3, 6]


OBJ_LINES = (b"v 0 0 1", b"v 1 2", b"vt 0 1", b"f 1/1 2/2 3/3", b"f 9/9 1/1 1/1", b"f 1 2", b"x")


@settings(max_examples=60)
@given(st.lists(st.sampled_from(OBJ_LINES)))
def test_any_obj_is_read_or_refused(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "any.obj"
    path.write_bytes(b"\n".join(lines))
    with suppress(UserError):
        assert read_obj(path).triangles.max() < len(read_obj(path).vertices)
