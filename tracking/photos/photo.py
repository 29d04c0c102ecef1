# SPDX-License-Identifier: GPL-3.0-or-later
"""One photo becomes a dataset: its head is solved, made to perform, and filmed (OPHAvatars in its simplest form)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageOps

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, Progress, silent
from ..datasets.dataset import ENLARGED, Dataset
from ..datasets.writer import DatasetWriter
from ..detection.landmarks import landmarks_of_photo
from ..mattes.selfie_matting import builtin_matting
from ..media.crop import cut
from ..solving.solver import solve_still
from .calibration import FRAMES, calibration_performance
from .coarse_video import CoarseVideo

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..mattes.matting import MattingMaker
    from ..performances.performance import Crop, Performance

MOST_PIXELS = 4096
"""Larger photos are shrunk to this length of their longer side: no avatar shows more."""


def photo_dataset(
    photo: str | Path,
    folder: str | Path,
    *,
    head: MorphableHead,
    size: int = 512,
    frames: int = FRAMES,
    matting: MattingMaker = builtin_matting,
    listener: Listener = silent,
) -> Dataset:
    """Make a dataset of `frames` pictures from one photo of one person.

    Args:
        photo: a picture file; its EXIF rotation is respected.
        folder: where the dataset goes; an earlier dataset there is replaced.
        head: the morphable head to solve for.
        size: side of the central window in pixels, a multiple of 4.
        frames: length of the calibration performance.
        matting: makes what mattes the photo.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: the photo is missing, unreadable, or does not show exactly one face that is large enough; or the
            folder cannot be written.
    """
    photo = Path(photo)
    listener(Progress("Finding the face", 0, 1, photo.name))
    picture = read_photo(photo)
    landmarks = landmarks_of_photo(picture, photo)
    still = replace(solve_still(head, landmarks, picture, size), source=str(photo))
    performance = calibration_performance(head, still, frames)
    assert still.crop is not None  # a solved photo has the window in which it was solved
    window = cut(picture, still.crop, size)
    with closing(matting(head, still)) as matting_of_photo:
        matte = matting_of_photo(window)
    with DatasetWriter(folder, size) as writer:
        marks = in_window(landmarks[:, :2], still.crop, len(window))
        with CoarseVideo(head, still, window, matte, marks) as video:
            film(video, performance, head.neutral(performance.identity), writer, listener)
        writer.draw_maps(head, performance, listener)
        return writer.finish(performance)


def film(
    video: CoarseVideo, performance: Performance, neutral: Floats, writer: DatasetWriter, listener: Listener = silent
) -> None:
    """Render every frame of a performance and give it to the writer; `neutral [V, 3]` is the person's shape."""
    clock = Clock("Filming the photo", len(performance), listener)
    for index in range(len(performance)):
        clock.tell(index)
        writer.add_picture(index, *video.frame(performance, index, neutral))


def in_window(points: Floats, crop: Crop, size: int) -> Floats:
    """Return points `[N, 2]` of the photo in pixels of its window, cut by `crop.cut` to `size` pixels square."""
    side = crop.side * ENLARGED
    corner = np.array([crop.x, crop.y]) - (side - crop.side) / 2
    return ((points - corner) * (size / side)).astype(np.float32)


def read_photo(path: Path) -> Image:
    """Return a photo `[H, W, 3]`, upright.

    Raises:
        UserError: it is missing or no picture that can be read.
    """
    try:
        with PIL.Image.open(path) as file:
            file.draft("RGB", (MOST_PIXELS, MOST_PIXELS))
            upright = PIL.ImageOps.exif_transpose(file)
            upright.thumbnail((MOST_PIXELS, MOST_PIXELS))
            return flattened(upright)
    except FileNotFoundError:
        raise UserError(f"There is no photo at {path}; check the path.") from None
    except (PIL.UnidentifiedImageError, OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as a picture; choose a whole JPEG or PNG file.") from error


def flattened(picture: PIL.Image.Image) -> Image:
    """Return `[H, W, 3]` of any kind of picture; what is transparent becomes white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    if picture.mode.startswith("I;16"):
        return np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[..., None], 3, 2)
    return np.array(picture.convert("RGB"))
