# SPDX-License-Identifier: GPL-3.0-or-later
"""EGL is asked for on Linux only; where OpenGL cannot be opened, the sentence fits the system."""

from __future__ import annotations

import pytest
from semblance.common.errors import UserError
from semblance.tracking.datasets import rasteriser


@pytest.mark.parametrize(
    ("system", "backend", "words"),
    [("linux", "egl", "apt install"), ("win32", None, "driver from its maker"), ("darwin", None, "at the Mac itself")],
)
def test_how_opengl_is_opened(monkeypatch, system, backend, words):
    asked = []

    def refuse(**settings):
        asked.append(settings)
        raise ValueError("no display")

    monkeypatch.setattr(rasteriser.sys, "platform", system)
    monkeypatch.setattr(rasteriser.moderngl, "create_context", refuse)
    with pytest.raises(UserError, match=rf"{words}.*no display"):
        rasteriser.create_context()
    assert asked[0].get("backend") == backend
