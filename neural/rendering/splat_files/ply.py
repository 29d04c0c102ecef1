# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats as a PLY with the properties of the first 3D Gaussian splatting (Kerbl et al. 2023), which most viewers read.

Axes are as trained, OpenCV's: x right, y down, z forward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....protocol.splats import Gaussians

PROPERTIES = (
    *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"),
    *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
)
"""Normals are zero; the opacity is a logit, the scales are logarithms, the quaternion has w first."""
OPAQUE = 1 - 1e-6
"""The greatest opacity whose logit is a number."""
SMALLEST = 1e-12
"""Metres of the smallest scale whose logarithm is a number."""


def ply_of(splats: Gaussians) -> bytes:
    """Return the file's bytes: little-endian float32."""
    table = np.zeros((len(splats.positions), len(PROPERTIES)), "<f4")
    table[:, :3] = splats.positions
    table[:, 6:9] = splats.harmonics
    table[:, 9] = logits(splats.opacities)
    table[:, 10:13] = np.log(np.maximum(splats.scales, SMALLEST))
    table[:, 13:] = splats.rotations
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(table)}",
        *(f"property float {name}" for name in PROPERTIES),
        "end_header",
        "",
    ]
    return "\n".join(header).encode("ascii") + table.tobytes()


def logits(opacities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return `[N]` numbers whose sigmoids are the opacities `[N]`, all finite."""
    bounded = np.clip(opacities.astype(np.float64), 1 - OPAQUE, OPAQUE)
    found: NDArray[np.float64] = np.log(bounded / (1 - bounded))
    return found
