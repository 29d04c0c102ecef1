# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a request for frames, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...common.errors import UserError
from ...protocol.arrays import unpack_arrays
from ...protocol.inputs import Inputs, Maps, PosedMesh
from ...protocol.look import Look, read_looks
from ...protocol.messages import MOST_FRAMES
from ...tracking.performances.maps import MAP_SIZE

MOST_BYTES = MOST_FRAMES * 2 * MAP_SIZE * MAP_SIZE * 3 * 4 + 65536
"""Two maps a frame in float32, and room for the names."""
FLOATS = (np.float16, np.float32)
MESH_WANTED = (
    "send vertices as float16 or float32 [N, V, 3], expression as [N, E], rotation and view as [N, 3, 3] and camera as "
    "[6] or [N, 6]"
)
MESH_SHAPES = {"vertices": (3,), "expression": (), "rotation": (3,), "view": (3,)}
"""Arrays of a posed mesh, and their shapes after frames and a number of their own (vertices, expressions, 3 rows)."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class FramesRequest:
    """What to paint: the inputs of N frames, and N looks."""

    inputs: Inputs
    looks: tuple[Look, ...]

    @classmethod
    def read(cls, body: bytes) -> FramesRequest:
        """Read a body that `pack_arrays(**inputs.arrays(), **look.arrays())` wrote; with vertices it is a posed mesh.

        Raises:
            UserError: these are no packed arrays, or their shape, type or values are wrong.
        """
        try:
            arrays = unpack_arrays(body, MOST_BYTES)
        except ValueError as error:
            raise UserError(f"The maps cannot be read ({error}); send them as pack_arrays makes them.") from None
        inputs = read_mesh(arrays) if "vertices" in arrays else read_maps(arrays)
        return cls(inputs, read_looks(arrays, len(inputs)))


def read_maps(arrays: Arrays) -> Maps:
    """Return the maps, float32; UserError unless they are `[N, 256, 256, 3]` floats, finite and as many of each."""
    for name in ("uv", "texture"):
        wanted = f"send {name} as float16 or float32 [N, {MAP_SIZE}, {MAP_SIZE}, 3]"
        refuse_bad_array(name, arrays.get(name), (MAP_SIZE, MAP_SIZE, 3), wanted, "draw the maps again")
    uv, texture = arrays["uv"], arrays["texture"]
    if len(uv) != len(texture):
        raise UserError(f"There are {len(uv)} UV maps but {len(texture)} texture maps; send as many of each.")
    return Maps(as_float32(uv), as_float32(texture))


def read_mesh(arrays: Arrays) -> PosedMesh:
    """Return the mesh and its camera, float32; UserError where they are none, or where maps were sent too.

    Where `view` is missing, the footage's own camera sees.
    """
    if "uv" in arrays or "texture" in arrays:
        raise UserError("The request holds maps and a posed mesh; send what the avatar is painted from.")
    vertices, camera = arrays["vertices"], arrays.get("camera")
    count = len(np.atleast_1d(vertices))
    here = np.broadcast_to(np.eye(3, dtype=np.float32), (count, 3, 3))
    mesh = {"vertices": vertices, "view": here} | {name: arrays[name] for name in MESH_SHAPES if name in arrays}
    for name, shape in MESH_SHAPES.items():
        array = mesh.get(name)
        free = array.shape[1:2] if array is not None else ()
        refuse_bad_array(name, array, (*free, *shape), MESH_WANTED, "pose the mesh again")
        if len(mesh[name]) != count:
            raise UserError(f"The array {name} holds {len(mesh[name])} frames, vertices {count}; {MESH_WANTED}.")
    if camera is None:
        raise UserError(f"The array camera is missing; {MESH_WANTED}.")
    if camera.dtype.kind != "f" or camera.shape not in ((6,), (len(vertices), 6)):
        raise UserError(f"The array camera is {camera.dtype} {list(camera.shape)}; {MESH_WANTED}.")
    if not np.isfinite(camera).all() or (camera[..., [0, 1, 4, 5]] <= 0).any():
        raise UserError("The array camera holds a focal length or a size that is not above 0; correct it.")
    cameras = np.array(np.broadcast_to(camera, (count, 6)), np.float32)
    return PosedMesh(**{name: as_float32(mesh[name]) for name in MESH_SHAPES}, camera=cameras)


def refuse_bad_array(name: str, array: NDArray[Any] | None, shape: tuple[int, ...], wanted: str, advice: str) -> None:
    """Raise UserError unless `array` is `[N, *shape]`, a kind of float, finite."""
    if array is None:
        raise UserError(f"The array {name} is missing; {wanted}.")
    if array.dtype not in FLOATS or array.ndim == 0 or array.shape[1:] != shape:
        raise UserError(f"The array {name} is {array.dtype} {list(array.shape)}; {wanted}.")
    if not 1 <= len(array) <= MOST_FRAMES:
        raise UserError(f"The array {name} holds {len(array)} frames; send 1 to {MOST_FRAMES} at once.")
    if not np.isfinite(array).all():
        raise UserError(f"The array {name} holds values that are no numbers; {advice}.")


def as_float32(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array `[...]` as float32, without a copy when it is already."""
    return array.astype(np.float32, copy=False)
