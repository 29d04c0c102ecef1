# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes of a HEIF file (ISO/IEC 23008-12 and 14496-12): its items, their properties and where their data is."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TILES = 65_536


@dataclass(frozen=True)
class Item:
    """One picture of the file, or a part of one.

    Attributes:
        id: its number.
        type: how it is coded ("hvc1", "av01", ...), or "grid" where it is put together from others.
        properties: name and content of each, in the order in which they apply.
    """

    id: int
    type: str
    properties: list[tuple[str, bytes]] = field(default_factory=list)

    def content(self, name: str) -> bytes:
        """The content of the first property of a name; empty where there is none."""
        return next((value for each, value in self.properties if each == name), b"")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, before it is turned."""
        width, height = struct.unpack(">II", self.content("ispe")[4:12])
        return width, height

    @property
    def profile(self) -> bytes:
        """Its ICC profile; empty where it has none."""
        colours = (value for name, value in self.properties if name == "colr")
        return next((value[4:] for value in colours if value[:4] in (b"prof", b"rICC")), b"")

    @property
    def colour(self) -> tuple[int, int, int, int] | None:
        """Code points of H.273 of primaries, transfer and matrix, and the range (1 limited, 2 full)."""
        colours = (value for name, value in self.properties if name == "colr")
        coded = next((value for value in colours if value[:4] == b"nclx"), None)
        if coded is None:
            return None
        primaries, transfer, matrix, flags = struct.unpack(">HHHB", coded[4:11])
        return primaries, transfer, matrix, 2 if flags & 0x80 else 1


@dataclass(frozen=True)
class Grid:
    """A picture put together from tiles, row by row.

    Attributes:
        columns: tiles in a row.
        width, height: of the whole, in pixels; the last tiles may reach past it.
        tiles: numbers of the items.
    """

    columns: int
    width: int
    height: int
    tiles: list[int]

    @classmethod
    def of(cls, data: bytes, tiles: list[int]) -> Grid:
        """Read the data of an item of type "grid".

        Raises:
            ValueError: it does not fit its tiles.
        """
        _, flags, rows, columns = struct.unpack(">BBBB", data[:4])
        width, height = struct.unpack(">II", data[4:12]) if flags & 1 else struct.unpack(">HH", data[4:8])
        if len(tiles) != (rows + 1) * (columns + 1) or len(tiles) > MOST_TILES:
            raise ValueError("the grid does not fit its tiles")
        return cls(columns + 1, width, height, tiles)


class HeifFile:
    """A HEIF file's items.

    Attributes:
        primary: number of the main picture.
        items: by number.
        parts: numbers of the items that another one is put together from.
        helpers: pairs: the number of an item (opacity, depth, ...) and of the one that it helps.
    """

    def __init__(self, data: bytes) -> None:
        """Read the boxes of a whole file.

        Raises:
            ValueError, KeyError, IndexError: it is damaged, or no HEIF file.
        """
        self._data = data
        self.items: dict[int, Item] = {}
        self.parts: dict[int, list[int]] = {}
        self.helpers: list[tuple[int, int]] = []
        self._places: dict[int, tuple[int, list[tuple[int, int]]]] = {}
        self._inner = b""
        try:
            boxes = dict(boxes_of(dict(boxes_of(data))["meta"][4:]))
            self.primary = read_number(boxes["pitm"], 4, 2 if boxes["pitm"][0] == 0 else 4)
            self._read_items(boxes["iinf"])
            self._read_properties(boxes["iprp"])
            self._read_places(boxes["iloc"])
            self._read_references(boxes.get("iref", b"\0\0\0\0"))
            self._inner = boxes.get("idat", b"")
        except struct.error as error:
            raise ValueError("a box is cut off") from error

    def data_of(self, item: Item) -> bytes:
        """The coded data of an item.

        Raises:
            ValueError: it lies outside the file.
        """
        inside, extents = self._places[item.id]
        source = self._inner if inside == 1 else self._data
        parts = [source[start : start + length] if length else source[start:] for start, length in extents]
        if any(length and len(part) != length for part, (_, length) in zip(parts, extents, strict=True)):
            raise ValueError("an item lies outside the file")
        return b"".join(parts)

    def _read_items(self, box: bytes) -> None:
        for name, entry in boxes_of(box[6 if box[0] == 0 else 8 :]):
            if name == "infe" and entry[0] >= 2:
                wide = 2 if entry[0] == 2 else 4
                number = read_number(entry, 4, wide)
                kind = entry[6 + wide : 10 + wide].decode("latin-1")
                self.items[number] = Item(number, kind)

    def _read_properties(self, box: bytes) -> None:
        inner = list(boxes_of(box))
        known = list(boxes_of(dict(inner)["ipco"]))
        for entries in (content for name, content in inner if name == "ipma"):
            wide, long = 2 if entries[0] == 0 else 4, entries[3] & 1
            place = 8
            for _ in range(read_number(entries, 4, 4)):
                item, count = self.items.get(read_number(entries, place, wide)), entries[place + wide]
                place += wide + 1
                for _ in range(count):
                    index = read_number(entries, place, 2) & 0x7FFF if long else entries[place] & 0x7F
                    place += 2 if long else 1
                    if item is not None and index:
                        item.properties.append(known[index - 1])

    def _read_places(self, box: bytes) -> None:
        version, sizes, place = box[0], read_number(box, 4, 2), 6
        offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_size = sizes & 15 if version else 0
        wide = 4 if version == 2 else 2
        count, place = read_number(box, place, wide), place + wide
        for _ in range(count):
            number, place = read_number(box, place, wide), place + wide
            inside, place = (read_number(box, place, 2) & 15, place + 2) if version else (0, place)
            base, place = read_number(box, place + 2, base_size), place + 2 + base_size
            extents, place = read_number(box, place, 2), place + 2
            places = []
            for _ in range(extents):
                place += index_size
                start, place = base + read_number(box, place, offset_size), place + offset_size
                length, place = read_number(box, place, length_size), place + length_size
                places.append((start, length))
            self._places[number] = inside, places

    def _read_references(self, box: bytes) -> None:
        wide = 4 if box[0] else 2
        for name, content in boxes_of(box[4:]):
            source, count = read_number(content, 0, wide), read_number(content, wide, 2)
            targets = [read_number(content, wide + 2 + wide * index, wide) for index in range(count)]
            if name == "dimg":
                self.parts[source] = targets
            elif name == "auxl":
                self.helpers += [(source, target) for target in targets]


def boxes_of(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the boxes that follow one another.

    Raises:
        ValueError: a size is impossible.
    """
    place = 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        size = size or len(data) - place
        if size < head:
            raise ValueError("a box has an impossible size")
        yield name.decode("latin-1"), data[place + head : place + size]
        place += size


def read_number(data: bytes, place: int, wide: int) -> int:
    """Return the unsigned number of `wide` bytes (0 to 8) at a place.

    Raises:
        ValueError: the data ends before.
    """
    if place + wide > len(data):
        raise ValueError("a box is cut off")
    return int.from_bytes(data[place : place + wide], "big")
