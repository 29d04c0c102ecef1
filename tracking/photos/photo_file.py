# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a photo's file: any kind of picture, upright, as RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageOps

from ...common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from ..heads.arrays import Image

MOST_PIXELS = 4096
"""Larger photos are shrunk to this length of their longer side: no avatar shows more."""


def read_photo(path: Path) -> Image:
    """Return a photo `[H, W, 3]`, upright.

    Raises:
        UserError: it is missing or no picture that can be read.
    """
    try:
        with PIL.Image.open(path) as file:
            file.draft("RGB", (MOST_PIXELS, MOST_PIXELS))
            upright = PIL.ImageOps.exif_transpose(file)
            upright.thumbnail((MOST_PIXELS, MOST_PIXELS))
            return flattened(upright)
    except FileNotFoundError:
        raise UserError(f"There is no photo at {path}; check the path.") from None
    except (PIL.UnidentifiedImageError, OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as a picture; choose a whole JPEG or PNG file.") from error


def flattened(picture: PIL.Image.Image) -> Image:
    """Return `[H, W, 3]` of any kind of picture; what is transparent becomes white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    if picture.mode.startswith("I;16"):
        return np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[..., None], 3, 2)
    return np.array(picture.convert("RGB"))
