# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC photos as phones write them: HEVC tiles, a grid, a quarter turn, a colour profile."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SRGB_FULL = (1, 13, 6, True)
"""Primaries, transfer, matrix (H.273) and full range of an ordinary photo."""


def box(name: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), name.encode()) + content


def full_box(name: str, version: int, *parts: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24), *parts)


def encoded(tiles: list[np.ndarray]) -> tuple[bytes, list[bytes]]:
    """The decoder's settings and the data of HEVC pictures, almost without loss, full range, BT.601's matrix."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        params = "qp=1:log-level=none:range=full:colormatrix=smpte170m:keyint=1:bframes=0:frame-threads=1:pools=none"
        stream = container.add_stream("libx265", rate=25, options={"x265-params": params, "preset": "ultrafast"})
        stream.height, stream.width = tiles[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        for tile in tiles:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(tile), "rgb24").reformat(
                format="yuv444p", src_color_range=2, dst_color_range=2, src_colorspace=5, dst_colorspace=5
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory, "r") as written:
        settings = written.streams.video[0].codec_context.extradata
        assert settings is not None
        return bytes(settings), [bytes(packet) for packet in written.demux() if packet.size]


def write_heic(
    path: Path,
    picture: np.ndarray,
    *,
    tile: int = 0,
    turns: int = 0,
    mirror: int | None = None,
    colour: tuple[int, int, int, bool] | None = SRGB_FULL,
    profile: bytes = b"",
) -> Path:
    """Write a picture `[H, W, 3]`, in one or in square tiles; turned counter-clockwise and mirrored when shown."""
    height, width = picture.shape[:2]
    side_y, side_x = (tile, tile) if tile else (height, width)
    rows, columns = -(-height // side_y), -(-width // side_x)
    padded = np.pad(picture, ((0, rows * side_y - height), (0, columns * side_x - width), (0, 0)), "edge")
    settings, datas = encoded(
        [
            padded[y * side_y : (y + 1) * side_y, x * side_x : (x + 1) * side_x]
            for y in range(rows)
            for x in range(columns)
        ]
    )
    properties = [
        box("hvcC", settings),
        full_box("ispe", 0, struct.pack(">II", side_x, side_y)),
        full_box("ispe", 0, struct.pack(">II", width, height)),
        box("irot", bytes([turns])),
        box("imir", bytes([mirror or 0])),
        box("colr", b"nclx", struct.pack(">HHHB", *colour[:3], colour[3] << 7)) if colour else box("free"),
        box("colr", b"prof", profile) if profile else box("free"),
    ]
    look = [6] * bool(colour) + [7] * bool(profile) + [4] * bool(turns) + [5] * (mirror is not None)
    kinds, owned, parts = ["hvc1"] * len(datas), [[1, 2]] * len(datas), b""
    if tile:
        kinds, owned = [*kinds, "grid"], [*owned, [3, *look]]
        numbers = [index + 1 for index in range(len(datas))]
        datas.append(struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height))
        whole = struct.pack(f">HH{len(numbers)}H", len(datas), len(numbers), *numbers)
        parts = full_box("iref", 0, box("dimg", whole))
    else:
        owned = [[1, 2, *look]]
    path.write_bytes(assembled(kinds, owned, properties, datas, parts))
    return path


def assembled(
    kinds: list[str], owned: list[list[int]], properties: list[bytes], datas: list[bytes], parts: bytes
) -> bytes:
    """The file; the last item is the main one."""
    numbers = range(1, len(kinds) + 1)
    entries = [
        full_box("infe", 2, struct.pack(">HH", number, 0), kind.encode(), b"\0")
        for number, kind in zip(numbers, kinds, strict=True)
    ]
    links = [struct.pack(">HB", number, len(each)) + bytes(each) for number, each in zip(numbers, owned, strict=True)]
    start = box("ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(first: int) -> bytes:
        places, place = [], first
        for number, data in zip(numbers, datas, strict=True):
            places.append(struct.pack(">HHHII", number, 0, 1, place, len(data)))
            place += len(data)
        return full_box(
            "meta",
            0,
            full_box("hdlr", 0, bytes(4), b"pict", bytes(13)),
            full_box("pitm", 0, struct.pack(">H", len(kinds))),
            full_box("iinf", 0, struct.pack(">H", len(kinds)), *entries),
            box("iprp", box("ipco", *properties), full_box("ipma", 0, struct.pack(">I", len(links)), *links)),
            full_box("iloc", 0, bytes([0x44, 0]), struct.pack(">H", len(kinds)), *places),
            parts,
        )

    first = len(start) + len(meta(0)) + 8
    return start + meta(first) + box("mdat", *datas)
