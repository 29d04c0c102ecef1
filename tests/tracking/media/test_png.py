# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures come back from PNG as they were, in other people's readers."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from semblance.tracking.media.png import png

sides = st.integers(1, 20)


@settings(max_examples=60)
@given(
    st.integers(1, 20), st.integers(1, 20), st.booleans(), st.sampled_from([np.uint8, np.uint16]), st.integers(0, 99)
)
def test_opencv_reads_what_was_written(height, width, colour, kind, seed):
    shape = (height, width, 3) if colour else (height, width)
    picture = np.random.default_rng(seed).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)
    read = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read[..., ::-1] if colour else read, picture)
    assert read.dtype == kind


def test_pillow_reads_it_too():
    picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_part_of_a_picture_needs_no_copy_first(kind):
    whole = np.arange(8 * 9, dtype=kind).reshape(8, 9)
    read = cv2.imdecode(np.frombuffer(png(whole[2:6, 1::2]), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, whole[2:6, 1::2])


def test_a_matte_is_small():
    matte = np.zeros((768, 768), np.uint8)
    matte[200:, 150:600] = 255
    assert len(png(matte)) < 12_000
