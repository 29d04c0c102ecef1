# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements on the pretended GPU, each in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from semblance.tests.cuda_on_cpu.pretence import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

SUPPORTED = "2.13."
"""PyTorch's releases whose device guards look as `guard.cpp` says."""


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], dict[str, Any]]:
    """`(what, preset)` to what `measure` counted, by name."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++, to compile a GPU that does nothing")
    refuse_other_pytorch()
    library = tmp_path_factory.mktemp("cuda") / "guard.so"
    compiled(compiler, library)

    @cache
    def measure(what: str, preset: str) -> dict[str, Any]:
        command = [sys.executable, "-W", "ignore", "-m", "semblance.tests.cuda_on_cpu.measure"]
        done = subprocess.run(
            [*command, str(library), what, preset], capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return measure


def refuse_other_pytorch() -> None:
    """Skip where PyTorch is another release, or has a GPU of its own."""
    import torch

    if not torch.__version__.startswith(SUPPORTED) or torch.version.cuda is not None:
        pytest.skip(f"needs the CPU build of PyTorch {SUPPORTED}x, not {torch.__version__}")
