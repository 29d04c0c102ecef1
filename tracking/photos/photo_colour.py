# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of photos to sRGB: by an embedded ICC profile, by PNG's gamma and primaries, or as Exif says Adobe RGB."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
from PIL import ImageCms
from PIL.ExifTags import IFD, Base

from ..media.colorimetry import CHROMATICITIES, Chromaticities, Primaries, Transfer, light
from ..media.colour_map import made

MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "LAB": "LAB"}
"""Pillow's mode of the pixels that a profile of some colour space is for."""
ADOBE_RGB: Chromaticities = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))
ADOBE_GAMMA = 563 / 256
"""Adobe RGB (1998), Sec. 4.3.4."""
UNCALIBRATED, NOT_STANDARD_ADOBE = 0xFFFF, 2
"""Exif's ColorSpace of a picture that is not sRGB; some cameras write the second for Adobe RGB."""
SCREEN_GAMMA, SAME_GAMMA, SAME_PLACE = 1 / 2.2, 0.01, 0.003
"""PNG's gamma that stands for sRGB's curve, and how far gamma and chromaticities may be off to be taken as sRGB's."""


def in_srgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return a picture of any mode with 8 bits a sample, in sRGB's colours: RGB, or RGBA where it has transparency."""
    alpha = alpha_of(picture)
    plain = without_alpha(picture)
    profile = picture.info.get("icc_profile")
    result = by_profile(plain, profile) if profile else None
    if result is None:
        result = by_tags(plain.convert("RGB"), picture)
    if alpha is not None:
        result.putalpha(alpha)
    return result


def alpha_of(picture: PIL.Image.Image) -> PIL.Image.Image | None:
    """Return a picture's opacity, None where it has none."""
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        return picture.convert("RGBA").getchannel("A")
    return None


def without_alpha(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return a picture's colours as grey, RGB, CMYK or Lab."""
    if picture.mode in MODES.values():
        return picture
    return picture.convert("L" if picture.mode in ("1", "LA", "La") else "RGB")


def by_profile(picture: PIL.Image.Image, profile: bytes) -> PIL.Image.Image | None:
    """Return a picture in sRGB by an ICC profile; None where the profile is damaged or of another kind of picture."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if MODES.get(source.profile.xcolor_space.strip().upper()) != picture.mode:
            return None
        return ImageCms.profileToProfile(
            picture,
            source,
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def by_tags(rgb: PIL.Image.Image, tagged: PIL.Image.Image) -> PIL.Image.Image:
    """Return an RGB picture without a profile in sRGB, by what the file's own picture says of its colours."""
    if "srgb" in tagged.info:
        return rgb
    if says_adobe_rgb(tagged):
        return converted(rgb, ADOBE_GAMMA, ADOBE_RGB)
    gamma, places = tagged.info.get("gamma", SCREEN_GAMMA), tagged.info.get("chromaticity")
    srgb = CHROMATICITIES[Primaries.BT709]
    chromaticities = chromaticities_of(places) if places else srgb
    if not 0.1 < gamma <= 2 or chromaticities is None:
        return rgb
    near = np.allclose(chromaticities, srgb, atol=SAME_PLACE)
    if abs(gamma - SCREEN_GAMMA) < SAME_GAMMA:
        return rgb if near else converted(rgb, None, chromaticities)
    return converted(rgb, 1 / gamma, srgb if near else chromaticities)


def says_adobe_rgb(picture: PIL.Image.Image) -> bool:
    """Tell whether a camera says that it wrote Adobe RGB (DCF's "R03")."""
    exif = picture.getexif()
    space = exif.get_ifd(IFD.Exif).get(Base.ColorSpace)
    return space == NOT_STANDARD_ADOBE or (space == UNCALIBRATED and exif.get_ifd(IFD.Interop).get(1) == "R03")


def chromaticities_of(places: tuple[float, ...]) -> Chromaticities | None:
    """Return x, y of red, green, blue and white from PNG's order; None where they span no colours."""
    white, red, green, blue = (places[start : start + 2] for start in (0, 2, 4, 6))
    corners = np.array([red, green, blue])
    area = np.linalg.det(np.column_stack([corners, np.ones(3)])) / 2
    if white[1] <= 0 or abs(area) < 1e-3:
        return None
    return (red[0], red[1]), (green[0], green[1]), (blue[0], blue[1]), (white[0], white[1])


def converted(rgb: PIL.Image.Image, gamma: float | None, chromaticities: Chromaticities) -> PIL.Image.Image:
    """Return an RGB picture in sRGB from other primaries and a display's gamma; None stands for sRGB's own curve."""
    codes = np.arange(256) / 255
    shown = light(Transfer.SRGB, codes) if gamma is None else codes**gamma
    samples = np.asarray(rgb)
    return PIL.Image.fromarray(made(shown, chromaticities, Transfer.SRGB)([samples[..., each] for each in range(3)]))
