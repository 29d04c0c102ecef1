# SPDX-License-Identifier: GPL-3.0-or-later
"""Where hair and neck end at the beginning: within the outlines of some frames (a visual hull).

Hair begins under the hull's surface; splats in which there is nothing (below the neck's cut, over short hair) begin
transparent, so that they need not be learnt away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..visual_hull import beside_head, some_of, tops_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Floats
    from ..scene import RadianceScene, View
    from .placement import Placement

STEPS = 12
"""Heights at which hair is looked for, between none and the highest."""
HAIR_BESIDE, SKIN_BESIDE = 0.15, 0.5
"""Share of the frames that may show a place beside the head: mattes and tracking err; skin is tracked, not carved."""
DEEP = 0.008
"""Metres under the hull's surface within which hair begins."""


def within_outlines(placement: Placement, scene: RadianceScene, frames: Sequence[int], seed: int = 0) -> Placement:
    """Return the placement with hair no higher than up to 16 of the `frames` show it, and what is `beside` the head."""
    views = [scene.view(frame) for frame in some_of(frames)]
    hair = placement.on_shell
    beside, placed = np.zeros(len(hair), bool), placement.heights.copy()
    beside[~hair] = share_beside(placement, views, ~hair, 0.0) > SKIN_BESIDE
    if hair.any():
        heights = np.linspace(0, placed.max(), STEPS, dtype=np.float32)
        shown = np.stack([share_beside(placement, views, hair, float(height)) <= HAIR_BESIDE for height in heights])
        top = tops_of(shown, heights)
        draws = np.random.default_rng(seed).random(len(top), np.float32)
        placed[hair] = top - draws * np.minimum(top, DEEP)
        beside[hair] = top == 0
    return replace(placement, heights=placed, beside=beside)


def share_beside(placement: Placement, views: Sequence[View], which: NDArray[np.bool_], height: float) -> Floats:
    """Return, of each splat of `which [N]`, the share of views that show its place at this height beside the head."""
    corners = torch.from_numpy(placement.corners[which].astype(np.int64))
    weights = torch.from_numpy(placement.barycentric[which])[..., None]
    found = torch.zeros(len(corners))
    for view in views:
        found += beside_head(view, corners.to(view.alpha.device), weights.to(view.alpha.device), height).cpu()
    shares: Floats = (found / len(views)).cpu().numpy()
    return shares
