# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance weights`: what there is, bringing one's own, and finding it again."""

import pickle

import pytest
import safetensors.torch
import torch
from semblance.engine.commands import cli
from semblance.neural.pretrained import fetching, weights
from semblance.neural.pretrained.registry import REGISTRY, readme_table
from semblance.neural.pretrained.weights import find, find_parts
from semblance.tests.conftest import ROOT


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("SEMBLANCE_WEIGHTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def liveportrait(tmp_path):
    """A folder laid out like LivePortrait's, with no more tensors than its files are known by."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for part, file in REGISTRY["liveportrait"].files.items():
        tensors = {key: torch.zeros(shape) for key, shape in file.mark.items()}
        safetensors.torch.save_file(tensors, folder / f"my {part}.safetensors")
    return folder


def said(capsys, *arguments):
    """What a command prints."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["weights", *map(str, arguments)])
    assert ended.value.code == 0
    return capsys.readouterr().out


def refused(capsys, *arguments):
    """The one sentence by which a command refuses."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["weights", *map(str, arguments)])
    told = [line for line in capsys.readouterr().err.strip().splitlines() if not line.startswith("Checking")]
    assert ended.value.code == cli.THEIRS
    assert len(told) == 1
    return told[0]


def test_the_list_says_what_each_adds_and_under_which_licence(capsys, home):
    listed = said(capsys, "list")
    for name, network in REGISTRY.items():
        assert f"{name}: {network.title}, not on this machine" in listed
        assert network.adds in listed
        assert f"{network.licence}. {network.terms}" in listed
    assert str(home / "weights") in listed


@pytest.mark.parametrize("copy", [False, True])
def test_an_imported_folder_is_found_without_its_path(capsys, home, liveportrait, copy):
    (liveportrait / "notes.pth").write_bytes(pickle.dumps([1, 2], protocol=2))
    told = said(capsys, "import", liveportrait, *(["--copy"] if copy else []))
    assert told.count("Imported LivePortrait") == 5
    assert "Passed over: " in told
    parts = find_parts("liveportrait")
    assert parts.keys() == REGISTRY["liveportrait"].files.keys()
    assert parts["motion_extractor"].name == "my motion_extractor.safetensors"
    assert all(path.is_relative_to(home) == copy for path in parts.values())
    assert find("gfpgan") is None
    assert f"liveportrait: LivePortrait, in {parts['motion_extractor'].parent}" in said(capsys, "list")
    assert said(capsys, "verify", "liveportrait").count("finite") == 5


def test_a_network_of_several_files_needs_all_of_them(capsys, home, liveportrait):
    said(capsys, "import", liveportrait / "my motion_extractor.safetensors")
    assert find_parts("liveportrait") is None
    assert "incomplete: appearance_feature_extractor, warping_module" in said(capsys, "list")
    (liveportrait / "my motion_extractor.safetensors").unlink()
    assert "liveportrait: LivePortrait, not on this machine" in said(capsys, "list")


def test_what_is_no_network_is_not_imported(capsys, home, tmp_path):
    (tmp_path / "bad.pth").write_bytes(b"<html>")
    assert "no file of weights" in refused(capsys, "import", tmp_path / "bad.pth")
    (tmp_path / "empty").mkdir()
    assert "has no file of weights" in refused(capsys, "import", tmp_path / "empty")
    assert "nothing at" in refused(capsys, "import", tmp_path / "gone.pth")
    assert not (home / "weights.json").exists()


def test_names_are_checked(capsys, home):
    assert "no weights called 'gan'" in refused(capsys, "verify", "gan")
    assert "no weights called 'gan'" in refused(capsys, "fetch", "gan")
    assert "gfpgan is not on this machine: `semblance weights fetch gfpgan`" in refused(capsys, "verify", "gfpgan")
    assert "There are no weights" in said(capsys, "verify")


def test_fetching_brings_every_file_into_the_home(capsys, home, monkeypatch):
    asked = []

    def fetch(file, folder, listener):
        asked.append(file.names[0])
        return folder / file.names[0]

    monkeypatch.setattr(fetching, "fetch", fetch)
    told = said(capsys, "fetch", "liveportrait")
    assert asked == [file.names[0] for file in REGISTRY["liveportrait"].files.values()]
    assert told.startswith("LivePortrait, MIT, 522 MB. Free to use")
    assert f"Fetched {home / 'weights' / 'motion_extractor.pth'}." in told


@pytest.mark.parametrize("name", ["face-vid2vid", "arcface", "rvm", "face-parsing", "inception"])
def test_what_is_not_fetched_is_said_with_its_licence(capsys, home, name):
    told = refused(capsys, "fetch", name)
    assert told.startswith(f"Semblance does not fetch {REGISTRY[name].title}")
    assert f"({REGISTRY[name].licence})" in told
    assert "semblance weights import" in told


def test_weights_in_known_places_are_found_by_their_names(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_WEIGHTS", str(tmp_path / "own"))
    assert find("gfpgan") is None
    for folder in weights.folders()[::-1]:
        folder.mkdir(parents=True)
        (folder / "GFPGANv1.4.pth").touch()
        assert find("gfpgan") == folder / "GFPGANv1.4.pth"


def test_the_readmes_table_is_the_registrys():
    assert readme_table() in (ROOT / "README.md").read_text(encoding="utf-8"), f"put this in:\n{readme_table()}"
