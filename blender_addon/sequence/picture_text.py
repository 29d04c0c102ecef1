# SPDX-License-Identifier: GPL-3.0-or-later
"""A text that Blender has written into a picture, read back: of PNG and OpenEXR, which keep it and transparency."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

PNG, EXR = b"\x89PNG\r\n\x1a\n", b"\x76\x2f\x31\x01"
"""How files of these formats begin."""
MOST = 1 << 24
"""Bytes of a text or a name; a file that says more of one is damaged."""


def text_in(file: Path, field: str) -> str | None:
    """Return the text that a picture holds in a field; None where it has none, or is of another format or damaged."""
    with file.open("rb") as stream:
        start = stream.read(8)
        if start == PNG:
            texts = png_texts(stream)
        elif start[:4] == EXR:
            texts = exr_texts(stream)
        else:
            return None
        try:
            return next((text for name, text in texts if name == field), None)
        except (EOFError, ValueError, struct.error):
            return None


def png_texts(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of a PNG file, past its signature."""
    while True:
        size, kind = struct.unpack(">I4s", stream.read(8))
        if kind == b"IEND":
            return
        if kind != b"tEXt":
            stream.seek(size + 4, 1)
            continue
        name, _, text = whole(stream, size).partition(b"\0")
        stream.seek(4, 1)
        yield name.decode("latin-1"), text.decode("utf-8", "replace")


def exr_texts(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of an OpenEXR file's first header, past its version."""
    while name := zero_ended(stream):
        kind = zero_ended(stream)
        (size,) = struct.unpack("<i", stream.read(4))
        value = whole(stream, size)
        if kind == b"string":
            yield name.decode("utf-8", "replace"), value.decode("utf-8", "replace")


def zero_ended(stream: BinaryIO) -> bytes:
    """Read up to the next zero. Raises EOFError when there is none."""
    read = bytearray()
    while (byte := stream.read(1)) != b"\0":
        if not byte or len(read) > MOST:
            raise EOFError
        read += byte
    return bytes(read)


def whole(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes. Raises EOFError when there are fewer, or no text is so long."""
    if not 0 <= size <= MOST:
        raise EOFError
    read = stream.read(size)
    if len(read) < size:
        raise EOFError
    return read
