# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of more than 8 bits a sample, whole numbers or floating point, as 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import PIL.Image
import tifffile
from PIL.ExifTags import Base

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..heads.arrays import Image

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BRIGHTEST_LIGHT = 4.0
"""Floating-point pictures whose brightest hundredth exceeds this do not count from 0 to 1."""
ICC_PROFILE = 34675
"""TIFF's tag of an embedded profile."""


def is_deep_tiff(start: bytes, path: Path) -> bool:
    """Tell whether a file that begins so is a TIFF with samples of 32 bits or floating point."""
    if not start.startswith(TIFF_STARTS):
        return False
    try:
        with tifffile.TiffFile(path) as file:
            dtype = first_page(file).dtype
    except (tifffile.TiffFileError, ValueError, KeyError, IndexError):
        return False
    return dtype is not None and (dtype.kind == "f" or dtype.itemsize >= 4)


def first_page(file: tifffile.TiffFile) -> tifffile.TiffPage:
    """Return the first picture of a TIFF."""
    page = file.pages.first
    assert isinstance(page, tifffile.TiffPage)
    return page


def deep_pixels(path: Path) -> PIL.Image.Image:
    """Return a TIFF of deep samples as grey, RGB or RGBA of 8 bits, with its profile and orientation.

    Raises:
        OSError, ValueError: it is damaged, or packed in a way that nothing here unpacks.
    """
    with tifffile.TiffFile(path) as file:
        page = first_page(file)
        try:
            samples = page.asarray()
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and samples.ndim == 3:
                samples = np.moveaxis(samples, 0, -1)
        except (ValueError, ImportError):  # packed in a way that asks tifffile for another library
            samples = unpacked(path)
        orientation = page.tags.valueof(int(Base.Orientation), 1)
        profile = page.tags.valueof(ICC_PROFILE)
    channels = samples.shape[2] if samples.ndim == 3 else 1
    samples = (
        samples[..., : 3 if channels == 3 else 4] if channels > 2 else samples.reshape(*samples.shape[:2], -1)[..., 0]
    )
    picture = PIL.Image.fromarray(of_eight_bits(samples))
    picture.getexif()[Base.Orientation] = orientation
    if profile:
        picture.info["icc_profile"] = bytes(profile)
    return picture


def unpacked(path: Path) -> NDArray[Any]:
    """Decode a TIFF with OpenCV: `[H, W]`, or `[H, W, 3 or 4]` RGB.

    Raises:
        ValueError: it cannot.
    """
    samples: NDArray[Any] | None = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise ValueError("OpenCV cannot decode it")
    if samples.ndim == 3:
        samples = cv2.cvtColor(samples, cv2.COLOR_BGRA2RGBA if samples.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return samples


def eight_bits(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return a grey picture of deep samples (Pillow's modes I and F) with 8 bits, all it says of itself kept."""
    result = PIL.Image.fromarray(of_eight_bits(np.asarray(picture)))
    result.info.update(picture.info)
    result.getexif().update(picture.getexif())
    return result


def of_eight_bits(samples: NDArray[Any]) -> Image:
    """Return samples of any type as 0 to 255, by what white seems to be: 1, or the last of 8, 16 or 32 bits.

    Floating-point samples are taken as they are shown, not as linear light.
    """
    samples = np.nan_to_num(samples, nan=0.0, posinf=float(np.finfo(np.float16).max), neginf=0.0)
    white = white_of(samples)
    scaled: Image = np.clip(np.round(samples * (255 / white)), 0, 255).astype(np.uint8)
    return scaled


def white_of(samples: NDArray[Any]) -> float:
    """Return the value that stands for white."""
    if samples.dtype == np.uint16:
        return 65535.0
    if samples.dtype.kind == "f" and np.percentile(samples, 99) <= BRIGHTEST_LIGHT:
        return 1.0
    largest = float(samples.max())
    last = float(np.iinfo(samples.dtype).max) if samples.dtype.kind in "iu" else largest
    return next((white for white in (255.0, 65535.0) if largest <= white), last)
