# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC and AVIF photos: the boxes of the file (ISO/IEC 23008-12, HEIF), and its tiles decoded by PyAV."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import PIL.Image

from ...common.errors import UserError
from ..media.colorimetry import Matrix, Primaries, Transfer
from ..media.colour import rgb_of
from .heif_boxes import Grid, HeifFile, Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ..heads.arrays import Image

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"avif", b"avis")
DECODERS = {"hvc1": "hevc", "av01": "libdav1d", "avc1": "h264", "jpeg": "mjpeg"}
"""FFmpeg's decoder of each type of item."""
SETTINGS = {"hvc1": "hvcC", "av01": "av1C", "avc1": "avcC", "jpeg": ""}
"""The property that holds a decoder's settings."""
ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
"""What opacity is called."""


def is_heif(start: bytes) -> bool:
    """Tell whether a file that begins so is a HEIC or AVIF picture."""
    return start[4:8] == b"ftyp" and any(start[place : place + 4] in BRANDS for place in (8, *range(16, len(start), 4)))


def read_heif(path: Path, most_pixels: int, most_megapixels: int) -> PIL.Image.Image:
    """Return the main picture of a HEIC or AVIF file, upright, with its colour profile.

    It is RGB, or RGBA where it has opacity, and reduced by a power of 2 as far as its longer side stays at least
    `most_pixels`.

    Raises:
        UserError: it is damaged, of a kind that cannot be read, or has more than `most_megapixels`.
    """
    try:
        file = HeifFile(path.read_bytes())
        item = file.items[file.primary]
        width, height = item.size
        if width * height > most_megapixels * 1e6:
            megapixels = width * height / 1e6
            raise UserError(f"{path} has {megapixels:.0f} megapixels; save a copy of at most {most_megapixels}.")
        halvings = max(0, int(np.log2(max(width, height) / most_pixels)))
        picture = PIL.Image.fromarray(turned(pixels(file, item, 2**halvings), item))
        alpha = alpha_of(file, item)
        if alpha is not None:
            opacity = PIL.Image.fromarray(turned(pixels(file, alpha, 1)[..., 0], alpha))
            picture.putalpha(opacity.resize(picture.size))
    except (av.FFmpegError, KeyError, IndexError, ValueError, StopIteration) as error:
        raise UserError(
            f"The HEIC or AVIF picture {path} is damaged or of a kind that cannot be read; save it as JPEG or PNG."
        ) from error
    if item.profile:
        picture.info["icc_profile"] = item.profile
    return picture


def alpha_of(file: HeifFile, item: Item) -> Item | None:
    """Return the item that holds another's opacity."""
    helpers = (file.items[each] for each, whose in file.helpers if whose == item.id)
    return next((each for each in helpers if each.content("auxC")[4:].startswith(ALPHA)), None)


def pixels(file: HeifFile, item: Item, divisor: int) -> Image:
    """Return an item's pixels `[H, W, 3]`, reduced, as they are stored: neither turned nor mirrored.

    Raises:
        ValueError: it is of a type that cannot be decoded, or damaged.
    """
    if item.type != "grid":
        (frame,) = frames([item], file)
        return reduced(frame, item, item, divisor)
    grid = Grid.of(file.data_of(item), file.parts[item.id])
    canvas = np.zeros((-(-grid.height // divisor), -(-grid.width // divisor), 3), np.uint8)
    tiles = [file.items[each] for each in grid.tiles]
    for index, (tile, frame) in enumerate(zip(tiles, frames(tiles, file), strict=True)):
        picture = reduced(frame, tile, item, divisor)
        top, left = index // grid.columns * picture.shape[0], index % grid.columns * picture.shape[1]
        space = canvas[top : top + picture.shape[0], left : left + picture.shape[1]]
        space[...] = picture[: space.shape[0], : space.shape[1]]
    return canvas


def frames(items: Iterable[Item], file: HeifFile) -> Iterator[av.VideoFrame]:
    """Decode items of one type, one by one.

    Raises:
        ValueError: there is no decoder for their type.
    """
    decoder, settings = None, None
    for item in items:
        wanted = item.type, item.content(SETTINGS.get(item.type, ""))
        if decoder is None or wanted != settings:
            decoder, settings = decoder_of(*wanted), wanted
        packet = av.Packet(settings_of(item) + file.data_of(item))
        packet.pts, packet.time_base = 0, Fraction(1, 25)
        found = decoder.decode(packet)
        if not found:
            found, decoder = decoder.decode(None), None
        yield found[0]


def decoder_of(kind: str, settings: bytes) -> av.VideoCodecContext:
    """Return a decoder for items of a type that gives each picture at once.

    Raises:
        ValueError: there is none.
    """
    if kind not in DECODERS:
        raise ValueError(f"no decoder for items of type {kind}")
    decoder = av.CodecContext.create(DECODERS[kind], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    if kind != "jpeg":
        decoder.extradata = settings
    return decoder


def settings_of(item: Item) -> bytes:
    """Return what goes before an item's data: the tables that JPEG items may keep apart."""
    return item.content("jpgC") if item.type == "jpeg" else b""


def reduced(frame: av.VideoFrame, tile: Item, whole: Item, divisor: int) -> Image:
    """Return a decoded tile as RGB `[H, W, 3]`, in the colours that it or the whole picture says it has.

    Where there is a profile, colours stay as they are stored: the profile says what they are.
    """
    coded = tile.colour or whole.colour
    if coded is not None:
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = coded
    elif frame.colorspace == Matrix.UNSPECIFIED:
        frame.colorspace, frame.color_range = Matrix.SMPTE_170M, 2  # MIAF's presumption
    if tile.profile or whole.profile:
        frame.color_primaries, frame.color_trc = Primaries.BT709, Transfer.SRGB
    elif frame.color_trc in (Transfer.UNSPECIFIED, Transfer.BT709):
        frame.color_trc = Transfer.SRGB
    return rgb_of(frame, -(-frame.width // divisor), -(-frame.height // divisor))


def turned(image: Image, item: Item) -> Image:
    """Return a picture `[H, W, ...]` turned and mirrored in the order that the item asks for."""
    for name, value in item.properties:
        if name == "irot":
            image = np.rot90(image, value[0] & 3)
        elif name == "imir":
            image = image[:, ::-1] if value[0] & 1 else image[::-1]
    return np.ascontiguousarray(image)
