# SPDX-License-Identifier: GPL-3.0-or-later
"""The running build's preview and loss curve as icons for the panel, and the preview as an image for Image Editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import bpy.utils.previews

from ..access import windows
from ..engine.curve_picture import picture_of
from . import job_watch

if TYPE_CHECKING:
    from ..engine.build_view import BuildView

IMAGE = "Avatar in Training"
"""Name of the image; it is never saved with the file."""
CURVE_SIZE = (256, 160)


class BuildPictures:
    """What is shown of `view`, brought up to date by `update`."""

    def __init__(self, view: BuildView) -> None:
        self._view = view
        self._icons: bpy.utils.previews.ImagePreviewCollection | None = None
        self._shown = 0

    def update(self) -> None:
        """Show what is new."""
        if self._shown == self._view.number:
            return
        self._shown = self._view.number
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        self._icons.clear()
        curve = self._icons.new(f"curve{self._shown}")
        curve.image_size = CURVE_SIZE
        curve.image_pixels_float.foreach_set(picture_of(self._view.curve, *CURVE_SIZE).ravel())  # type: ignore[attr-defined]
        if self._view.picture:
            file = self._write()
            self._icons.load(f"picture{self._shown}", str(file), "IMAGE")
            if image := bpy.data.images.get(IMAGE):
                fill(image, file)

    def icon(self, what: str) -> int:
        """The icon of the "picture" or the "curve"; 0 while there is none."""
        found = self._icons.get(f"{what}{self._shown}") if self._icons else None
        return found.icon_id if found else 0

    def image(self) -> bpy.types.Image | None:
        """The image with the preview, made where there is none yet; None while there is no preview."""
        if not self._view.picture:
            return None
        image = bpy.data.images.get(IMAGE)
        if image is None:
            image = bpy.data.images.new(IMAGE, 8, 8)
            image.is_runtime_data = True
        fill(image, self._write())
        return image

    def close(self) -> None:
        """Let go of the icons."""
        if self._icons:
            bpy.utils.previews.remove(self._icons)
        self._icons, self._shown = None, 0

    def _write(self) -> Path:
        """Write the preview to a file; two take turns, because Blender may still read the other one."""
        file = Path(bpy.app.tempdir) / f"semblance_build{self._view.number % 2}.jpg"
        file.write_bytes(self._view.picture)
        return file


def fill(image: bpy.types.Image, file: Path) -> None:
    """Have an image show a file, and be drawn again."""
    image.source, image.filepath = "FILE", str(file)
    image.reload()
    for window in windows():
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                area.tag_redraw()


pictures = BuildPictures(job_watch.known.build)
"""Those of the build that the engine's list of jobs tells of."""


def register() -> None:
    """Follow the list of jobs."""
    job_watch.when_looked.append(pictures.update)


def unregister() -> None:
    """Undo `register`."""
    job_watch.when_looked.remove(pictures.update)
    pictures.close()
