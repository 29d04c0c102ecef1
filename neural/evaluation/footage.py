# SPDX-License-Identifier: GPL-3.0-or-later
"""What avatars are painted from at a dataset's frames, and what they and the footage show there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...protocol.inputs import Maps
from ...tracking.datasets.pictures import read_map
from ...tracking.datasets.writer import as_bytes
from ..rendering.frames import DRAWING
from .metrics import without_background

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ...protocol.inputs import Inputs
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.heads.arrays import Floats, Image
    from ..avatar import Avatar
    from ..rendering.frames import Draw


@dataclass(frozen=True)
class Covered:
    """A picture, and what of it is there.

    Attributes:
        colour: RGB uint8 `[R, R, 3]`.
        alpha: `[R, R]`, or `[1, 1]` for all pixels alike: 0 to 1.
    """

    colour: Image
    alpha: Floats = field(default_factory=lambda: np.ones((1, 1), np.float32))

    @property
    def fills(self) -> bool:
        """Whether the picture fills the window, as footage does: at soft edges it shows what is behind, too."""
        return self.alpha.size == 1

    @property
    def over_black(self) -> Image:
        """The picture, RGB uint8 `[R, R, 3]`, black where nothing is."""
        return as_bytes(without_background(self.colour, self.alpha))


def painted(avatar: Avatar, inputs: Inputs) -> Covered:
    """Return what an avatar shows of inputs of one frame; with a backdrop of its own it covers all of the picture."""
    rgba = avatar.render(inputs).rgba[0]
    if avatar.kind.has_backdrop:
        return Covered(rgba[..., :3])
    return Covered(rgba[..., :3], rgba[..., 3].astype(np.float32) / 255)


@contextmanager
def inputs_of(avatar: Avatar, dataset: Dataset, side: int) -> Iterator[Draw]:
    """Give what an avatar is painted from at a frame of a dataset of its own, by the frame's index.

    Maps are read as they are stored; a mesh is posed as the dataset's performance has it, before a camera whose
    picture is `side` pixels square.

    Raises:
        UserError: the avatar's head is not on this machine; later, a map is missing or damaged.
    """
    if avatar.kind.inputs is Maps:
        yield lambda index: stored_maps(dataset, index)
        return
    performance = dataset.performance()
    sized = replace(performance, camera=performance.camera.resized(side, side))
    with DRAWING[avatar.kind.inputs](avatar.open_head(), sized) as draw:
        yield draw


def stored_maps(dataset: Dataset, index: int) -> Maps:
    """Read the maps of a frame.

    Raises:
        UserError: a map is missing or damaged.
    """
    name = dataset.names[index]
    return Maps(read_map(dataset.uv_map(name))[None], read_map(dataset.texture_map(name))[None])


def face_of(dataset: Dataset, index: int, side: int) -> NDArray[np.bool_]:
    """Return the UV map's region in the central window of a frame, `[side, side]`.

    Raises:
        UserError: the map is missing or damaged.
    """
    mask = read_map(dataset.uv_map(dataset.names[index]))[..., 2]
    face: NDArray[np.bool_] = cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST) > 0.5
    return face
