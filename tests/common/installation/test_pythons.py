# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python, or uv, an environment is made with."""

from __future__ import annotations

import sys

import pytest
from semblance.common.errors import UserError
from semblance.common.installation import pythons
from semblance.common.installation.pythons import Maker, find_maker


@pytest.fixture
def machine(monkeypatch):
    """A machine with Pythons at these places, of these versions, and perhaps uv."""

    def have(there: dict[str, str], uv: str | None = None) -> None:
        monkeypatch.setattr(pythons, "candidates", lambda versions: iter(there))
        monkeypatch.setattr(pythons, "version_of", lambda python: there[python])
        monkeypatch.setattr("shutil.which", lambda name: uv if name == "uv" else None)
        monkeypatch.setattr(pythons, "uv_of_our_own", lambda folder: None)

    return have


def test_the_best_version_that_there_is(machine, tmp_path):
    machine({"/usr/bin/python3": "3.13", "/a/python3.12": "3.12", "/b/python3.11": "3.11"})
    assert find_maker(["3.11", "3.12"], tmp_path / "uv") == Maker(python="/b/python3.11", version="3.11")
    machine({"/usr/bin/python3": "3.13", "/a/python3.12": "3.12"})
    assert find_maker(["3.11", "3.12"], tmp_path / "uv").python == "/a/python3.12"


def test_without_a_python_or_uv_it_says_how_to_get_one(machine, tmp_path):
    machine({"/usr/bin/python3": "3.13", "/usr/bin/python3.10": "3.10", "/broken": ""})
    with pytest.raises(UserError, match=r"needs Python 3\.11 or 3\.12.*uv"):
        find_maker(["3.11", "3.12"], tmp_path / "uv")


def test_uv_brings_a_python_where_only_another_is_installed(machine, tmp_path):
    machine({"/usr/bin/python3": "3.13"}, uv="/usr/bin/uv")
    maker = find_maker(["3.11", "3.12"], tmp_path / "uv")
    assert maker.command(tmp_path)[:-1] == ["/usr/bin/uv", "venv", "--seed", "--python", "3.11"]


def test_an_environment_of_its_own_that_is_active_is_not_what_makes_the_next(machine, tmp_path):
    machine({str(tmp_path / "engine" / "bin" / "python3"): "3.11", "/b/python3.11": "3.11"})
    assert find_maker(["3.11"], tmp_path / "uv").python == "/b/python3.11"


def test_a_python_that_makes_none_is_quoted(monkeypatch, tmp_path):
    monkeypatch.setattr(pythons, "find_maker", lambda *_: Maker(python=sys.executable, version="3.11"))
    monkeypatch.setattr(Maker, "command", lambda self, folder: [sys.executable, "-c", "exit('no ensurepip')"])
    with pytest.raises(UserError, match=r"no ensurepip\); install the package python3\.11-venv"):
        pythons.make_environment(tmp_path / "new", ["3.11"], tmp_path / "uv")


def test_an_environment_that_does_not_run_does_not_work(tmp_path):
    assert not pythons.works(tmp_path, ["3.11"])
    python = pythons.interpreter(tmp_path)
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert not pythons.works(tmp_path, ["3.11"])
