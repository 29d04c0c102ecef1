# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a photo's file: any kind of picture, upright, as RGB in sRGB's colours."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageOps

from ...common.errors import UserError
from .coded_png import coded_pixels, is_coded_png
from .deep_picture import deep_pixels, eight_bits, is_deep_tiff
from .heif import is_heif, read_heif
from .photo_colour import in_srgb

if TYPE_CHECKING:
    from ..heads.arrays import Image

MOST_PIXELS = 4096
"""Larger photos are shrunk to this length of their longer side: no avatar shows more."""
MOST_MEGAPIXELS = 500
"""More are refused; phones make up to 200. Some kinds of file are unpacked whole, which takes 3 or 4 bytes a pixel."""

PIL.Image.MAX_IMAGE_PIXELS = None  # Pillow warns at 89 megapixels and refuses 179; `require_size` stands for it.


def read_photo(path: Path) -> Image:
    """Return a photo `[H, W, 3]`, upright, in sRGB; what is transparent is white.

    Raises:
        UserError: it is missing, too large or no picture that can be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries' remarks about odd tags are not for the user's eyes
            return opened(Path(path))
    except FileNotFoundError:
        raise UserError(f"There is no photo at {path}; check the path.") from None
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, OverflowError, MemoryError) as error:
        raise UserError(f"{path} cannot be read as a picture; choose a whole JPEG, PNG or HEIC file.") from error


def opened(path: Path) -> Image:
    """Read a photo of any kind.

    Raises:
        UserError: it is too large.
        OSError, ValueError, ...: whatever the libraries say of a file that they cannot read.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if is_heif(start):
        return of_pillow(read_heif(path, MOST_PIXELS, MOST_MEGAPIXELS))
    if is_deep_tiff(start, path):
        return of_pillow(deep_pixels(path))
    with PIL.Image.open(path) as picture:
        require_size(path, picture)
        if is_coded_png(path):
            return of_pillow(coded_pixels(path, picture))
        ask_for_less(picture)
        return of_pillow(picture)


def require_size(path: Path, picture: PIL.Image.Image) -> None:
    """Raise `UserError` where a picture would take more memory than is sane."""
    megapixels = picture.width * picture.height / 1e6
    if megapixels > MOST_MEGAPIXELS:
        raise UserError(f"{path} has {megapixels:.0f} megapixels; save a copy of at most {MOST_MEGAPIXELS}.")


def ask_for_less(picture: PIL.Image.Image) -> None:
    """Let the decoder make a smaller picture, not below `MOST_PIXELS`, where its format can: JPEG and JPEG 2000."""
    picture.draft(None, (MOST_PIXELS, MOST_PIXELS))
    if picture.format == "JPEG2000":
        halvings = max(0, int(np.log2(max(picture.size) / MOST_PIXELS)))
        setattr(picture, "reduce", halvings)  # noqa: B010  Pillow's own name for it hides a method


def of_pillow(picture: PIL.Image.Image) -> Image:
    """Return an opened picture as `read_photo` does."""
    if picture.mode.startswith(("I", "F")):
        picture = eight_bits(picture)
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
    return flattened(in_srgb(PIL.ImageOps.exif_transpose(picture)))


def flattened(picture: PIL.Image.Image) -> Image:
    """Return `[H, W, 3]` of a picture of mode RGB or RGBA; what is transparent becomes white."""
    if picture.mode == "RGBA":
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", picture.size, "white"), picture)
    return np.array(picture.convert("RGB"))
