# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the footage counts when pictures are compared with it: all of the person, or the head alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...protocol.foreground import own_colours
from ...tracking.datasets.pictures import read_matte
from ...tracking.heads.registry import open_head
from ...tracking.mattes.head_region import head_mattes, within_reach
from ...tracking.performances.maps import frame_vertices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ...protocol.choices import RegionName
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.heads.arrays import Floats, Image
    from ..kind import Kind

TITLES: dict[RegionName, str] = {"head": "head pixels only", "person": "background removed"}
EXPLANATIONS: dict[RegionName, str] = {
    "head": (
        "Compared are head and hair, without clothes and without the neck below the chin: PSNR and SSIM of these "
        "pixels alone, all else of pictures in which the rest is black; what an avatar leaves empty is black, too. At "
        "soft edges, footage and pictures that fill the window count with the person's own colours, freed of what is "
        "behind."
    ),
    "person": "Compared are whole pictures, in which all but the person is black.",
}
HALF = 0.5
"""Matte from which a pixel is one of the head's."""


@dataclass(frozen=True)
class Region:
    """What counts in one frame.

    Attributes:
        matte: `[R, R]`, 0 to 1; what is outside is black in the picture and in the footage.
        counted: bool `[R, R]`, where PSNR and SSIM are measured; None where that is everywhere.
        person: `[R, R]`, 0 to 255, how far each pixel is the person's; None where mixed colours count as they are.
    """

    matte: Floats
    counted: NDArray[np.bool_] | None = None
    person: NDArray[np.uint8] | None = None

    def alone(self, picture: Image) -> Image:
        """Return the colours that count of a picture `[R, R, 3]` of the person before their background."""
        return picture if self.person is None else own_colours(picture, self.person)


def usual_region(kind: Kind) -> RegionName:
    """Return what avatars of a kind are compared in: without a backdrop they are heads alone."""
    return "person" if kind.has_backdrop else "head"


def regions(dataset: Dataset, frames: Sequence[int], name: RegionName, side: int) -> Iterator[Region]:
    """Yield the region of each of the frames, in order, `side` pixels square.

    Raises:
        UserError: a matte is missing or damaged, or the head's pixels are asked for where they cannot be known.
    """
    return head_regions(dataset, frames, side) if name == "head" else person_regions(dataset, frames, side)


def person_regions(dataset: Dataset, frames: Sequence[int], side: int) -> Iterator[Region]:
    """Yield the matte, as it is stored, of each frame."""
    for index in frames:
        yield Region(read_matte(dataset, index, side).astype(np.float32) / 255)


def head_regions(dataset: Dataset, frames: Sequence[int], side: int) -> Iterator[Region]:
    """Yield head and hair, as far as hair is looked for, of each frame; no clothes, and not below the neck's cut."""
    if dataset.is_foreign:
        raise UserError(
            f"{dataset.folder} has no motion, so the head cannot be told from clothes; use --region person."
        )
    performance = dataset.performance()
    head = open_head(performance.head, performance.extra.get("head_path"))
    neutral, camera = head.neutral(performance.identity), performance.camera.resized(side, side)
    for index, stored in zip(frames, head_mattes(dataset, frames, head, performance, side), strict=True):
        reached = within_reach(frame_vertices(head, performance, index, neutral), neutral, head.triangles, camera)
        matte = stored.astype(np.float32) / 255 * reached
        yield Region(matte, matte > HALF, read_matte(dataset, index, side))
