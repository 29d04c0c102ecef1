# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process from Blender's side: finding it, starting it."""

from __future__ import annotations

import pytest
from semblance.blender_addon.engine.link import connect
from semblance.blender_addon.engine.process import EnginePlace, last_line, why_no_engine
from semblance.common.errors import UserError


def test_no_engine_is_set_up(tmp_path):
    assert "Set Up Engine" in why_no_engine(EnginePlace(tmp_path))
    with pytest.raises(UserError, match="Set Up Engine"):
        run_to_end_of(connect(EnginePlace(tmp_path)))


def test_an_engine_that_cannot_start_names_its_log(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho No module named semblance >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(UserError, match=r"No module named semblance.*engine\.log"):
        run_to_end_of(connect(EnginePlace(tmp_path / "home", python)))


def test_a_python_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no Python at"):
        run_to_end_of(connect(EnginePlace(tmp_path, tmp_path / "nothing")))


def test_a_remote_engine_is_not_asked_where_blender_may_not_go_online(tmp_path):
    away = EnginePlace(tmp_path, url="https://192.168.1.20:8765", online=False)
    assert "Allow Online Access" in why_no_engine(away)
    with pytest.raises(UserError, match="Allow Online Access"):
        run_to_end_of(connect(away))
    assert not why_no_engine(EnginePlace(tmp_path, url="http://127.0.0.1:8765", online=False))
    assert not why_no_engine(EnginePlace(tmp_path, url="https://192.168.1.20:8765"))


def test_the_last_line_of_a_log(tmp_path):
    (tmp_path / "log").write_text("first\nOut of space.\n\n")
    assert last_line(tmp_path / "log") == "Out of space"
    assert last_line(tmp_path / "none") == "it said nothing"


def run_to_end_of(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
