# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples with faces bent a little, footage and maps alike: expressions that the footage does not show.

The published training has none of it. A short video shows few expressions, and a network that has seen a mouth only in
the middle paints it there wherever the maps say it is; bent samples teach it to follow the maps. They are softer than
the footage, so that fine detail and the discriminator are taught with the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ....tracking.heads.arrays import Floats

Places = tuple[NDArray[Any], NDArray[Any]]
"""Of `cv2.convertMaps`."""
PictureName = Literal["footage", "matte", "expressive", "texture", "uv"]
SMOOTHLY: dict[PictureName, int] = {
    "footage": cv2.INTER_CUBIC,
    "matte": cv2.INTER_LINEAR,
    "expressive": cv2.INTER_LINEAR,
    "texture": cv2.INTER_LINEAR,
}
"""How each kind of picture is resampled; UV maps in a way of their own."""
MOST_SWELLS = 3
NARROWEST, WIDEST = 10.0, 50.0
"""Standard deviation of a swell in pixels of the maps: from a corner of the mouth to half a face."""
STEEPEST = 0.3
"""How far a swell's middle moves at most, over its standard deviation; at 1.6 the picture would fold."""
SPACING = 4
"""Pixels of the maps between two of which it is said how they move; swells are much wider."""
EDGE = 0.04 * 65535
"""Difference of a UV map's values in a 3x3 neighbourhood of different surfaces, which must not be mixed."""


def bends(shown: NDArray[np.bool_], random: np.random.Generator) -> Floats:
    """Draw how samples are bent.

    `shown`, bool `[B, S, S]`, says where the maps show the face. Return `[B, S/4, S/4, 2]` x and y, pixels of the maps:
    where every fourth pixel of the bent picture comes from, relative to itself.
    """
    bent = np.zeros((len(shown), shown.shape[1] // SPACING, shown.shape[2] // SPACING, 2), np.float32)
    along = (np.arange(bent.shape[1], dtype=np.float32) + 0.5) * SPACING - 0.5
    for sample, face in zip(bent, shown, strict=True):
        places = np.flatnonzero(face)
        if not len(places):
            continue
        for _ in range(random.integers(1, MOST_SWELLS + 1)):
            row, column = divmod(int(random.choice(places)), face.shape[1])
            width = np.exp(random.uniform(np.log(NARROWEST), np.log(WIDEST)))
            moved, angle = random.uniform(0, STEEPEST) * width, random.uniform(0, 2 * np.pi)
            down, across = (np.exp(-((along - middle) ** 2) / (2 * width**2)) for middle in (row, column))
            swell = np.outer(down, across)[..., None].astype(np.float32)
            sample += swell * np.array([moved * np.cos(angle), moved * np.sin(angle)], np.float32)
    return bent


def bend(pictures: Mapping[PictureName, NDArray[Any]], bent: Floats) -> None:
    """Bend pictures `[B, H, H, ...]` of the same square in place; `bent` is of `bends`."""
    for index in np.flatnonzero(bent.any((1, 2, 3))):
        origins = {side: origin(bent[index], side) for side in {picture.shape[1] for picture in pictures.values()}}
        for kind, picture in pictures.items():
            sample, places = picture[index], origins[picture.shape[1]]
            picture[index] = bent_uv(sample, places) if kind == "uv" else remapped(sample, places, SMOOTHLY[kind])


def origin(bent: Floats, side: int) -> Places:
    """Where each pixel of a picture `[side, side]` comes from, as `cv2.remap` likes it."""
    moved = cv2.resize(bent, (side, side)) * np.float32(side / (SPACING * len(bent)))
    along = np.arange(side, dtype=np.float32)
    across, down = cv2.convertMaps(moved[..., 0] + along, moved[..., 1] + along[:, None], cv2.CV_16SC2)
    return across, down


def bent_uv(uv: NDArray[np.uint16], places: Places) -> NDArray[np.uint16]:
    """A UV map `[S, S, 3]` of 16 bits at the places, surfaces apart."""
    steepness = cv2.morphologyEx(uv, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    edge = (steepness[..., 0] > EDGE) | (steepness[..., 1] > EDGE) | (steepness[..., 2] > EDGE)
    mixed = remapped(edge.astype(np.uint8), places, cv2.INTER_NEAREST)
    smooth, nearest = (remapped(uv, places, how) for how in (cv2.INTER_LINEAR, cv2.INTER_NEAREST))
    return np.where(mixed[..., None], nearest, smooth)


def remapped(picture: NDArray[Any], places: Places, how: int) -> NDArray[Any]:
    """The picture `[H, W]` or `[H, W, C]` at the places; the border repeats."""
    moved: NDArray[Any] = cv2.remap(np.ascontiguousarray(picture), *places, how, borderMode=cv2.BORDER_REPLICATE)
    return moved
