# SPDX-License-Identifier: GPL-3.0-or-later
"""run.py says how to mend what is missing; what it locks and packs is whole. Its environments: `test_set_up.py`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from semblance.common.installation.shipped import ENGINE_ROOMS, copy_engine

ROOT = Path(__file__).resolve().parent.parent


def locked(name: str) -> dict[str, str]:
    """Library to version, of a lock; of a library locked twice (for two Pythons) the older version."""
    text = (ROOT / "requirements" / name).read_text()
    lines = [line.split(" ")[0].split("==") for line in text.splitlines() if line and line[0] not in " #"]
    return dict(reversed([(library, version) for library, version in lines]))


@pytest.mark.parametrize("name", ["engine.txt", "dev.txt", "blender.txt"])
def test_a_lock_has_hashes_and_names_no_server(name):
    text = (ROOT / "requirements" / name).read_text()
    assert text.count("--hash=sha256:") >= len(locked(name))
    assert "://" not in text
    assert "index-url" not in text


def test_the_locks_fit_what_the_project_asks_for():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = {**locked("blender.txt"), **locked("dev.txt"), **locked("engine.txt")}
    project = settings["project"]
    asked = [
        *project["dependencies"],
        *project["optional-dependencies"]["dev"],
        *settings["dependency-groups"]["blender"],
    ]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name != "torch":
            assert versions[name] in requirement.specifier, f"run `python3 run.py lock`: {requirement}"
    engine, tools = locked("engine.txt"), locked("dev.txt")
    both = engine.keys() & tools.keys()
    assert {name: engine[name] for name in both} == {name: tools[name] for name in both}


def test_the_wheel_has_every_room_of_the_engine_and_nothing_else(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    copy_engine(ROOT, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("semblance-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for room in ENGINE_ROOMS for path in (ROOT / room).rglob("*.*") if path.suffix != ".pyc"]
    there = {Path("__init__.py"), Path("py.typed"), *(path.relative_to(ROOT) for path in files)}
    assert packed == {f"semblance/{path.as_posix()}" for path in there}


@pytest.mark.parametrize(("words", "code"), [([], 0), (["help"], 0), (["dance"], 2), (["engine"], 2)])
def test_the_command_line_explains_itself(words, code):
    result = subprocess.run([sys.executable, ROOT / "run.py", *words], capture_output=True, text=True, check=False)
    assert result.returncode == code
    assert "run.py" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
