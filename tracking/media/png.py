# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG, encoded quickly: mattes and maps are runs of equal differences, which zlib's run-length strategy packs well.

A third of the time of OpenCV's encoder at its fastest, and smaller files; any reader opens them.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..heads.arrays import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
SUB = 1
"""The row filter: each sample less the one of the pixel to its left."""
FASTEST, LARGEST_WINDOW, LARGEST_MEMORY = 1, 15, 9


def png(picture: Image | NDArray[np.uint16]) -> bytes:
    """Return a grey `[H, W]` or RGB `[H, W, 3]` picture, of 8 or 16 bits a sample, as a PNG file."""
    height, width = picture.shape[:2]
    kind = RGB if picture.ndim == 3 else GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * picture.itemsize, kind, 0, 0, 0)
    packer = zlib.compressobj(FASTEST, zlib.DEFLATED, LARGEST_WINDOW, LARGEST_MEMORY, zlib.Z_RLE)
    packed = packer.compress(filtered(picture).data) + packer.flush()
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def filtered(picture: Image | NDArray[np.uint16]) -> Image:
    """Return the picture's rows as bytes, each row led by its filter: `[H, 1 + W * bytes a pixel]`."""
    height, width = picture.shape[:2]
    big_endian = np.ascontiguousarray(picture, picture.dtype.newbyteorder(">"))
    rows = big_endian.view(np.uint8).reshape(height, -1)
    pixel = rows.shape[1] // width
    result = np.empty((height, 1 + rows.shape[1]), np.uint8)
    result[:, 0] = SUB
    result[:, 1 : 1 + pixel] = rows[:, :pixel]
    np.subtract(rows[:, pixel:], rows[:, :-pixel], out=result[:, 1 + pixel :])
    return result


def chunk(name: bytes, data: bytes) -> bytes:
    """Return one part of a PNG file: length, name, data, checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
