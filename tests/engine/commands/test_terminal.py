# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress as people read it."""

from __future__ import annotations

import io
import sys

from semblance.common.progress import Progress
from semblance.engine.commands import terminal


def test_without_a_terminal_a_stage_is_a_line(capsys):
    with terminal.shown() as listener:
        for step in range(100):
            listener(Progress("Tracking", step, 100, f"frame {step} of 100", 100 - step))
        listener(Progress("Drawing", 1, 2))
    assert capsys.readouterr().err.splitlines() == ["Tracking 0%, frame 0 of 100, 1 min 40 s left", "Drawing 50%"]


def test_on_a_terminal_every_stage_is_a_bar_with_the_time_left(monkeypatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with terminal.shown() as listener:
        listener(Progress("Tracking", 50, 100, "frame 50 of 100", 7))
        listener(Progress("Drawing", 1, 4, seconds_left=65))
    drawn = screen.getvalue()
    for words in ("Tracking", "50%", "7 s left", "frame 50 of 100", "Drawing", "25%", "1 min 05 s left"):
        assert words in drawn
