# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats as SPZ, Niantic's compressed format, version 3 (github.com/nianticlabs/spz, "File Format").

A gzip of a header and, one after the other for all splats: positions, opacities, colours, scales, rotations. Axes are
OpenGL's: x right, y up, z backward.
"""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....protocol.splats import Gaussians

MAGIC, VERSION = 0x5053474E, 3
HEADER = struct.Struct("<IIIBBBB")
"""Magic, version, number of splats, degree of the spherical harmonics, fractional bits, flags, nothing."""
FRACTIONAL_BITS = 18
"""Of 24: positions reach 32 metres either way in steps of 4 micrometres."""
COLOUR_GAIN = 0.15
"""Colours are stored in a wider range than 0 to 1, by this instead of `SH_0`."""
LEAST_LOG_SCALE, STEPS_OF_SCALE = -10.0, 16.0
ROTATION_BITS = 9
"""Bits of each of a quaternion's three smaller components, beside its sign."""


def spz_of(splats: Gaussians) -> bytes:
    """Return the file's bytes, for `splats` in OpenCV's axes."""
    turned = splats.turned_over()
    header = HEADER.pack(MAGIC, VERSION, len(turned.positions), 0, FRACTIONAL_BITS, 0, 0)
    scales = (np.log(np.maximum(turned.scales, 1e-12)) - LEAST_LOG_SCALE) * STEPS_OF_SCALE
    parts = [
        fixed_points(turned.positions),
        as_bytes(turned.opacities * 255),
        as_bytes((turned.harmonics * COLOUR_GAIN + 0.5) * 255),
        as_bytes(scales),
        packed_rotations(turned.rotations),
    ]
    return gzip.compress(header + b"".join(parts), mtime=0)


def fixed_points(positions: NDArray[np.float32]) -> bytes:
    """Return three bytes a coordinate of `positions [N, 3]`, the lowest first."""
    most = (1 << 23) - 1
    whole = np.clip(np.round(positions.astype(np.float64) * (1 << FRACTIONAL_BITS)), -most, most).astype("<i4")
    return bytes(np.ascontiguousarray(whole.reshape(-1, 1).view(np.uint8)[:, :3]))


def as_bytes(values: NDArray[np.float32]) -> bytes:
    """Return a byte for each number of `[...]`, rounded; what is beyond a byte is cut."""
    return bytes(np.clip(np.round(values), 0, 255).astype(np.uint8))


def packed_rotations(quaternions: NDArray[np.float32]) -> bytes:
    """Return four bytes a quaternion of `[N, 4]`, w first.

    The two highest bits tell which of x, y, z, w is the largest by size; it is left out, and made positive. The others
    follow in that order with ten bits each: the sign, then the size in units of its maximum, the root of a half.
    """
    xyzw = quaternions[:, [1, 2, 3, 0]].astype(np.float64)
    xyzw /= np.linalg.norm(xyzw, axis=-1, keepdims=True)
    largest = np.argmax(np.abs(xyzw), -1)
    xyzw *= np.where(np.take_along_axis(xyzw, largest[:, None], -1) < 0, -1, 1)
    sizes = np.round(np.abs(xyzw) * np.sqrt(2) * ((1 << ROTATION_BITS) - 1)).astype(np.uint32)
    fields = (xyzw < 0).astype(np.uint32) << ROTATION_BITS | sizes
    packed = largest.astype(np.uint32)
    for component in range(4):
        shifted = packed << (ROTATION_BITS + 1) | fields[:, component]
        packed = np.where(largest == component, packed, shifted)
    return bytes(packed.astype("<u4"))
