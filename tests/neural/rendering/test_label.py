# SPDX-License-Identifier: GPL-3.0-or-later
"""A label can be read over any picture, in the corner and size that were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.neural.rendering.label import Label, labelling


def drawn(colour: int, label: Label, shape=(200, 320, 3)) -> np.ndarray:
    """The label on a picture of one colour, opaque."""
    picture = np.full(shape, colour, np.uint8)
    picture[..., 3:] = 255
    out = labelling(label)(picture)
    assert out.shape == picture.shape
    assert np.array_equal(picture[..., :3], np.full((*shape[:2], 3), colour, np.uint8))
    return out


@pytest.mark.parametrize("corner", ["bottom-left", "bottom-right", "top-left", "top-right"])
def test_it_stands_in_its_corner_and_nowhere_else(corner):
    changed = (drawn(128, Label("synthetic", corner, 0.08)) != 128).any(-1)
    rows, columns = np.nonzero(changed)
    assert ((rows < 60) if corner.startswith("top") else (rows > 140)).all()
    assert ((columns < 200) if corner.endswith("left") else (columns > 120)).all()
    assert changed.mean() > 0.01


@pytest.mark.parametrize("colour", [0, 255])
def test_it_is_read_over_black_and_over_white(colour):
    out = drawn(colour, Label("synthetic", size=0.1))
    box = out[(out != colour).any(-1)] if colour else out[150:, :160].reshape(-1, 3)
    assert int(box.max()) - int(box.min()) > 130


def test_it_grows_with_its_size():
    areas = [(drawn(128, Label("AI", size=size)) != 128).any(-1).sum() for size in (0.05, 0.1, 0.2)]
    assert 3 < areas[1] / areas[0] < 5
    assert 3 < areas[2] / areas[1] < 5


def test_a_transparent_picture_gets_an_opaque_label():
    out = labelling(Label("synthetic", size=0.1))(np.zeros((200, 320, 4), np.uint8))
    assert out[..., 3].max() == 255
    assert out[out[..., 3] == 255][:, :3].min() > 240
    assert out[0, 0, 3] == 0


def test_long_words_shrink_to_fit_and_small_pictures_do_not_break():
    out = drawn(128, Label("made by a neural network from a video", size=0.2))
    columns = np.nonzero((out != 128).any((0, 2)))[0]
    assert columns.max() - columns.min() > 200
    drawn(128, Label("synthetic", size=0.2), (8, 8, 3))


@pytest.mark.parametrize("text", ["synthétique", "синтетическое", "συνθετικό", "synthetisch – KI"])
def test_it_speaks_languages(text):
    drawn(128, Label(text), (512, 512, 4))


def test_letters_that_the_font_lacks_are_refused():
    with pytest.raises(UserError, match="合"):
        labelling(Label("合成"))
    picture = np.zeros((8, 8, 3), np.uint8)
    assert labelling(None)(picture) is picture
