# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracking dataset as a scene to learn a head from: the central windows, with mattes of the head alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ...common.clock import Clock
from ...common.progress import Listener, silent
from ...protocol.foreground import own_colours
from ...tracking.datasets.pictures import read_matte, read_window
from ...tracking.heads.registry import open_head
from ...tracking.mattes.head_region import head_mattes, within_reach
from ...tracking.performances.maps import frame_vertices
from .scene import RadianceScene
from .surfaces import surface_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...tracking.datasets.dataset import Dataset

BYTES, MOST_BYTES = 5, 2 << 30
"""A pixel, and all pictures together."""
NECK = 3
"""Where the neck is cut, one part in so many of it is left where it begins to fade in what is learnt."""
SEEN = 8
"""Of 255: a matte below it shows nothing."""
HALF = 127
"""Of 255: a matte above it shows the person rather than what is behind."""
CUT_AWAY = 0.05
"""Weight of footage's pixels that show the person, but are cut off the head."""


def scene_of_dataset(
    dataset: Dataset, frames: Sequence[int] | None = None, side: int | None = None, listener: Listener = silent
) -> RadianceScene:
    """Read frames of a dataset into memory: 5 bytes a pixel and frame.

    Clothes and background are to be transparent, and soft pixels have the person's own colours. What is the head's but
    farther from the tracked one than splats reach (long hair) counts nothing: it cannot be shown, nor should hair end
    there. What footage shows of the person below the cut counts little: where a collar or a shoulder cuts the neck off
    in some frames, others show it.

    Args:
        dataset: the dataset.
        frames: which; evenly fewer of them are read where they would take more than `MOST_BYTES`; all by default.
        side: pixels of the pictures' side; the dataset's own where it is less, or not given.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: a picture is missing or damaged, or the head is not on this machine.
    """
    side = min(side or dataset.size, dataset.size)
    whole = dataset.performance()
    photographs = whole.extra.get("photographs", ())
    chosen = as_many_as_fit(range(len(dataset.names)) if frames is None else frames, side, photographs)
    performance = whole.at(np.asarray(chosen))
    head = open_head(performance.head, performance.extra.get("head_path"))
    neutral = head.neutral(performance.identity)
    surface, camera = surface_of(head, performance.identity), performance.camera.resized(side, side)
    count = len(performance)
    posed = [frame_vertices(head, performance, index, neutral) for index in range(count)]
    vertices = np.stack(posed).astype(np.float32)
    colours = np.empty((count, side, side, 3), np.uint8)
    alphas = np.empty((count, side, side), np.uint8)
    weights = np.full((count, side, side), 255, np.uint8)
    mattes = head_mattes(dataset, chosen, head, whole, side)
    clock = Clock("Reading the footage", count, listener)
    for index, (frame, matte) in enumerate(zip(chosen, mattes, strict=True)):
        clock.tell(index)
        person = read_matte(dataset, frame, side)
        alphas[index] = with_lower_neck(matte, person)
        colours[index] = own_colours(read_window(dataset, frame, side), person)
        if not photographs:
            weights[index] = less_below_the_cut(alphas[index], person)
        reached = within_reach(vertices[index], surface.rest, surface.triangles, camera)
        weights[index][~reached & (alphas[index] >= SEEN)] = 0
    return RadianceScene(
        surface,
        torch.from_numpy(vertices),
        torch.from_numpy(np.asarray(performance.expression, np.float32)),
        torch.from_numpy(np.asarray(performance.rotation, np.float32)),
        torch.from_numpy(colours),
        torch.from_numpy(alphas),
        torch.from_numpy(weights),
        camera,
        photographs=tuple(chosen.index(frame) for frame in photographs if frame in chosen),
    )


def with_lower_neck(matte: NDArray[np.uint8], person: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a `matte [H, W]`, 0 to 255, of a head cut off the `person [H, W]`, whose neck fades lower and faster.

    From frame to frame the cut moves a little over the skin, and what is learnt is softer than each: the neck would
    fade where all frames still show it. The outline is the person's and stays.
    """
    return np.minimum(person, NECK * matte.astype(np.uint16)).astype(np.uint8)


def less_below_the_cut(matte: NDArray[np.uint8], person: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `[H, W]`, 0 to 255: how much each pixel counts by what is cut off there.

    `matte [H, W]` is the head's, `person [H, W]` the person's, both 0 to 255. The cut follows collar and shoulders, to
    which a neck does not hold still; to learn that it ends there would thin it out in all frames.
    """
    kept = np.divide(matte, person, out=np.ones(matte.shape, np.float32), where=person > HALF)
    weight: NDArray[np.uint8] = np.round(255 * (CUT_AWAY + (1 - CUT_AWAY) * kept.clip(0, 1))).astype(np.uint8)
    return weight


def as_many_as_fit(frames: Sequence[int], side: int, wanted: Sequence[int] = ()) -> list[int]:
    """Return the frames, or as many of them, evenly apart, as fit into `MOST_BYTES` with `side` pixels a side.

    Those that are `wanted`, of the frames, are there in any case.
    """
    most = max(1, MOST_BYTES // (BYTES * side * side))
    if len(frames) <= most:
        return list(frames)
    evenly = {frames[place] for place in np.linspace(0, len(frames) - 1, most).round().astype(int)}
    return sorted(evenly | set(wanted) & set(frames))
