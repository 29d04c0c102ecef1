# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair that hangs beside ears and neck, where no scalp is beneath: as far out as some frames show it there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ....tracking.mattes.head_region import AROUND_HEAD
from ..outlines import outline_of
from ..visual_hull import pixels_above, some_of
from .placement import LARGEST, LOWEST, SMALLEST, SPREAD, triangle_areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....tracking.heads.arrays import Floats, Integers
    from ..scene import RadianceScene
    from .placement import Placement

HEIGHTS = np.linspace(0.01, AROUND_HEAD, 8)
"""Metres above the skin at which hair is looked for; nearer, a tracked neck may be taken for it."""
SHOWN = 0.5
"""Share of the frames that must show it."""
LAYER = 0.01
"""Metres of hair that one layer of splats fills."""
SHARE = 0.2
"""Of the splats that there are, as many are added at most."""


def with_hanging_hair(placement: Placement, scene: RadianceScene, frames: Sequence[int], seed: int = 0) -> Placement:
    """Return the placement with further splats beside ears and neck, where up to 16 of the `frames` show hair."""
    surface = scene.surface
    triangles = surface.triangles[surface.sides[surface.triangles].all(1)]
    tops = shown_up_to(scene, frames, triangles)
    triangles, tops = triangles[tops > 0], tops[tops > 0]
    if not len(triangles):
        return placement
    draws = np.random.default_rng(seed)
    covered = triangle_areas(surface.rest, triangles) * (tops / LAYER)
    usual = np.square(placement.sizes[:, 0] / SPREAD).mean()
    count = int(min(SHARE * len(placement.sizes), np.ceil(covered.sum() / usual)))
    chosen = draws.choice(len(triangles), count, p=covered / covered.sum())
    size = np.clip(SPREAD * np.sqrt(covered.sum() / count), SMALLEST, LARGEST)
    added = {
        "corners": triangles[chosen].astype(np.int32),
        "barycentric": draws.dirichlet([2, 2, 2], count).astype(np.float32),
        "heights": draws.uniform(LOWEST, tops[chosen]).astype(np.float32),
        "sizes": np.full((count, 3), size, np.float32),
        "on_shell": np.ones(count, bool),
        "beside": np.zeros(count, bool),
    }
    return replace(placement, **{name: np.concatenate([getattr(placement, name), new]) for name, new in added.items()})


def shown_up_to(scene: RadianceScene, frames: Sequence[int], triangles: Integers) -> Floats:
    """Return `[T]` metres: how far above each of the `triangles [T, 3]` frames show hair beside the head; 0 is nowhere.

    What is before or behind the head hides in its outline and tells nothing of hair.
    """
    chosen = some_of(frames)
    corners, weights = torch.from_numpy(triangles.astype(np.int64)), torch.full((len(triangles), 3, 1), 1 / 3)
    shown = torch.zeros(len(HEIGHTS), len(triangles))
    for frame in chosen:
        view = scene.view(frame, whole=True)
        outline = torch.from_numpy(outline_of(scene, view.head, neck=True)).to(view.alpha.device)
        hair = (view.alpha > 0.5) & (view.weight > 0) & ~outline
        for place, height in enumerate(HEIGHTS):
            seen, rows, columns = pixels_above(view, corners.to(hair.device), weights.to(hair.device), float(height))
            shown[place] += (seen & hair[rows, columns]).cpu()
    often = (shown / len(chosen) >= SHOWN).numpy()
    tops: Floats = np.where(often, HEIGHTS[:, None], 0).max(0).astype(np.float32)
    return tops
