# SPDX-License-Identifier: GPL-3.0-or-later
"""Where hair and neck end at the beginning: within the outlines of some frames (a visual hull).

A place that any of them shows beside the head is not the head's. Hair begins under the hull's surface; splats in which
there is nothing (below the neck's cut, over short hair) begin transparent, so that they need not be learnt away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ..scene import RadianceScene, View
    from .network import SplatNetwork

FRAMES = 16
STEPS = 12
"""Heights at which hair is looked for, between none and the highest."""
WITHIN = 0.4
"""Alpha above which a place is within an outline."""
HAIR_BESIDE, SKIN_BESIDE = 0.15, 0.5
"""Share of the frames that may show a place beside the head: mattes and tracking err, and skin is tracked, not carved."""
DEEP = 0.008
"""Metres under the hull's surface within which hair begins."""
CLEAR = -4.0
"""Logit of the opacity of what is beside the head."""


@torch.no_grad()
def begin_within_outlines(network: SplatNetwork, scene: RadianceScene, frames: Sequence[int], seed: int = 0) -> None:
    """Set the heights of the network's hair and the opacity of what is beside the head from up to 16 of the `frames`."""
    chosen = sorted({int(frame) for frame in np.linspace(0, len(frames) - 1, FRAMES)})
    views = [scene.view(int(frames[number])) for number in chosen]
    highest = float(network.rest_offsets[:, 2].max())
    heights = torch.linspace(0, highest, STEPS, device=network.offsets.device)
    shell = network.on_shell
    inside = torch.stack([beside(network, views, shell, float(height)) <= HAIR_BESIDE for height in heights])
    # From the skin up to the first height that is beside the head.
    top = heights[(inside.cumprod(0).sum(0) - 1).clamp(min=0)]
    draws = torch.from_numpy(np.random.default_rng(seed).random(len(top), np.float32)).to(top.device)
    network.rest_offsets[shell, 2] = top - draws * top.clamp(max=DEEP)
    network.offsets[shell] = network.rest_offsets[shell]
    network.opacity_logits[shell] = torch.where(inside[0] & (top > 0), network.opacity_logits[shell], CLEAR)
    gone = beside(network, views, ~shell, 0.0) > SKIN_BESIDE
    network.opacity_logits[~shell] = torch.where(gone, CLEAR, network.opacity_logits[~shell])


def beside(network: SplatNetwork, views: Sequence[View], chosen: Tensor, height: float) -> Tensor:
    """Return, of each `chosen [N]` (bool) splat, the share of views that show its place at this height beside the head."""
    corners = network.binding.corners[chosen].long()
    barycentric = network.binding.barycentric[chosen][..., None]
    found = torch.zeros(len(corners), device=corners.device)
    for view in views:
        triangles = view.head.vertices[corners]
        a, b, c = triangles.unbind(1)
        normals = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
        x, y, z = ((triangles * barycentric).sum(1) + height * normals).unbind(-1)
        camera = view.camera
        columns, rows = (camera.fx * x / z + camera.cx).floor().long(), (camera.fy * y / z + camera.cy).floor().long()
        seen = (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
        places = rows.clamp(0, camera.height - 1), columns.clamp(0, camera.width - 1)
        found += seen & (view.alpha[places] < WITHIN) & (view.weight[places] > 0)
    return found / len(views)
