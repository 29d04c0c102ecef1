# SPDX-License-Identifier: GPL-3.0-or-later
"""How far hair lies off the tracked head, which is bald: rays look for a person close to a surface only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from ....tracking.heads.shading import vertex_normals
from ....tracking.mattes.head_region import AROUND_HEAD
from ..outlines import outline_of
from ..visual_hull import beside_head, pixels_above, some_of, tops_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Floats, Integers
    from ..scene import HeadSurface, RadianceScene

HEIGHTS = np.linspace(0, AROUND_HEAD, 19, dtype=np.float32)
"""Metres above the skin at which outlines are looked for."""
AT_OUTLINE = 0.005
"""Places of which so much above the skin is beside the tracked head: there the person's outline tells of hair."""
SHOWN, LEAST = 0.3, 1e-6
"""How much a height that outlines tell counts, and to have none, where to be level with each neighbour counts 1."""


def hair_of(scene: RadianceScene, frames: Sequence[int]) -> Floats:
    """Return `[V, 3]` metres in head space: where up to 16 of the `frames` show the surface of the hair, off the skin.

    Outlines tell it where the head is seen from the side; between these places and the bare skin it is drawn smoothly.
    """
    surface = scene.surface
    haired = surface.scalp | surface.sides
    triangles = surface.triangles[haired[surface.triangles].all(1)]
    told = np.stack([heights_at_outline(scene, frame, triangles) for frame in some_of(frames)])
    known = ~np.isnan(told).all(0)
    if not known.any():
        return np.zeros_like(surface.rest)
    heights = smooth_heights(surface, haired, triangles[known], np.nanmedian(told[:, known], 0))
    hair: Floats = heights[:, None] * vertex_normals(surface.rest, surface.triangles)
    return hair


def heights_at_outline(scene: RadianceScene, frame: int, triangles: Integers) -> Floats:
    """Return `[T]` metres up to which a frame shows the person above `triangles [T, 3]`; nan off the head's outline."""
    view = scene.view(frame, whole=True)
    device = view.alpha.device
    corners = torch.from_numpy(triangles.astype(np.int64)).to(device)
    weights = torch.full((len(triangles), 3, 1), 1 / 3, device=device)
    outline = torch.from_numpy(outline_of(scene, view.head, neck=True)).to(device)
    seen, rows, columns = pixels_above(view, corners, weights, AT_OUTLINE)
    at_outline = (seen & ~outline[rows, columns]).cpu().numpy()
    within = np.stack([(~beside_head(view, corners, weights, float(height))).cpu().numpy() for height in HEIGHTS])
    found: Floats = np.where(at_outline, tops_of(within, HEIGHTS), np.nan).astype(np.float32)
    return found


def smooth_heights(surface: HeadSurface, haired: NDArray[np.bool_], known: Integers, tops: Floats) -> Floats:
    """Return `[V]` metres: none where nothing is `haired [V]`, near `tops [K]` on the triangles `known [K, 3]`."""
    count = len(surface.rest)
    edges = np.unique(np.sort(surface.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1), axis=0)
    links = coo_array((np.ones(len(edges)), edges.T), (count, count)).tocsr()
    links = links + links.T
    told = SHOWN * np.bincount(known.ravel(), minlength=count)
    wanted = SHOWN * np.bincount(known.ravel(), np.repeat(tops, 3), count)
    system = (diags_array(links.sum(1) + told + LEAST) - links).tocsc()
    free = np.flatnonzero(haired)
    heights = np.zeros(count, np.float32)
    heights[free] = spsolve(system[free][:, free], wanted[free])
    return heights
