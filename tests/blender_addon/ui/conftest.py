# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the live session begin with."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tests.makers.engines import python_of_this_tree
from semblance.tests.makers.footage import tone
from semblance.tests.makers.performances import moving
from semblance.tracking.heads.builtin import load_builtin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def live_arguments(tmp_path: Path) -> tuple[Path, Path]:
    """A take of ten frames, and a file that sounds for four seconds."""
    moving(10, head=load_builtin(), fps=25.0).save(tmp_path / "take.npz")
    with wave.open(str(tmp_path / "clip.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes((np.ravel(tone(4.0))[: 4 * 48_000] * 20000).astype("<i2").tobytes())
    (tmp_path / "clip.wav").rename(tmp_path / "clip.mp4")  # by its name a video; its sound is all that is looked at
    return tmp_path / "take.npz", tmp_path / "clip.mp4"


@pytest.fixture
def live_environment(tmp_path: Path, engine_python: Path) -> dict[str, str]:
    python = python_of_this_tree(tmp_path, engine_python)
    return {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": str(python)}
