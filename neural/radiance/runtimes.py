# SPDX-License-Identifier: GPL-3.0-or-later
"""What executes splats and fields: PyTorch and Warp, on the GPU or on every core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...common.errors import UserError
from ...tracking.heads.camera import PinholeCamera
from ..runtimes.runtime import Runtime, Runtimes
from .kernels.launching import single_threaded
from .scene import PosedHead

if TYPE_CHECKING:
    from ...protocol.look import Look
    from .network import RadianceNetwork

MOST_SIDE = 8192
"""Pixels of a picture's longer side."""
NEAREST = 0.02
"""Metres before the camera at which a head must not be."""


class RadianceRuntimes(Runtimes):
    """What executes one network; every look is at once ready."""

    def __init__(self, network: RadianceNetwork[Any]) -> None:
        self.network = network

    def at_once(self, look: Look) -> Runtime:
        """See `Runtimes.at_once`."""
        if any((*look.foreground_offset, *look.background_offset)):
            raise UserError("This avatar is a head in 3D, without layers to move; move the head or the camera instead.")
        return RadianceRuntime(self.network)


class RadianceRuntime:
    """See `runtimes.runtime.Runtime`; takes what `PosedMesh` holds."""

    def __init__(self, network: RadianceNetwork[Any]) -> None:
        self.network = network

    def run(self, *inputs: Tensor) -> Tensor:
        """See `Runtime.run`: straight RGBA, and the depth.

        Raises:
            UserError: the mesh is not of the avatar's head, or the camera's picture is too large.
        """
        vertices, expression, rotation, view, camera = (each[0] for each in inputs)
        self._refuse_other_heads(len(vertices), len(expression))
        head = PosedHead(vertices, expression, rotation, view)
        size = camera_of(camera)
        if vertices[:, 2].min() < NEAREST:
            return nothing(size, vertices.device)
        with single_threaded():
            seen = self.network.render(self.network.prepare(head), size)
        alpha = seen.rgba[..., 3:]
        straight = (seen.rgba[..., :3] / alpha.clamp(min=1e-4)).clamp(max=1)
        return torch.cat([straight * 2 - 1, alpha * 2 - 1, seen.depth[..., None]], -1).permute(2, 0, 1)[None]

    def _refuse_other_heads(self, vertices: int, expressions: int) -> None:
        expected = self.network.config["vertices"], self.network.config["expressions"]
        if (vertices, expressions) != expected:
            raise UserError(
                f"The posed mesh has {vertices} vertices and {expressions} expressions, the avatar's head "
                f"{expected[0]} and {expected[1]}; send the head that the avatar was built with."
            )


def camera_of(numbers: Tensor) -> PinholeCamera:
    """The camera of fx, fy, cx, cy, width, height, `[6]`.

    Raises:
        UserError: its picture is too large.
    """
    fx, fy, cx, cy, width, height = numbers.tolist()
    if max(width, height) > MOST_SIDE:
        raise UserError(f"A picture of {width:.0f} x {height:.0f} pixels is too large; ask for at most {MOST_SIDE}.")
    return PinholeCamera(fx, fy, cx, cy, max(1, round(width)), max(1, round(height)))


def nothing(camera: PinholeCamera, device: torch.device) -> Tensor:
    """The picture `[1, 5, H, W]` of a camera that stands in the head or behind which it is."""
    picture = torch.full((1, 5, camera.height, camera.width), -1.0, device=device)
    picture[:, 4] = 0
    return picture
