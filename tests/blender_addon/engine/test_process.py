# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process from Blender's side: finding it, starting it, setting it up."""

from __future__ import annotations

import pytest
from semblance.blender_addon.engine import process
from semblance.blender_addon.engine.jobs import Bar, run_to_end, setting_up
from semblance.blender_addon.engine.link import connect
from semblance.blender_addon.engine.process import EnginePlace, last_line, setup_progress, why_no_engine
from semblance.common.errors import UserError
from semblance.common.processes import is_alive


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


def test_what_setting_up_shows():
    assert setup_progress("") == (0.0, "Preparing")
    assert setup_progress("1/4 Installing PyTorch\nDownloading 3/7\n2/4 Installing MediaPipe\n  x") == (
        0.25,
        "Installing MediaPipe",
    )


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """Give the extension a `run.py` of this text."""

    def write(text: str) -> EnginePlace:
        (tmp_path / "run.py").write_text("import sys, time\n" + text)
        monkeypatch.setattr(process, "EXTENSION", tmp_path)
        return EnginePlace(tmp_path / "home")

    return write


def test_setting_up_shows_its_steps(installer, tmp_path):
    place = installer(f"""
import pathlib
assert sys.argv[1:3] == ['engine', '--into']
print('2/4 Installing PyTorch', flush=True)
for _ in range(30_000):
    if pathlib.Path({str(tmp_path / "seen")!r}).exists():
        break
    time.sleep(0.01)
""")
    bars: list[Bar] = []

    def show(bar: Bar) -> None:
        bars.append(bar)
        if "PyTorch" in bar.text:
            (tmp_path / "seen").touch()

    run_to_end(setting_up(place), show, pause=0.02)
    assert Bar("Setting up the engine: Installing PyTorch", 0.25) in bars


def test_setting_up_that_fails_says_why_and_keeps_the_log(installer):
    place = installer("sys.exit('The disk is full.')")
    with pytest.raises(UserError, match=r"The disk is full.*setup\.log"):
        run_to_end(setting_up(place), pause=0.02)
    assert "full" in place.setup_log.read_text()
    assert place.interpreter() is None


def test_setting_up_can_be_cancelled(installer):
    place = installer("import os\nprint(f'1/1 {os.getpid()}', flush=True)\ntime.sleep(60)")
    task = setting_up(place)
    while not (number := next(task).text.rpartition(" ")[2]).isdecimal():
        pass
    task.close()
    assert not is_alive(int(number)), "the installer goes on, or is a zombie"


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
