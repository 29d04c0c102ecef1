# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures and settings for every test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

# A busy machine is no failure; in CI the examples are the same each time; nothing is kept in the tree.
hypothesis.settings.register_profile(
    "semblance",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    database=None,
)
hypothesis.settings.load_profile("semblance")

# Who starts the tests under nohup, or in the background of a shell, has them ignore signals, and what they start, too.
# They send such signals themselves. With a handler the run still survives the terminal.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", lambda *_: None)):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), handler)


def python_of(name: str, folder: str, purpose: str) -> Path:
    """The Python that `SEMBLANCE_<name>_PYTHON` names, else the one in `.venv/<folder>`; without one, tests skip."""
    variable = f"SEMBLANCE_{name}_PYTHON"
    scripts = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    python = Path(os.environ.get(variable) or ROOT / ".venv" / folder / scripts)
    if not python.is_file():
        pytest.skip(f"needs {purpose}: set {variable} (looked at {python})")
    return python


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """A Python that can run the engine."""
    return python_of("ENGINE", "engine", "the engine's Python")


@pytest.fixture(scope="session")
def blender_python() -> Path:
    """A Python that can import bpy."""
    return python_of("BLENDER", "blender", "Blender as a Python module")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real media; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SEMBLANCE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs real media: set SEMBLANCE_SHARED (looked at {folder})")
    return folder


@pytest.fixture(scope="session")
def faceverse_like_file(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The test head of the shared media as a FaceVerse v3 file, expanded by the tool that lies beside it."""
    tool = shared / "tools" / "make_faceverse_like.py"
    if not tool.is_file() or not (shared / "media" / "faceverse_v3_like.npz").is_file():
        pytest.skip("needs the FaceVerse-like head of the shared media")
    path = tmp_path_factory.mktemp("faceverse") / "faceverse_v3_like.npy"
    subprocess.run([sys.executable, tool, "--output", path], check=True, capture_output=True)
    yield path
    path.unlink()
