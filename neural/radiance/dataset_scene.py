# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracking dataset as a scene to learn a head from: the central windows, with mattes of the head alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...tracking.datasets.pictures import central_window
from ...tracking.heads.registry import open_head
from ...tracking.mattes.head_only import HeadOnly
from ...tracking.media.video import scaled
from ...tracking.performances.maps import frame_vertices
from .outlines import outline_of
from .scene import AROUND_HEAD, RadianceScene
from .surfaces import surface_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...tracking.datasets.dataset import Dataset
    from ...tracking.heads.arrays import Floats

BYTES, MOST_BYTES = 5, 2 << 30
"""A pixel, and all pictures together."""
SEEN = 8
"""Of 255: a matte below it shows nothing."""


class StoredMattes:
    """A matting that gives back a dataset's own mattes of some frames, in order."""

    def __init__(self, dataset: Dataset, names: Sequence[str]) -> None:
        self._files = (dataset.matte(name) for name in names)

    def __call__(self, _rgb: NDArray[np.uint8], /) -> Floats:
        """Return the next matte `[H, W]`, 0 to 1."""
        return read(next(self._files), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255

    def close(self) -> None:
        """Nothing to free."""


def scene_of_dataset(
    dataset: Dataset, frames: Sequence[int] | None = None, side: int | None = None, listener: Listener = silent
) -> RadianceScene:
    """Read frames of a dataset into memory: 5 bytes a pixel and frame.

    Clothes and background are to be transparent. What is the head's but farther from the tracked one than splats reach
    (long hair) counts nothing: it cannot be shown, nor should hair end there.

    Args:
        dataset: the dataset.
        frames: which; evenly fewer of them are read where they would take more than `MOST_BYTES`; all by default.
        side: pixels of the pictures' side; the dataset's own where it is less, or not given.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: a picture is missing or damaged, or the head is not on this machine.
    """
    side = min(side or dataset.size, dataset.size)
    chosen = as_many_as_fit(range(len(dataset.names)) if frames is None else frames, side)
    performance = dataset.performance().at(np.asarray(chosen))
    names = [dataset.names[index] for index in chosen]
    head = open_head(performance.head, performance.extra.get("head_path"))
    neutral = head.neutral(performance.identity)
    count = len(performance)
    vertices = np.stack([frame_vertices(head, performance, index, neutral) for index in range(count)])
    colours = np.empty((count, side, side, 3), np.uint8)
    alphas = np.empty((count, side, side), np.uint8)
    head_only = HeadOnly(StoredMattes(dataset, names), head, performance)
    clock = Clock("Reading the footage", count, listener)
    for index, name in enumerate(names):
        clock.tell(index)
        picture = cv2.cvtColor(read(dataset.image(name), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        alphas[index] = scaled(central_window(np.round(head_only(picture) * 255).astype(np.uint8)), side)
        colours[index] = scaled(central_window(picture), side)
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


def as_many_as_fit(frames: Sequence[int], side: int) -> Sequence[int]:
    """Return the frames `[N]`, or as many of them, evenly apart, as fit into `MOST_BYTES` with `side` pixels a side."""
    most = max(1, MOST_BYTES // (BYTES * side * side))
    if len(frames) <= most:
        return list(frames)
    return [frames[place] for place in np.linspace(0, len(frames) - 1, most).round().astype(int)]


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
