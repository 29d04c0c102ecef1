# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a request for frames, read and checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.errors import UserError
from ...protocol.arrays import unpack_arrays
from ...protocol.look import MOST_OFFSET
from ...protocol.messages import MOST_FRAMES
from ...tracking.datasets.dataset import MAP_SIZE

MOST_BYTES = MOST_FRAMES * 2 * MAP_SIZE * MAP_SIZE * 3 * 4 + 65536
"""Two maps a frame in float32, and room for the names."""


@dataclass(frozen=True)
class FramesRequest:
    """Maps to turn into pictures.

    Attributes:
        uv, texture: `[N, 256, 256, 3]` float32, 0 to 1.
        time_code: `[N]` float32; None leaves it to the avatar.
        foreground_offset, background_offset: `[N, 2]` float32 (x, y) in feature cells.
    """

    uv: np.ndarray
    texture: np.ndarray
    time_code: np.ndarray | None
    foreground_offset: np.ndarray
    background_offset: np.ndarray

    @classmethod
    def read(cls, body: bytes) -> FramesRequest:
        """Read a body that `pack_arrays(uv=..., texture=..., **look.arrays())` wrote.

        Raises:
            UserError: these are no packed arrays, or their shape, type or values are wrong.
        """
        try:
            arrays = unpack_arrays(body, MOST_BYTES)
        except ValueError as error:
            raise UserError(f"The maps cannot be read ({error}); send them as pack_arrays makes them.") from None
        for name in ("uv", "texture"):
            refuse_bad_maps(name, arrays.get(name))
        uv, texture = arrays["uv"], arrays["texture"]
        if len(uv) != len(texture):
            raise UserError(f"There are {len(uv)} UV maps but {len(texture)} texture maps; send as many of each.")
        return cls(
            as_float32(uv),
            as_float32(texture),
            read_time_code(arrays.get("time_code"), len(uv)),
            *(read_offset(name, arrays.get(name), len(uv)) for name in ("foreground_offset", "background_offset")),
        )


def refuse_bad_maps(name: str, maps: np.ndarray | None) -> None:
    """Raise UserError unless `maps` is `[N, 256, 256, 3]`, a kind of float, finite."""
    wanted = f"send {name} as float16 or float32 [N, {MAP_SIZE}, {MAP_SIZE}, 3]"
    if maps is None:
        raise UserError(f"The array {name} is missing; {wanted}.")
    if maps.dtype not in (np.float16, np.float32) or maps.shape[1:] != (MAP_SIZE, MAP_SIZE, 3):
        raise UserError(f"The array {name} is {maps.dtype} {list(maps.shape)}; {wanted}.")
    if not 1 <= len(maps) <= MOST_FRAMES:
        raise UserError(f"The array {name} holds {len(maps)} frames; send 1 to {MOST_FRAMES} at once.")
    if not np.isfinite(maps).all():
        raise UserError(f"The array {name} holds values that are no numbers; draw the maps again.")


def read_time_code(code: np.ndarray | None, frames: int) -> np.ndarray | None:
    """Return `[frames]` float32 from a number or an array; None stays None."""
    if code is None:
        return None
    if code.dtype.kind not in "fiu" or code.shape not in ((), (frames,)) or not np.isfinite(code).all():
        raise UserError("The array time_code must be one number, or one number a frame; correct it and ask again.")
    return np.broadcast_to(code, (frames,)).astype(np.float32)


def read_offset(name: str, offset: np.ndarray | None, frames: int) -> np.ndarray:
    """Return `[frames, 2]` float32 of one offset or one a frame; None moves nothing."""
    if offset is None:
        return np.zeros((frames, 2), np.float32)
    shaped = offset.dtype.kind in "fiu" and offset.shape in ((2,), (frames, 2))
    if not shaped or not (np.abs(offset) <= MOST_OFFSET).all():
        raise UserError(
            f"The array {name} must be two numbers, or two a frame, up to {MOST_OFFSET:g}; correct it and ask again."
        )
    return np.broadcast_to(offset, (frames, 2)).astype(np.float32)


def as_float32(maps: np.ndarray) -> np.ndarray:
    """Return the maps as float32, without a copy when they are already."""
    return maps.astype(np.float32, copy=False)
