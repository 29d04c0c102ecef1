# SPDX-License-Identifier: GPL-3.0-or-later
"""Performance files come back as they were written, also those of version 1; damaged ones get one sentence."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.performances.performance import OVER_TIME, REGIONS, Crop, Performance

finite = st.floats(-10, 10, width=32)
share = st.floats(0, 1, width=32)


@st.composite
def performances(draw: st.DrawFn) -> Performance:
    frames = draw(st.integers(0, 6))
    return at_rest(
        frames,
        head=draw(st.text(max_size=8)),
        identity=draw(arrays(np.float32, draw(st.integers(0, 4)), elements=finite)),
        texture=draw(arrays(np.float32, 2, elements=finite)),
        expression=draw(arrays(np.float32, (frames, 52), elements=share)),
        translation=draw(arrays(np.float32, (frames, 3), elements=finite)),
        gaze=draw(arrays(np.float32, (frames, 2, 2), elements=finite)),
        confidence=draw(arrays(np.float32, frames, elements=share)),
        camera=PinholeCamera.default(draw(st.integers(16, 2048))),
        crop=draw(st.none() | st.builds(Crop, finite, finite, finite)),
        source=draw(st.text(max_size=8)),
        extra=draw(st.dictionaries(st.text(max_size=4), st.integers(), max_size=2)),
        region_confidence=draw(arrays(np.float32, (frames, len(REGIONS)), elements=share)),
    )


def same(one: Performance, other: Performance) -> bool:
    names = ("identity", "texture", *OVER_TIME)
    rest = ("head", "camera", "crop", "fps", "source", "extra")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names) and all(
        getattr(one, name) == getattr(other, name) for name in rest
    )


@given(performances())
def test_what_is_written_is_read(performance: Performance) -> None:
    with tempfile.TemporaryDirectory() as folder:
        performance.save(Path(folder) / "take.npz")
        assert same(Performance.load(Path(folder) / "take.npz"), performance)


@given(performances())
def test_files_of_version_1_trust_all_regions_as_the_frame(performance: Performance) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.npz"
        performance.save(path)
        rewrite(path, lambda parts, header: (parts.pop("region_confidence"), header.update(version=1)))
        found = Performance.load(path)
    assert same(found, replace(performance, region_confidence=found.region_confidence))
    assert (found.region_confidence == performance.confidence[:, None]).all()


def rewrite(path: Path, change) -> None:
    """Change the arrays and the header of a file."""
    with np.load(path) as file:
        parts = dict(file)
    header = json.loads(str(parts.pop("header")))
    change(parts, header)
    np.savez(path, header=np.array(json.dumps(header)), **parts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    at_rest(3, confidence=[1, 0.2, 0.6]).save(tmp_path / "take.npz")
    return tmp_path / "take.npz"


@pytest.mark.parametrize(
    "damage",
    [
        lambda parts, header: parts.pop("region_confidence"),
        lambda parts, header: parts.update(region_confidence=np.zeros((3, 2))),
        lambda parts, header: parts.update(confidence=np.zeros(4)),
        lambda parts, header: header.pop("version"),
        lambda parts, header: header.update(version="two"),
    ],
)
def test_a_damaged_file_is_refused(path: Path, damage) -> None:
    rewrite(path, damage)
    with pytest.raises(UserError, match="damaged"):
        Performance.load(path)


def test_a_newer_file_is_refused(path: Path) -> None:
    rewrite(path, lambda parts, header: header.update(version=99))
    with pytest.raises(UserError, match="newer Semblance"):
        Performance.load(path)


def test_frames_are_taken_with_their_regions(path: Path) -> None:
    performance = Performance.load(path)
    assert performance.trusted.tolist() == [True, False, True]
    lost = performance.lost_at(np.array([False, False, True])).at(np.array([0, 2]))
    assert lost.confidence.tolist() == [1, 0]
    assert lost.region_confidence.tolist() == [[1] * len(REGIONS), [0] * len(REGIONS)]
