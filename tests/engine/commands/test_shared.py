# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command prints when its job is done."""

from __future__ import annotations

from semblance.engine.commands.shared import run
from semblance.engine.jobs import tasks
from semblance.protocol.jobs import JobKind, Measure


def test_rows_of_numbers_are_not_printed(tmp_path, monkeypatch, capsys):
    made = {"avatar": "mine.safetensors", "time_code": 0.5, "light": ((1.0, 1.0, 1.0),) * 144}
    monkeypatch.setitem(tasks.TASKS, JobKind.MEASURE, lambda _job, _listener: made)
    run(Measure, tmp_path, {})
    assert capsys.readouterr().out.splitlines() == ["avatar: mine.safetensors", "time_code: 0.5"]
