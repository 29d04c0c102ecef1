# SPDX-License-Identifier: GPL-3.0-or-later
"""A trained head of splats as plain arrays, for programs that know neither PyTorch nor the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ....protocol.splats import SH_0, SplatCloud, triangle_frames
from ..scene import PosedHead
from .network import harmonics

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor

    from ....tracking.heads.arrays import Floats, Integers
    from .network import SplatNetwork


@torch.no_grad()
def cloud_of(network: SplatNetwork, rest: Floats, triangles: Integers) -> SplatCloud:
    """Bake a network: what expression and rotation change in shape and colour stays as it is for the head at rest.

    The light stays where it falls on the head at rest that looks into the camera.

    Args:
        network: the splats.
        rest: `[V, 3]` the person without expression, in head space.
        triangles: `[T, 3]` of the head, wound outward.
    """
    device, rest = network.offsets.device, np.asarray(rest, np.float32)
    expressions = network.condition_range.shape[1] - 3
    head = PosedHead(
        torch.from_numpy(rest).to(device), torch.zeros(expressions, device=device), torch.eye(3, device=device)
    )
    prepared = network.prepare(head)
    corners = as_numpy(network.binding.corners)
    moved = as_numpy(prepared.vertices)
    frames = triangle_frames(*(moved[corners[:, corner]] for corner in range(3)))
    normals = torch.from_numpy(frames[:, :, 2]).to(device)
    lit = torch.sigmoid(prepared.logits) * (1 + harmonics(normals) @ network.light)
    return SplatCloud(
        rest=rest,
        triangles=np.asarray(triangles, np.int32),
        displacements=as_numpy(prepared.displacements),
        corners=corners,
        barycentric=as_numpy(network.binding.barycentric),
        offsets=as_numpy(network.offsets),
        scales=as_numpy(network.log_scales.exp()),
        rotations=as_numpy(torch.nn.functional.normalize(network.rotations, dim=-1)),
        opacities=as_numpy(prepared.opacities),
        harmonics=as_numpy((lit - 0.5) / SH_0),
    )


def as_numpy(tensor: Tensor) -> NDArray[Any]:
    """A tensor's values as a contiguous array of the same shape and kind."""
    values: NDArray[Any] = tensor.detach().cpu().contiguous().numpy()
    return values
