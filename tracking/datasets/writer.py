# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a tracking dataset: many small pictures by a few threads, the whole folder or nothing.

Everything lands in a hidden folder beside the target; only when all frames are there does it take the target's name.
So an interrupted run leaves an earlier dataset as it was, and never one that looks whole (`place`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...common.clock import Clock
from ...common.files import full_disk_told
from ...common.progress import Listener, silent
from ..media.png import png
from ..performances.maps import MAP_SIZE, frame_maps
from ..performances.plates import CLEAN, HEADLESS
from . import original_layout
from .dataset import Dataset, Layout
from .place import PICTURE_FOLDERS, PLATE, Place
from .rasteriser import MapRasteriser

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..heads.arrays import Floats, Image, Numbers
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from ..plates.of_footage import Plates

Encoder = Callable[[], bytes]

THREADS = 2
WAITING = 16
"""Pictures that may wait for a thread: bounds the memory when the disk is slower than the tracker."""


class DatasetWriter:
    """Collects the pictures of a dataset, in any order, and finishes it with its performance.

    Use it in a `with` statement: leaving it without `finish` (an error, a cancel) removes what was written::

        with DatasetWriter(folder, size=512) as writer:
            for index, ...: writer.add_picture(index, image, matte)
            writer.draw_maps(head, performance, listener)
            dataset = writer.finish(performance)
    """

    def __init__(self, folder: str | Path, size: int, layout: Layout = Layout.SEMBLANCE) -> None:
        """Start a dataset that will be `folder`; `size` is the side of the central window in pixels.

        Raises:
            UserError: `folder` exists and is neither empty nor a dataset, another run is writing it, or it cannot be
                written.
        """
        self.folder = Path(folder).absolute()
        self._place = Place(self.folder).__enter__()
        self._partial = Dataset(self._place.partial, size, (), layout=layout)
        self._room = threading.Semaphore(WAITING)
        self._futures: list[Future[None]] = []
        self._threads = ThreadPoolExecutor(THREADS, "dataset")
        for name in PICTURE_FOLDERS:
            (self._partial.folder / name).mkdir()

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._place.__exit__(None, None, None)

    def add_picture(self, index: int, image: Image, matte: Numbers) -> None:
        """Take the footage picture `[S, S, 3]` RGB and its matte `[S, S]` of frame `index`, S = 1.5 times the size.

        The matte is float 0 to 1 or uint8. The arrays must not be changed afterwards. Blocks while the queue is full.

        Raises:
            UserError: the disk is full.
        """
        side = self._partial.image_size
        if image.shape != (side, side, 3) or matte.shape != (side, side):
            raise ValueError(f"expected pictures of {side} pixels square, got {image.shape} and {matte.shape}")
        name = frame_name(index)
        encode = jpeg if self._partial.layout is Layout.SEMBLANCE else png
        self._write(self._partial.image(name), lambda: encode(image))
        self._write(self._partial.matte(name), lambda: png(as_bytes(matte)))

    def add_maps(self, index: int, uv_map: Floats, texture_map: Floats) -> None:
        """Take the maps of frame `index`: `[256, 256, 3]`, 0 to 1, black outside.

        Raises:
            UserError: the disk is full.
        """
        name = frame_name(index)
        as_pixels = as_deep if self._partial.layout is Layout.SEMBLANCE else as_bytes
        self._write(self._partial.uv_map(name), lambda: png(as_pixels(uv_map)))
        self._write(self._partial.texture_map(name), lambda: png(as_bytes(texture_map)))

    def with_plates(self, performance: Performance, plates: Plates) -> Performance:
        """Take the clean plates; return the performance that knows where they will be.

        Raises:
            UserError: the disk is full.
        """
        extra = dict(performance.extra)
        for entry, image in ((CLEAN, plates.clean), (HEADLESS, plates.headless)):
            self._write(self._partial.folder / f"{entry}.png", partial(png, image))
            extra[entry] = str(self.folder / f"{entry}.png")
        if plates.notes:
            extra["notes"] = [*extra.get("notes", ()), *plates.notes]
        return replace(performance, extra=extra)

    def add_plate(self, write: Callable[[Path], None]) -> Path:
        """Have the footage's plate written, to the path that `write` is given; return where it will be."""
        write(self._partial.folder / PLATE)
        return self.folder / PLATE

    def draw_maps(self, head: MorphableHead, performance: Performance, listener: Listener = silent) -> None:
        """Draw and take the maps of every frame of the performance.

        Raises:
            UserError: there is no OpenGL, or the disk is full.
        """
        neutral, colours = head.neutral(performance.identity), head.texture(performance.texture)
        clock = Clock("Drawing maps", len(performance), listener)
        with MapRasteriser(MAP_SIZE) as rasteriser:
            for index in range(len(performance)):
                clock.tell(index)
                vertices = frame_maps(head, performance, index, neutral, colours)
                self.add_maps(index, *rasteriser.draw(vertices, head.triangles))

    def finish(self, performance: Performance, sound: str = "") -> Dataset:
        """Write what is left and give the folder its name, in place of an earlier dataset.

        `performance` has a frame for each index from 0, in order; `sound` is the path of a file with the sound.

        Raises:
            UserError: the disk is full.
            ValueError: a frame lacks a picture.
        """
        self._threads.shutdown()
        for future in self._futures:
            future.result()
        names = tuple(frame_name(index) for index in range(len(performance)))
        dataset = replace(self._partial, names=names, sound=sound)
        lacking = [path for name in names for path in pictures(dataset, name) if not path.is_file()]
        if lacking:
            raise ValueError(f"{len(lacking)} pictures were never added, the first is {lacking[0].name}")
        performance.save(dataset.performance_file)
        if dataset.layout is Layout.STYLEAVATAR:
            original_layout.write_person(dataset.folder, performance)
        dataset.save()
        self._place.fill()
        return replace(dataset, folder=self.folder)

    def _write(self, path: Path, encode: Encoder) -> None:
        """Hand a picture to the threads, once there is room; tell what went wrong with earlier ones."""
        self._room.acquire()
        self._futures.append(self._threads.submit(self._encode_and_write, path, encode))
        while self._futures and self._futures[0].done():
            self._futures.pop(0).result()

    def _encode_and_write(self, path: Path, encode: Encoder) -> None:
        try:
            with full_disk_told(self.folder):
                path.write_bytes(encode())
        finally:
            self._room.release()


def frame_name(index: int) -> str:
    """Return the stem of frame `index`; like the original's, names count from 1."""
    return f"{index + 1:06d}"


def pictures(dataset: Dataset, name: str) -> tuple[Path, ...]:
    """Return the four pictures of a frame."""
    return dataset.image(name), dataset.matte(name), dataset.uv_map(name), dataset.texture_map(name)


def as_bytes(picture: Numbers) -> Image:
    """Return a picture `[H, W, ...]` of floats 0 to 1 as bytes; bytes stay.

    Example:
        >>> as_bytes(np.array([[0.0, 0.5, 1.0]]))
        array([[  0, 128, 255]], dtype=uint8)
    """
    return picture if picture.dtype == np.uint8 else (picture * 255 + 0.5).astype(np.uint8)


def as_deep(picture: Numbers) -> NDArray[np.uint16]:
    """Return a picture `[H, W, ...]` of floats 0 to 1 with 16 bits a channel."""
    return (picture * 65535 + 0.5).astype(np.uint16)


def jpeg(image: Image) -> bytes:
    """Return RGB `[H, W, 3]` as JPEG, quality 95 with full colour resolution: lips and eyes are small and colourful."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    encoded: bytes = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
    return encoded
