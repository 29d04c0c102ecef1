# SPDX-License-Identifier: GPL-3.0-or-later
"""Interlaced footage has no combs, whether it says that it is interlaced or not; other footage is left as it is."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.tests.makers.footage import portrait
from semblance.tracking.media.fields import filtered
from semblance.tracking.media.footage import INTERLACED, Footage

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 12
SPEED = 3
"""Pixels from one field to the next."""


def moving(moment: int) -> np.ndarray:
    return portrait(SPEED * moment)


def woven(number: int, lower_first: bool) -> np.ndarray:
    """The lines of two moments in turn."""
    picture = moving(2 * number + lower_first).copy()
    picture[1::2] = moving(2 * number + (not lower_first))[1::2]
    return picture


def write(path: Path, *, interlaced: bool, said: bool, lower_first: bool = False) -> Path:
    order = ("bff" if lower_first else "tff") if said else "prog"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"crf": "8", "x264-params": f"interlaced={int(said)}"}
        )
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for number in range(COUNT):
            picture = woven(number, lower_first) if interlaced else moving(2 * number)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            for each in filtered([frame], [("setfield", order)]):
                container.mux(stream.encode(each))
        container.mux(stream.encode(None))
    return path


def combs(image: np.ndarray) -> float:
    """How much lines differ from both of their neighbours, more than the neighbours but one do."""
    grey = image.astype(float).mean(2)
    return float(np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean())


@pytest.mark.parametrize("said", [True, False], ids=["said", "unsaid"])
@pytest.mark.parametrize("lower_first", [False, True], ids=["upper first", "lower first"])
def test_combs_are_gone(tmp_path: Path, said: bool, lower_first: bool) -> None:
    footage = Footage.open(write(tmp_path / "woven.mp4", interlaced=True, said=said, lower_first=lower_first))
    frames = list(footage)
    assert footage.notes == (INTERLACED,)
    assert [frame.time for frame in frames] == pytest.approx(np.arange(COUNT) / 25, abs=0.002)
    for number, frame in enumerate(frames[1:-1], 1):
        assert combs(woven(number, lower_first)) > 2 * combs(moving(2 * number)), "or the test shows nothing"
        assert combs(frame.image) < 1.3 * combs(moving(2 * number))
        first, second = (np.abs(frame.image.astype(float) - moving(2 * number + n)).mean() for n in (0, 1))
        assert first < second, "the moment of the first field"


def test_a_whole_picture_keeps_its_lines(tmp_path: Path) -> None:
    footage = Footage.open(write(tmp_path / "whole.mp4", interlaced=False, said=False))
    assert footage.notes == ()
    assert footage.fields == ""
    for number, frame in enumerate(footage):
        assert combs(frame.image) > 0.85 * combs(moving(2 * number))


def test_fields_that_come_only_later(tmp_path: Path) -> None:
    """A whole recording, then an interlaced one: the note comes with the first picture of fields."""
    whole = write(tmp_path / "whole.ts", interlaced=False, said=False)
    fields = write(tmp_path / "fields.ts", interlaced=True, said=True)
    path = tmp_path / "joined.ts"
    path.write_bytes(whole.read_bytes() * 3 + fields.read_bytes())
    frames = list(Footage.open(path))
    assert len(frames) == 4 * COUNT
    assert any(INTERLACED in frame.note for frame in frames)
    for number, frame in enumerate(frames[3 * COUNT + 1 : -1], 1):
        assert combs(frame.image) < 1.3 * combs(moving(2 * number))
