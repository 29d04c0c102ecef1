# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be chosen: the lists that artists see are whole, and fit what the engine really has."""

from __future__ import annotations

from typing import get_args

from semblance.neural.styleavatar.training import presets
from semblance.protocol.choices import MATTINGS, PRESETS, LayoutName, MattingName, PresetName
from semblance.tracking.datasets.dataset import Layout


def test_every_name_has_its_description_and_no_other():
    assert tuple(PRESETS) == get_args(PresetName)
    assert tuple(MATTINGS) == get_args(MattingName)
    assert all(each.title and each.description for each in (*PRESETS.values(), *MATTINGS.values()))


def test_presets_are_those_that_train():
    trained = {name: preset.network.resolution for name, preset in presets.PRESETS.items()}
    assert {name: preset.size for name, preset in PRESETS.items()} == trained


def test_layouts_are_those_that_datasets_have():
    assert get_args(LayoutName) == tuple(Layout)
