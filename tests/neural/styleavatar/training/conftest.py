# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of training train: a narrow network, on a disc that moves to and fro."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from semblance.neural.styleavatar.training import presets
from semblance.tests.makers.datasets import moving_disc
from semblance.tests.makers.networks import narrow_preview, one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disc with a face's colours that moves to and fro over stripes."""
    return moving_disc(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    """On one thread."""
    with one_thread():
        yield


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> presets.Preset:
    """The preview preset, so narrow that a step takes a fraction of a second."""
    narrow = narrow_preview()
    monkeypatch.setitem(presets.PRESETS, "preview", narrow)
    return narrow
