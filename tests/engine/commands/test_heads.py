# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance heads`: what is there, bringing one's own, and finding it again without its path."""

import json
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.common.home import Home
from semblance.engine.commands import cli
from semblance.engine.jobs.requests import resolved
from semblance.protocol.jobs import Track
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.imported import imported_heads
from semblance.tracking.heads.registry import HEAD_NAMES, open_head

FLIPPED = np.array([1000, -1000, -1000], np.float32)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def faceverse_file(tmp_path_factory):
    """The built-in head in FaceVerse v3's layout."""
    head = load_builtin()
    vertices = len(head.mean)

    def rows(basis, count):
        stored = np.zeros((3 * vertices, count), np.float16)
        stored[:, : len(basis)] = (basis * FLIPPED).reshape(len(basis), -1).T
        return stored

    left, right = head.eyeballs
    path = tmp_path_factory.mktemp("faceverse") / "whatever.npy"
    model = {
        "meanshape": head.mean * FLIPPED,
        "meantex": (head.texture_mean * 255).reshape(-1),
        "idBase": rows(head.identity_basis, 150),
        "exBase_52": rows(head.expression_basis, 52),
        "texBase": np.zeros((3 * vertices, 251), np.int8),
        "tri": head.triangles,
        "mediapipe_keypoints": head.landmarks,
        "ver_inds": np.array([left.start, left.stop, right.stop]),
        "uvtex": np.column_stack([head.uvs * 255, np.full(vertices, 255)]),
        "face_mask": head.uv_mask,
        "parsing": np.zeros((vertices, 3)),
        "exp_name_list_52": list(ARKIT_NAMES),
    }
    np.save(path, np.array(model, object))
    return path


def said(capsys, *arguments):
    """What a command prints."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["heads", *map(str, arguments)])
    assert ended.value.code == 0
    return capsys.readouterr().out


def refused(capsys, *arguments):
    """The one sentence by which a command refuses."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["heads", *map(str, arguments)])
    told = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == cli.THEIRS
    assert len(told) == 1
    return told[0]


def test_the_list_names_every_head_with_licence_and_source(capsys, home):
    listed = said(capsys, "list")
    for name in HEAD_NAMES:
        assert f"{name}: " in listed
    assert "builtin: built in" in listed
    assert "flame: not imported" in listed
    assert listed.count("https://") == len(HEAD_NAMES) - 1


@pytest.mark.parametrize("copy", [False, True])
def test_an_imported_head_needs_no_path(capsys, home, faceverse_file, copy):
    told = said(capsys, "import", faceverse_file, *(["--copy"] if copy else []))
    assert "Imported faceverse-v3" in told
    assert "478 landmarks" in told
    file = imported_heads(home)["faceverse-v3"]
    assert file.is_relative_to(home) == copy
    assert open_head("faceverse-v3", file).name == "faceverse-v3"
    assert f"imported, {file}" in said(capsys, "list")
    assert "the head is upright" in said(capsys, "verify", "faceverse-v3")
    asked = Track(source="/a.mp4", dataset="a", head="faceverse-v3")
    assert resolved(asked, Home(home)).head_path == str(file)
    given = replace(asked, head_path="/other.npy")
    assert resolved(given, Home(home)).head_path == "/other.npy"


def test_verify_knows_a_head_by_its_path_and_does_not_import_it(capsys, home, faceverse_file):
    assert said(capsys, "verify", faceverse_file).startswith("faceverse-v3:")
    assert "pupils are" in said(capsys, "verify", "builtin")
    assert imported_heads(home) == {}
    assert "needs its model file" in refused(capsys, "verify", "flame")


def test_an_unsound_head_is_not_imported(capsys, home, faceverse_file, tmp_path):
    model = np.load(faceverse_file, allow_pickle=True).item()
    model["meanshape"] = model["meanshape"] * [1, -1, 1]
    np.save(tmp_path / "flipped.npy", np.array(model, object))
    assert "the head is upright" in refused(capsys, "import", tmp_path / "flipped.npy")
    assert imported_heads(home) == {}


@pytest.mark.slow
def test_a_folder_of_meshes_is_known_by_its_neutral_one(capsys, home, shared):
    folder = shared / "media" / "ict_facekit_subset"
    if not folder.is_dir():
        pytest.skip("needs the ICT-FaceKit subset of the shared media")
    told = said(capsys, "import", folder)
    assert "expressions that move nothing: browDownLeft" in told
    file = imported_heads(home)["ict-facekit"]
    assert file == folder / "FaceXModel" / "generic_neutral_mesh.obj"
    asked = Track(source="/a.mp4", dataset="a", head="ict-facekit", head_path=str(folder))
    assert resolved(asked, Home(home)).head_path == str(file)


def test_licences(capsys, home):
    assert "MIT" in said(capsys, "licence", "ict-facekit")
    assert "GPL-3.0" in said(capsys, "licence", "builtin")
    assert "no head called" in refused(capsys, "licence", "candide")


class Villain:
    def __reduce__(self):
        return os.mkdir, ("villain-was-here",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"\x93NUMPY\x01\x00\x00", "damaged"),
        (b"PK\x03\x04 no archive", "damaged"),
        (b"GIF89a", "damaged"),
        (pickle.dumps({"v_template": Villain()}), "was not read: it holds"),
        (pickle.dumps({"x": 1}), "not a head that Semblance knows"),
        (pickle.dumps([1, 2]), "no dictionary"),
        (pickle.dumps({"coeffs": 1, "bbox_list": 2}), "coefficients of a take"),
        (pickle.dumps({"v_template": 1, "shapedirs": 2, "J_regressor": 3}), "no array v_template"),
    ],
)
def test_foreign_and_damaged_files(capsys, home, tmp_path, content, words):
    (tmp_path / "head.pkl").write_bytes(content)
    told = refused(capsys, "import", tmp_path / "head.pkl")
    assert words in told
    assert "head.pkl" in told
    assert not (tmp_path / "villain-was-here").exists()


def test_absent_and_foreign_folders(capsys, home, tmp_path):
    assert "nothing at" in refused(capsys, "import", tmp_path / "gone.npy")
    assert "generic_neutral_mesh.obj" in refused(capsys, "import", tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "damaged"),
        ('{"heads": []}', "damaged"),
        (json.dumps({"format": "semblance-heads", "version": 9, "heads": {}}), "newer"),
    ],
)
def test_a_damaged_list_of_imported_heads(home, content, words):
    home.mkdir()
    (home / "heads.json").write_text(content)
    with pytest.raises(UserError, match=words):
        imported_heads(home)
