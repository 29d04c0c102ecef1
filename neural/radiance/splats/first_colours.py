# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours that splats begin with: what some frames show in their places; elsewhere the nearest or mirrored place's.

What no frame shows keeps them, so that a head turned beyond its footage has skin and hair there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from ..kernels.splatting import project
from ..visual_hull import some_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Floats
    from ..scene import RadianceScene, View
    from .network import SplatNetwork

HIDDEN = 0.006
"""Metres behind what is seen at which a splat is hidden."""
WELL_SEEN = 0.3
"""Weight that some frame must have: what is seen at a glance only, or at a soft edge, shows what is beside it."""
MIRRORED = 0.01
"""Metres by which a place on the other side counts as farther."""
CLEAR = 0.02
"""Colours keep so much away from 0 and 1, where their logits end."""


@torch.no_grad()
def begin_with_colours(
    network: SplatNetwork, scene: RadianceScene, frames: Sequence[int], on_shell: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Set the network's colours from up to 16 of the `frames`; `on_shell [N]` tells hair from skin.

    Return `[N]`: which splats some frame shows well.
    """
    found = torch.stack([seen_colours(network, scene.view(frame)) for frame in some_of(frames)])
    total, best = found.sum(0), found[..., 3].amax(0)
    seen: NDArray[np.bool_] = (best > WELL_SEEN).cpu().numpy()
    if not seen.any():
        return seen
    colours = (total[:, :3] / total[:, 3:].clamp(min=1e-6)).cpu().numpy()
    places = places_at_rest(network, scene.surface.rest)
    for alike in (on_shell, ~on_shell):
        known = seen & alike if (seen & alike).any() else seen
        colours[alike & ~seen] = colours[known][nearest(places[alike & ~seen], places[known])]
    clear = torch.from_numpy(colours).clamp(CLEAR, 1 - CLEAR)
    network.colour_logits.copy_(torch.logit(clear).to(total.device))
    return seen


def seen_colours(network: SplatNetwork, view: View) -> Tensor:
    """Return `[N, 4]`: what a view shows in each splat's place, times how well it is seen, and that."""
    prepared = network.prepare(view.head)
    shape = (network.offsets, network.log_scales, network.rotations)
    projected = project(prepared.vertices, network.derived, *shape, prepared.opacities, view.camera)
    depth = network.render(prepared, view.camera).depth
    columns, rows = projected.means.floor().long().unbind(-1)
    inside = (columns >= 0) & (columns < view.camera.width) & (rows >= 0) & (rows < view.camera.height)
    inside &= projected.reach[:, 0] > 0
    columns, rows = columns.clamp(0, view.camera.width - 1), rows.clamp(0, view.camera.height - 1)
    in_front = projected.depths < depth[rows, columns] + HIDDEN
    facing = (-projected.normals[:, 2]).clamp(min=0)
    weight = inside * in_front * facing * view.alpha[rows, columns].square() * view.weight[rows, columns]
    return torch.cat([view.colour[rows, columns] * weight[:, None], weight[:, None]], -1)


def places_at_rest(network: SplatNetwork, rest: Floats) -> Floats:
    """Return `[N, 3]` in head space, on the skin."""
    corners, barycentric = network.corners.cpu().numpy(), network.barycentric.cpu().numpy()
    places: Floats = np.einsum("nca,nc->na", rest[corners], barycentric)
    return places


def nearest(places: Floats, seen: Floats) -> NDArray[np.intp]:
    """Return, for each of the unseen `places [M, 3]`, the number of the nearest `seen [K, 3]`, there or mirrored."""
    tree = cKDTree(seen)
    own, own_number = tree.query(places)
    other, other_number = tree.query(places * np.array([-1, 1, 1], np.float32))
    return np.where(own <= other + MIRRORED, own_number, other_number)
