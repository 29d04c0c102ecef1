# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real media; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SEMBLANCE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs real media: set SEMBLANCE_SHARED (looked at {folder})")
    return folder
