# SPDX-License-Identifier: GPL-3.0-or-later
"""A window of its own, by the standard library's tkinter: OpenCV's headless build has none."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...common.errors import UserError
from ...protocol.foreground import over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...tracking.heads.arrays import Image

SIDE = 512
"""Pixels of the window's shorter side at first."""
LEAST = 64
SQUARE = 16
"""Pixels of a chequered square where a picture is transparent."""
CHEQUERS = 102, 153


class Window:
    """Shows each picture as large as the window allows; closing it, Escape or q ends the session."""

    def __init__(self, tkinter: Any, title: str) -> None:
        """Open the window.

        Args:
            tkinter: the module.
            title: its title's beginning.
        """
        self._tkinter, self._title = tkinter, title
        self._root = tkinter.Tk()
        self._root.title(title)
        self._root.configure(background="black")
        self._root.geometry(f"{SIDE}x{SIDE}")
        self._root.minsize(LEAST, LEAST)
        self._label = tkinter.Label(self._root, borderwidth=0, background="black")
        self._label.pack(expand=True)
        self._is_open = True
        self._root.protocol("WM_DELETE_WINDOW", self._leave)
        for key in ("<Escape>", "q"):
            self._root.bind(key, self._leave)

    def show(self, picture: Image, _time: float) -> bool:
        """Show a picture, and let the window answer to its user; return whether it is still open."""
        if self._is_open:
            size = self._root.winfo_width(), self._root.winfo_height()
            image = self._tkinter.PhotoImage(data=ppm(fitted(opaque(picture), *size)), format="PPM")
            self._label.configure(image=image)
            self._label.image = image  # tkinter keeps none itself
            self._root.update()
        return self._is_open

    def tell(self, words: str) -> None:
        """Put words into the window's title."""
        if self._is_open:
            self._root.title(f"{self._title}: {words}")

    def close(self) -> None:
        """Close the window."""
        with suppress(self._tkinter.TclError):  # it may have gone with its display
            self._root.destroy()

    def _leave(self, *_event: object) -> None:
        self._is_open = False


@contextmanager
def window(title: str) -> Iterator[Window]:
    """Open a window in this thread, which has to be the main one.

    Raises:
        UserError: there is no display, or this Python has no tkinter.
    """
    try:
        import tkinter
    except ImportError as error:
        raise UserError(
            "This Python cannot open windows: its tkinter is missing (on Debian and Ubuntu: sudo apt install "
            "python3-tk); or write a file with --to live.mp4."
        ) from error
    try:
        opened = Window(tkinter, title)
    except tkinter.TclError as error:
        raise UserError(
            "There is no display to open a window on; start this where there is one, or write a file with "
            "--to live.mp4, or use --to virtual-camera."
        ) from error
    try:
        yield opened
    finally:
        opened.close()


def fitted(picture: Image, width: int, height: int) -> Image:
    """The picture `[H, W, 3]` as large as a window allows, its proportions kept."""
    scale = max(min(width / picture.shape[1], height / picture.shape[0]), 1 / max(picture.shape[:2]))
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    resized: Image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return resized


def opaque(picture: Image) -> Image:
    """The picture `[H, W, 3]`, over chequers where it is transparent."""
    if picture.shape[2] == 3:
        return picture
    rows, columns = np.indices(picture.shape[:2]) // SQUARE
    chequers = np.take(np.array(CHEQUERS, np.uint8), (rows + columns) % 2)
    return over(picture, np.repeat(chequers[..., None], 3, 2))


def ppm(picture: Image) -> bytes:
    """The picture `[H, W, 3]` as a PPM file."""
    height, width = picture.shape[:2]
    return b"P6 %d %d 255\n" % (width, height) + np.ascontiguousarray(picture).tobytes()
