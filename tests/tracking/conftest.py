# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head, and files of foreign heads made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from semblance.tests.makers import heads
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.faceverse import load_faceverse_v3
from semblance.tracking.heads.faceverse_v4 import load_faceverse_v4

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from semblance.tracking.heads.head import MorphableHead


@pytest.fixture(scope="session")
def head() -> MorphableHead:
    """The built-in head."""
    return load_builtin()


@pytest.fixture(scope="session")
def faceverse_v4_model() -> dict[str, Any]:
    """What is in a made-up FaceVerse v4 file."""
    return heads.faceverse_v4_model()


@pytest.fixture(scope="session")
def faceverse_v2_model() -> dict[str, Any]:
    """What is in a made-up FaceVerse v2 file."""
    return heads.faceverse_v2_model()


@pytest.fixture(scope="session")
def flame_model() -> dict[str, Any]:
    """What is in a made-up FLAME file."""
    return heads.flame_model()


@pytest.fixture(scope="session")
def save_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that writes a model as FaceVerse's are and returns its path."""
    return lambda model, name="model.npy": heads.save_model(tmp_path_factory.mktemp("model") / name, model)


@pytest.fixture(scope="session")
def save_flame(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that pickles a model as FLAME's are, with chumpy's arrays, and returns its path."""
    return lambda model, protocol=2: heads.save_flame(
        tmp_path_factory.mktemp("flame") / "generic_model.pkl", model, protocol
    )


@pytest.fixture(scope="session")
def v4_head(faceverse_v4_model: dict[str, Any], save_model: Callable[..., Path]) -> MorphableHead:
    """The made-up FaceVerse v4 head, loaded."""
    return load_faceverse_v4(save_model(faceverse_v4_model))


@pytest.fixture(scope="session")
def faceverse_like(faceverse_like_file: Path) -> MorphableHead:
    """The test head of the shared media, loaded."""
    return load_faceverse_v3(faceverse_like_file)
