# SPDX-License-Identifier: GPL-3.0-or-later
"""The home folder on every system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from semblance.common.home import HOME_VARIABLE, Home, data_folder, default_home, default_home_set

USER = Path("/users/ann")


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {}, "/users/ann/.local/share/semblance"),
        ("linux", {"XDG_DATA_HOME": ""}, "/users/ann/.local/share/semblance"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/semblance"),
        ("darwin", {}, "/users/ann/Library/Application Support/Semblance"),
        ("win32", {}, "/users/ann/AppData/Local/Semblance"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Semblance"),
    ],
)
def test_where_each_system_keeps_data(system: str, environment: dict[str, str], folder: str) -> None:
    assert data_folder(system, environment, USER) == Path(folder)


def test_the_variable_comes_before_the_extensions_folder_and_this_before_the_systems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, "/mine")
    assert default_home("/extension") == Path("/mine")
    monkeypatch.setenv(HOME_VARIABLE, "")
    assert default_home("/extension") == Path("/extension")
    assert default_home().name.lower() == "semblance"


@pytest.mark.parametrize(
    ("system", "module", "name", "app"),
    [("linux", "unix", "Unix", "semblance"), ("darwin", "macos", "MacOS", "Semblance")],
)
def test_other_programs_use_the_same_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, module: str, name: str, app: str
) -> None:
    directories = pytest.importorskip(f"platformdirs.{module}")  # its Windows part runs on Windows only
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    theirs = getattr(directories, name)(app, appauthor=False).user_data_dir
    assert Path(theirs) == data_folder(system, os.environ, tmp_path)


def test_a_named_home_is_the_default_one_for_a_while(tmp_path, monkeypatch):
    monkeypatch.delenv("SEMBLANCE_HOME", raising=False)
    with default_home_set(Home(tmp_path)):
        assert default_home() == tmp_path
    assert "SEMBLANCE_HOME" not in os.environ
    monkeypatch.setenv("SEMBLANCE_HOME", "/elsewhere")
    with default_home_set(Home(tmp_path)):
        assert default_home() == tmp_path
    assert os.environ["SEMBLANCE_HOME"] == "/elsewhere"
