# SPDX-License-Identifier: GPL-3.0-or-later
"""Wavefront OBJ: vertices, UVs and polygons of one mesh a file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from .arrays import Floats, Integers


@dataclass(frozen=True)
class ObjMesh:
    """A mesh whose polygons are cut into triangles.

    Attributes:
        vertices: `[V, 3]`; uvs: `[U, 2]`.
        triangles, uv_triangles: `[T, 3]`, for each corner the vertex and the UV.
    """

    vertices: Floats
    uvs: Floats
    triangles: Integers
    uv_triangles: Integers


def read_obj(path: Path) -> ObjMesh:
    """Read a mesh whose corners all have UVs; polygons are cut fan-wise.

    Raises:
        UserError: the file is absent or damaged, or is no such mesh.
    """
    lines = lines_by_kind(path)
    try:
        polygons = [corners(line) for line in lines.get(b"f", [])]
        fans = np.array([(p[0], p[k], p[k + 1]) for p in polygons for k in range(1, len(p) - 1)], np.int64)
        uvs = np.array([line.split()[:2] for line in lines.get(b"vt", [])], np.float32)
        mesh = ObjMesh(numbers(lines[b"v"]), uvs, fans[..., 0].astype(np.int32), fans[..., 1].astype(np.int32))
        ends = ((mesh.triangles, len(mesh.vertices)), (mesh.uv_triangles, len(uvs)))
        if any(indices.min() < 0 or indices.max() >= count for indices, count in ends) or not np.isfinite(uvs).all():
            raise ValueError("indices out of range")
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise UserError(f"{path} is damaged or is not a mesh with UVs; download it again.") from error
    return mesh


def read_obj_vertices(path: Path) -> Floats:
    """Return only the vertices `[V, 3]` of a mesh.

    Raises:
        UserError: the file is absent or damaged.
    """
    try:
        return numbers(lines_by_kind(path)[b"v"])
    except (ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged or is not a mesh; download it again.") from error


def lines_by_kind(path: Path) -> dict[bytes, list[bytes]]:
    """Return the lines of a file by their first word, without it. Raises UserError where it cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"There is no file at {path}; choose the head's folder.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose the head's folder.") from error
    kinds: dict[bytes, list[bytes]] = {}
    for line in content.splitlines():
        kind, _, rest = line.partition(b" ")
        kinds.setdefault(kind, []).append(rest)
    return kinds


def numbers(lines: list[bytes]) -> Floats:
    """Return `[N, 3]` of lines of three numbers; raise ValueError where they are not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy tells that it met something else
        try:
            values = np.fromstring(b" ".join(lines), np.float32, sep=" ")
        except DeprecationWarning as error:
            raise ValueError("not numbers") from error
    if values.size != 3 * len(lines) or not np.isfinite(values).all():
        raise ValueError("not three numbers a line")
    return values.reshape(-1, 3)


def corners(line: bytes) -> list[tuple[int, int]]:
    """Return the vertex and the UV, counted from 0, of each corner of a polygon `1/1 2/2 3/3`."""
    return [(int(vertex) - 1, int(uv) - 1) for vertex, uv in (corner.split(b"/")[:2] for corner in line.split())]
