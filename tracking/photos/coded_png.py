# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG pictures that say by code points what their colours are (chunk cICP), HDR too; Pillow passes over it."""

from __future__ import annotations

import struct
from contextlib import closing
from typing import TYPE_CHECKING

import av
import PIL.Image

from ..media.colour import rgb_of

if TYPE_CHECKING:
    from pathlib import Path

PNG_START = b"\x89PNG\r\n\x1a\n"


def is_coded_png(path: Path) -> bool:
    """Tell whether a file is a PNG picture with code points for its colours."""
    with path.open("rb") as file:
        if file.read(8) != PNG_START:
            return False
        while len(head := file.read(8)) == 8 and head[4:] not in (b"cICP", b"IDAT"):
            file.seek(struct.unpack(">I", head[:4])[0] + 4, 1)
    return head[4:] == b"cICP"


def coded_pixels(path: Path, picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return the pixels of a file in sRGB's colours; `picture` is the same file opened by Pillow.

    Raises:
        ValueError: it is damaged.
    """
    try:
        with closing(av.open(str(path))) as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration) as error:
        raise ValueError("FFmpeg cannot decode it") from error
    result = PIL.Image.fromarray(rgb_of(frame, frame.width, frame.height))
    result.getexif().update(picture.getexif())
    return result
