# SPDX-License-Identifier: GPL-3.0-or-later
"""A trained head of splats as plain arrays, for programs that know neither PyTorch nor the network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ....protocol.splats import FACING_AWAY, SH_0, SplatCloud, triangle_frames
from ....tracking.heads.camera import PinholeCamera
from ....tracking.heads.head import ARKIT_NAMES
from ..kernels.splatting import CUT_OFFS
from ..scene import PosedHead
from ..surfaces import CANONICAL_JAW
from .network import harmonics

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor

    from ....tracking.heads.arrays import Floats
    from ....tracking.heads.head import MorphableHead
    from .network import SplatNetwork


GHOST_VIEW, GHOST_REACH = 256, 0.6
"""Pixels and metres of the views from which splats are looked at that nothing covers."""
GHOST_YAWS = (-30, 0, 30)
COVERED = 0.5
"""Alpha from which on something counts as covered."""


@torch.no_grad()
def cloud_of(network: SplatNetwork, head: MorphableHead, identity: Floats) -> SplatCloud:
    """Bake a network: what expression and rotation change in shape and colour stays as it is for the head at rest.

    The inside of the mouth, which a head at rest hides, is as in an open mouth. The light stays where it falls on the
    head at rest that looks into the camera. Splats that nobody sees, or that only programs would show that draw what
    faces away, are left out.

    Args:
        network: the splats.
        head: of the avatar; identity: `[I]` of the person.
    """
    cloud = every_splat_of(network, head, identity)
    seen = cloud.only(cloud.opacities > CUT_OFFS.least_alpha)
    return seen.only(~ghosts(network, seen))


def every_splat_of(network: SplatNetwork, head: MorphableHead, identity: Floats) -> SplatCloud:
    """Return the network's splats in its order; arguments as in `cloud_of`."""
    rest = head.neutral(np.asarray(identity, np.float32)).astype(np.float32)
    prepared, speaking = (network.prepare(facing(network, rest, jaw)) for jaw in (0.0, CANONICAL_JAW))
    corners, inside = as_numpy(network.corners), inside_of_mouth(head)
    displacements = np.where(inside[:, None], as_numpy(speaking.displacements), as_numpy(prepared.displacements))
    frames = triangle_frames(*((rest + displacements)[corners[:, corner]] for corner in range(3)))
    normals = torch.from_numpy(frames[:, :, 2]).to(prepared.logits)
    of_mouth = torch.from_numpy(inside[corners].all(-1)).to(normals.device)
    colours = torch.sigmoid(torch.where(of_mouth[:, None], speaking.logits, prepared.logits))
    lit = colours * (1 + harmonics(normals) @ network.light)
    return SplatCloud(
        rest=rest,
        triangles=np.asarray(head.triangles, np.int32),
        displacements=displacements,
        corners=corners,
        barycentric=as_numpy(network.barycentric),
        offsets=as_numpy(network.offsets),
        scales=as_numpy(network.log_scales.exp()),
        rotations=as_numpy(torch.nn.functional.normalize(network.rotations, dim=-1)),
        opacities=as_numpy(prepared.opacities),
        harmonics=as_numpy((lit - 0.5) / SH_0),
    )


def facing(network: SplatNetwork, rest: Floats, jaw: float = 0.0) -> PosedHead:
    """The head at rest that looks into the camera, in head space; `jaw` is what its expression says of `jawOpen`."""
    device = network.offsets.device
    straight = torch.eye(3, device=device)
    expression = torch.zeros(network.config["expressions"], device=device)
    expression[ARKIT_NAMES.index("jawOpen")] = jaw
    return PosedHead(torch.from_numpy(rest).to(device), expression, straight, straight)


def inside_of_mouth(head: MorphableHead) -> NDArray[np.bool_]:
    """Return `[V]`: what only an open mouth shows."""
    inside = np.zeros(len(head.mean), bool)
    for name in ("mouth", "teeth", "tongue"):
        inside |= head.regions.get(name, False)
    return inside


def ghosts(network: SplatNetwork, cloud: SplatCloud) -> NDArray[np.bool_]:
    """Return `[N]`: splats on the far side of the head that would be seen through what is empty before them.

    The network does not draw what faces away; other programs draw everything. Where the footage showed nothing, as at a
    neck below clothes that were cut away, they would show the inside of the neck's back, which nobody ever saw.
    """
    camera, head = PinholeCamera.default(GHOST_VIEW), facing(network, cloud.rest)
    found = np.zeros(len(cloud.corners), bool)
    for yaw in GHOST_YAWS:
        orbited = head.orbited(math.radians(yaw))
        ahead = orbited.vertices.new_tensor([0, 0, camera.fx / GHOST_VIEW * GHOST_REACH]) - orbited.vertices.mean(0)
        view = orbited.seen_from(torch.eye(3).to(ahead), ahead)
        covered = as_numpy(network.render(network.prepare(view), camera).rgba[..., 3])
        vertices, rotation = as_numpy(view.vertices), as_numpy(view.to_camera)
        places = cloud.placed(vertices, rotation).positions
        moved = vertices + cloud.displacements @ rotation.T
        normals = triangle_frames(*(moved[cloud.corners[:, corner]] for corner in range(3)))[:, :, 2]
        away = (normals * places).sum(-1) > FACING_AWAY * np.linalg.norm(places, axis=-1)
        columns, rows = np.clip(camera.project(places).astype(int), 0, GHOST_VIEW - 1).T
        found |= away & (covered[rows, columns] < COVERED)
    return found


def as_numpy(tensor: Tensor) -> NDArray[Any]:
    """A tensor's values as a contiguous array of the same shape `[...]` and kind."""
    values: NDArray[Any] = tensor.detach().cpu().contiguous().numpy()
    return values
