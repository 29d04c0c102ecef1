# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks tell when they are done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from semblance.engine.commands.shared import run
from semblance.engine.jobs import tasks
from semblance.protocol.jobs import JobKind, Photo
from semblance.tests.makers.datasets import moving_disc
from semblance.tracking.datasets.dataset import Dataset

if TYPE_CHECKING:
    from pathlib import Path

FEW_PIXELS = "The face in me.jpg is only 60 pixels wide, so the avatar will be blurred."


@pytest.mark.parametrize("notes", [[], [FEW_PIXELS, "It is a drawing."]])
def test_what_is_to_be_said_of_a_photo_is_told_when_the_job_is_done(tmp_path: Path, monkeypatch, capsys, notes) -> None:
    """As a line of progress it flashed by, or was never printed."""
    dataset = Dataset.open(moving_disc(tmp_path / "set"))
    performance = dataset.performance()
    extra = {**performance.extra, "notes": notes} if notes else performance.extra
    replace(performance, extra=extra).save(dataset.performance_file)
    photo = tmp_path / "me.jpg"
    photo.write_bytes(b"a photo")
    job = Photo(photo=str(photo), dataset=str(dataset.folder))
    monkeypatch.setitem(
        tasks.TASKS, JobKind.PHOTO, lambda _job, _listener: tasks.finished(dataset, job, job.photo, {"coarse": "warp"})
    )
    run(Photo, tmp_path / "home", {"photo": str(photo), "dataset": str(dataset.folder)})
    lines = capsys.readouterr().out.splitlines()
    assert "coarse: warp" in lines
    assert [line for line in lines if line.startswith("notes: ")] == [f"notes: {' '.join(notes)}"] * bool(notes)
