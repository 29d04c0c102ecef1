# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracking dataset as a scene to learn a head from: the central windows, with mattes of the head alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from ...common.errors import UserError
from ...tracking.heads.registry import open_head
from ...tracking.mattes.head_only import HeadOnly
from ...tracking.performances.maps import frame_vertices
from .outlines import outline_of
from .scene import AROUND_HEAD, RadianceScene
from .surfaces import surface_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ...tracking.datasets.dataset import Dataset
    from ...tracking.heads.arrays import Floats

SEEN = 8
"""Of 255: a matte below it shows nothing."""


class StoredMattes:
    """A matting that gives back a dataset's own mattes, in order."""

    def __init__(self, dataset: Dataset) -> None:
        self._files = (dataset.matte(name) for name in dataset.names)

    def __call__(self, _rgb: NDArray[np.uint8], /) -> Floats:
        """Return the next matte `[H, W]`, 0 to 1."""
        return read(next(self._files), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255

    def close(self) -> None:
        """Nothing to free."""


def scene_of_dataset(dataset: Dataset) -> RadianceScene:
    """Read all frames of a dataset into memory: 5 bytes a pixel and frame.

    Clothes and background are to be transparent. What is the head's but farther from the tracked one than splats reach
    (long hair) counts nothing: it cannot be shown, nor should hair end there.

    Raises:
        UserError: a picture is missing or damaged, or the head is not on this machine.
    """
    performance = dataset.performance()
    head = open_head(performance.head)
    neutral = head.neutral(performance.identity)
    count, side, margin = len(performance), dataset.size, (dataset.image_size - dataset.size) // 2
    vertices = np.stack([frame_vertices(head, performance, index, neutral) for index in range(count)])
    colours = np.empty((count, side, side, 3), np.uint8)
    alphas = np.empty((count, side, side), np.uint8)
    head_only = HeadOnly(StoredMattes(dataset), head, performance)
    window = np.s_[margin : margin + side, margin : margin + side]
    for index, name in enumerate(dataset.names):
        picture = cv2.cvtColor(read(dataset.image(name), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        alphas[index] = np.round(head_only(picture) * 255)[window]
        colours[index] = picture[window]
    scene = RadianceScene(
        surface_of(head, performance.identity),
        torch.from_numpy(vertices.astype(np.float32)),
        torch.from_numpy(np.asarray(performance.expression, np.float32)),
        torch.from_numpy(np.asarray(performance.rotation, np.float32)),
        torch.from_numpy(colours),
        torch.from_numpy(alphas),
        torch.empty(0, dtype=torch.uint8),
        performance.camera.resized(side, side),
    )
    weights = np.stack([weight_of(scene, index) for index in range(count)])
    return replace(scene, weights=torch.from_numpy(weights))


def weight_of(scene: RadianceScene, index: int) -> NDArray[np.uint8]:
    """Return `[H, W]`: 0 for what is the head's, but out of reach of its hair; else 255."""
    head = scene.head(index)
    reach = AROUND_HEAD * scene.camera.fx / float(head.vertices[:, 2].mean())
    within = outline_of(scene, head, grown=reach) | (scene.alphas[index].numpy() < SEEN)
    return np.where(within, 255, 0).astype(np.uint8)


def read(path: Path, mode: int) -> NDArray[np.uint8]:
    """Read a picture.

    Raises:
        UserError: it is missing or damaged.
    """
    picture = cv2.imread(str(path), mode)
    if picture is None:
        raise UserError(f"{path} is missing or damaged; run `semblance track` again.")
    return np.asarray(picture, np.uint8)
