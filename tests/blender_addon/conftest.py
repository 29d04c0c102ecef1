# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender for the tests: a Python with the `bpy` wheel, always in a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent.parent
PREAMBLE = """\
import sys
sys.path.insert(0, {packages!r})
sys.argv = ["blender", *{arguments!r}]
"""
EPILOGUE = """
import os
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)  # a registered render engine may crash or hang Blender's own exit
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to put on `sys.path`, in which the repository's root is the package `semblance`."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "semblance").symlink_to(ROOT, target_is_directory=True)
    return folder


@pytest.fixture
def run_blender(blender_python: Path, packages: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a script in Blender: `run_blender(text, *arguments)` returns what it printed.

    The script finds `semblance` to import and its arguments in `sys.argv[1:]`; when it raises, the test fails with
    the traceback. Preferences and the user's folders are fresh.
    """

    def run(script: str, *arguments: object, environment: dict[str, str] | None = None) -> str:
        path = tmp_path / "script.py"
        given = [str(argument) for argument in arguments]
        path.write_text(PREAMBLE.format(packages=str(packages), arguments=given) + script + EPILOGUE, encoding="utf-8")
        fresh = {"BLENDER_USER_RESOURCES": str(tmp_path / "blender"), "PYTHONDONTWRITEBYTECODE": "1"}
        finished = subprocess.run(
            [blender_python, path],
            capture_output=True,
            text=True,
            timeout=900,
            cwd=tmp_path,
            env={**os.environ, **fresh, **(environment or {})},
        )
        assert finished.returncode == 0, (
            f"Blender ended with {finished.returncode}:\n{finished.stdout}{finished.stderr}"
        )
        return finished.stdout

    return run
