# SPDX-License-Identifier: GPL-3.0-or-later
"""What is behind a live avatar: its clean plate, its own background, nothing, a colour, a picture, a video."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...common.errors import UserError
from ...neural.rendering.label import labelling
from ...neural.rendering.reenact import alone
from ...protocol.foreground import over
from ...tracking.media.video import over_black, scaled
from .fitting import filled
from .moving_background import Playing

if TYPE_CHECKING:
    from ...neural.avatar import Avatar
    from ...neural.rendering.label import Label
    from ...tracking.heads.arrays import Image

Laid = Callable[["Image", "Image | None"], "Image"]
"""Takes the avatar's `[H, W, 4]` and what the camera saw, if it did; returns the picture to show."""

AVATAR, OWN, TRANSPARENT = "avatar", "own", "transparent"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
INSET = 0.25
"""Of the picture's height: what the camera sees, shown in a corner."""
EDGE = 1 / 40
"""Of the picture's height, from the inset to the picture's edge."""


def background(avatar: Avatar, wanted: str) -> Laid:
    """Return what lays an avatar's pictures over a background.

    `wanted` is "avatar" (its clean plate, or else its own background), "own" (that of its footage as it learnt it),
    "transparent", a colour (`#rrggbb`), or the path of a picture or of a video, which plays again and again.

    Raises:
        UserError: it is none of these, or the file cannot be read.
    """
    behind: Behind | Playing
    if wanted == AVATAR and avatar.plate is not None:
        behind = Behind(avatar.plate)
    elif wanted in (AVATAR, OWN):
        return lambda rgba, _seen: rgba[..., :3] if avatar.kind.has_backdrop else rgba
    elif wanted == TRANSPARENT:
        return lambda rgba, _seen: alone(avatar, rgba)
    elif moving(Path(wanted)):
        behind = Playing.of(Path(wanted))
    else:
        behind = Behind(colour_of(wanted) if COLOUR.fullmatch(wanted) else picture_of(Path(wanted)))
    return lambda rgba, _seen: over(alone(avatar, rgba), behind.filling(rgba.shape[0], rgba.shape[1]))


def with_driver(laid: Laid) -> Laid:
    """Return what also shows what the camera sees, small in the lower left corner."""

    def laid_with_driver(rgba: Image, seen: Image | None) -> Image:
        picture = laid(rgba, seen)
        if seen is None:
            return picture
        inset = scaled(seen, round(INSET * len(picture)))[:, : picture.shape[1]]
        height, width = inset.shape[:2]
        margin = min(round(EDGE * len(picture)), picture.shape[1] - width)
        picture = picture.copy()
        corner = picture[len(picture) - margin - height : len(picture) - margin, margin : margin + width]
        corner[..., :3] = inset
        corner[..., 3:] = 255
        return picture

    return laid_with_driver


def with_label(laid: Laid, label: Label | None) -> Laid:
    """Return what also writes a label onto the picture, where there is one.

    Raises:
        UserError: the font has no letters for its words.
    """
    write = labelling(label)
    return lambda rgba, seen: write(laid(rgba, seen))


def plain_picture(rgba: Image, _seen: Image | None) -> Image:
    """The avatar's picture `[H, W, 4]` as `[H, W, 3]`, over black where nothing is behind it."""
    return over_black(rgba)


class Behind:
    """A picture `[H, W, 3]` behind others: it fills them, and what does not fit is cut off evenly."""

    def __init__(self, picture: Image) -> None:
        self._picture, self._filling = picture, picture

    def filling(self, height: int, width: int) -> Image:
        """Return it as `[height, width, 3]`."""
        if self._filling.shape[:2] != (height, width):
            self._filling = filled(self._picture, height, width)
        return self._filling


def moving(path: Path) -> bool:
    """Tell whether a file is a video: one that is there and that is no picture, by its name or its contents."""
    is_picture = (mimetypes.guess_type(path.name)[0] or "").startswith("image/")
    return path.is_file() and not is_picture and not cv2.haveImageReader(str(path))


def colour_of(text: str) -> Image:
    """Return a picture of one pixel of a colour `#rrggbb`."""
    return np.array([[[int(text[place : place + 2], 16) for place in (1, 3, 5)]]], np.uint8)


def picture_of(path: Path) -> Image:
    """Read a picture, `[H, W, 3]` RGB.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    if not path.is_file():
        raise UserError(
            f"There is no background {str(path)!r}; name {AVATAR}, {OWN}, {TRANSPARENT}, a colour such as #00b140, "
            "or a picture or video that is there."
        )
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.stat().st_size else None
    if bgr is None:
        raise UserError(f"The background {path} cannot be read; choose a PNG or JPEG picture.")
    rgb: Image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb
