# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a dataset are read in one way, and refused in one sentence where they are damaged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tracking.datasets.pictures import central_window, read_map, read_picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_maps_of_either_depth_are_the_same(tmp_path, dtype):
    white = np.iinfo(dtype).max
    picture = np.zeros((4, 4, 3), dtype)
    picture[1, 2] = (white, white // 2, 0)
    cv2.imwrite(str(tmp_path / "map.png"), picture[..., ::-1])
    read = read_map(tmp_path / "map.png")
    assert read.dtype == np.float32
    assert read[1, 2].tolist() == pytest.approx([1, 0.5, 0], abs=0.01)


def test_a_damaged_picture_is_refused(tmp_path):
    (tmp_path / "000001.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"000001\.png is missing or damaged"):
        read_picture(tmp_path / "000001.png", cv2.IMREAD_COLOR)


@pytest.mark.parametrize("side", [256, 512, 1024, 20])
def test_the_central_window_is_what_its_name_says(side):
    enlarged = np.zeros((round(1.5 * side), round(1.5 * side)), np.uint8)
    border = side // 4
    enlarged[border:-border, border:-border] = 1
    window = central_window(enlarged)
    assert window.shape == (side, side)
    assert window.all()
