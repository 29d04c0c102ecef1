# SPDX-License-Identifier: GPL-3.0-or-later
"""A look says once how far its controls go, and refuses what lies beyond."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.protocol.look import CONTROLS, USUAL_LOOK, Look, read_looks


def test_every_field_has_a_control_that_allows_its_default():
    assert list(CONTROLS) == list(vars(USUAL_LOOK))
    for name, control in CONTROLS.items():
        value = getattr(USUAL_LOOK, name)
        assert value is None or np.size(value) == control.numbers
        assert control.label
        assert not control.help.endswith(".")
        assert "code" not in control.label.lower(), "an editor reads SMPTE's"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"foreground_offset": (32.5, 0)}, "Move Person is .* between -32 and 32"),
        ({"background_offset": (0, float("nan"))}, "Move Backdrop"),
        ({"time_code": float("inf")}, "Footage Moment is inf, which must be a number"),
    ],
)
def test_numbers_out_of_bounds_are_refused(values, sentence):
    with pytest.raises(UserError, match=sentence):
        Look(**values)


def test_a_look_takes_the_avatars_time_code_where_it_names_none():
    assert Look().settled(0.3) == Look(0.3)
    assert Look(0.1, (1, 2)).settled(0.3) == Look(0.1, (1, 2))


def test_one_value_for_all_frames_or_one_a_frame():
    arrays = {"time_code": np.array([0.25, 1.5], np.float16), "foreground_offset": np.array([2, -1])}
    assert read_looks(arrays, 2) == (Look(0.25, (2, -1)), Look(1.5, (2, -1)))
    assert read_looks({}, 3) == (USUAL_LOOK,) * 3
