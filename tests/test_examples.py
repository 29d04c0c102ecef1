# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in docstrings do what they show."""

import doctest
import importlib

import pytest

MODULES = (
    "common.clock",
    "common.words",
    "neural.evaluation.figures",
    "neural.evaluation.metrics",
    "neural.evaluation.tables",
    "neural.pretrained.registry",
    "neural.wavelets",
    "protocol.arrays",
    "protocol.look",
    "tracking.datasets.split",
    "tracking.datasets.writer",
    "tracking.heads.builtin",
    "tracking.heads.camera",
    "tracking.heads.head",
    "tracking.heads.rotations",
    "tracking.media.crop",
    "tracking.performances.captures.timecode",
    "tracking.performances.resampling",
    "tracking.solving.one_euro",
    "tracking.solving.solver",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name):
    result = doctest.testmod(importlib.import_module(f"semblance.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
