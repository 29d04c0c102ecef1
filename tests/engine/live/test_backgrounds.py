# SPDX-License-Identifier: GPL-3.0-or-later
"""What is behind a live avatar, and the driver's picture in the corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.engine.live.backgrounds import background, with_driver, with_label
from semblance.engine.live.moving_background import Playing
from semblance.neural.rendering.label import Label
from semblance.tests.makers.footage import plain, write_video
from semblance.tests.makers.live import SIDE, FakeClock, StandInAvatar
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.video import write_png

if TYPE_CHECKING:
    from pathlib import Path

GREEN = [0, 177, 64]


def picture() -> np.ndarray:
    """The person's left half of 60, before a right half of 90."""
    rgba = np.full((SIDE, SIDE, 4), 60, np.uint8)
    rgba[..., 3] = 255
    rgba[:, SIDE // 2 :] = 90, 90, 90, 0
    return rgba


def laid(wanted: str, **avatar: Any) -> np.ndarray:
    return background(StandInAvatar(**avatar), wanted)(picture(), None)  # type: ignore[arg-type]


def sides(shown: np.ndarray) -> tuple[list[int], list[int]]:
    """The colours far to the left and far to the right."""
    return shown[SIDE // 2, 2].tolist(), shown[SIDE // 2, -3].tolist()


def test_the_avatars_own_or_its_clean_plate():
    plate = plain(220)
    assert sides(laid("avatar")) == ([60] * 3, [90] * 3)
    assert sides(laid("avatar", plate=plate)) == ([60] * 3, [220] * 3)
    assert sides(laid("own", plate=plate)) == ([60] * 3, [90] * 3)


def test_nothing_or_a_colour():
    left, right = sides(laid("transparent"))
    assert (left, right[3]) == ([60, 60, 60, 255], 0)
    assert sides(laid("#00B140")) == ([60] * 3, GREEN)
    assert sides(laid("#00b140", has_backdrop=False)) == ([60] * 3, GREEN)


def test_a_picture_fills_what_is_behind_and_is_cut_evenly(tmp_path):
    wide = np.zeros((50, 400, 3), np.uint8)
    wide[:, :150], wide[:, 150:250], wide[:, 250:] = (255, 0, 0), GREEN, (0, 0, 255)
    write_png(tmp_path / "wide.png", wide)
    shown = laid(str(tmp_path / "wide.png"))
    assert shown.shape == (SIDE, SIDE, 3)
    assert sides(shown) == ([60] * 3, GREEN)


@pytest.mark.parametrize("name", ["none.png", "#12345", "garbage.png", "empty.png"])
def test_what_is_no_background_is_one_sentence(tmp_path: Path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garbage.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    with pytest.raises(UserError, match=r"background .*(choose a PNG or JPEG|name avatar, own, transparent)"):
        laid(name)


@pytest.mark.parametrize("wanted", ["avatar", "transparent"])
def test_the_driver_is_shown_in_the_lower_left_corner(wanted):
    show = with_driver(background(StandInAvatar(), wanted))
    seen = plain(250, 90, 160)
    shown = show(picture(), seen)
    height, width, margin = SIDE // 4, round(SIDE / 4 * 160 / 90), round(SIDE / 40)
    white = np.argwhere(shown[..., 0] == 250)
    assert white.min(0).tolist() == [SIDE - margin - height, margin]
    assert white.max(0).tolist() == [SIDE - margin - 1, margin + width - 1]
    assert (shown[shown[..., 0] == 250] >= 250).all()
    assert (show(picture(), None) == background(StandInAvatar(), wanted)(picture(), None)).all()


def test_a_very_wide_picture_of_the_driver_stays_inside():
    show = with_driver(background(StandInAvatar(), "avatar"))
    assert show(picture(), plain(250, 10, 400)).shape == (SIDE, SIDE, 3)


def test_a_video_plays_behind_at_its_own_pace_again_and_again(tmp_path):
    path = write_video(tmp_path / "behind.mp4", [plain(40), plain(120), plain(200)], 10)
    clock = FakeClock()
    playing = Playing(Footage.open(path), clock)
    seen = []
    for passed in (0.02, *[0.05] * 12):
        seen.append(int(playing.filling(SIDE, SIDE)[3, 3, 0]))
        clock.work(passed)
    assert seen == pytest.approx([40, *[40, 40, 120, 120, 200, 200] * 2], abs=4)
    clock.work(60)
    assert playing.filling(20, 40).shape == (20, 40, 3), "a late one goes on from where it is"
    clock.work(0.1)
    assert playing.filling(20, 40).shape == (20, 40, 3)


def test_a_video_lies_behind_the_avatar(tmp_path):
    path = write_video(tmp_path / "behind.mp4", [plain(200)] * 3, 10)
    left, right = sides(laid(str(path)))
    assert left == [60] * 3
    assert right == pytest.approx([200] * 3, abs=4)
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    with pytest.raises(UserError):
        laid(str(tmp_path / "broken.mp4"))


def test_a_label_stands_on_the_picture():
    plain_laid = background(StandInAvatar(), "own")
    shown = with_label(plain_laid, Label("synthetic", "top-right", 0.2))(picture(), None)
    assert np.abs(shown.astype(int) - plain_laid(picture(), None)).max() > 100
    assert (shown[SIDE // 2 :] == plain_laid(picture(), None)[SIDE // 2 :]).all()
    assert with_label(plain_laid, None)(picture(), None).tolist() == plain_laid(picture(), None).tolist()
