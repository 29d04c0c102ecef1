# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in pictures: read back from whole files, and nothing from damaged ones."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from PIL import Image, PngImagePlugin
from semblance.blender_addon.sequence.picture_text import text_in

if TYPE_CHECKING:
    from pathlib import Path


def png(path: Path) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Other", "no")
    said.add_text("Field", "yes")
    Image.new("RGBA", (4, 4)).save(path, "PNG", pnginfo=said)


def exr(path: Path) -> None:
    """A header without pixels."""
    header = b"\x76\x2f\x31\x01\x02\0\0\0"
    for name, kind, value in ((b"a", b"int", b"\1\0\0\0"), (b"Field", b"string", b"yes")):
        header += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    path.write_bytes(header + b"\0")


@pytest.mark.parametrize("write", [png, exr])
def test_a_text_is_read_back_and_damage_is_no_text(write, tmp_path):
    file = tmp_path / "picture"
    write(file)
    whole = file.read_bytes()
    assert text_in(file, "Field") == "yes"
    assert text_in(file, "Missing") is None
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert text_in(file, "Field") in (None, "yes")
    for place in range(8, len(whole)):
        file.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        text_in(file, "Field")
    file.write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    assert text_in(file, "Field") is None
