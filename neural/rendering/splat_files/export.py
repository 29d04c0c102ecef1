# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar's splats, of the head at rest, as a file for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....common.errors import UserError
from ....common.files import written_whole
from ...avatar import Avatar
from .gltf import glb_of, gltf_of
from .ply import ply_of
from .spz import spz_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ....protocol.splats import Gaussians, SplatCloud

WRITERS: dict[str, Callable[[Gaussians], bytes]] = {".ply": ply_of, ".spz": spz_of, ".glb": glb_of, ".gltf": gltf_of}
"""By the file's suffix."""


def export_splats(file: Path, out: Path) -> None:
    """Write the splats of the avatar at `file` to `out`, in the format that the suffix names.

    Raises:
        UserError: the suffix is none of `WRITERS`, or the avatar is damaged, its head missing, or it has no splats.
    """
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise UserError(f"{out} is not the name of a file of splats; give one that ends in {', '.join(WRITERS)}.")
    data = write(splats_of(file).placed())
    with written_whole(out) as partial:
        partial.write_bytes(data)


def splats_of(file: Path) -> SplatCloud:
    """Return the splats of the avatar at `file`, to be put onto its head.

    Raises:
        UserError: the avatar is damaged, its head's file is missing, or it has no splats.
    """
    avatar = Avatar.load(file, "cpu")
    if avatar.kind.splats is None:
        raise UserError(f"{file.stem} is not made of splats; build an avatar of the kind splats.")
    return avatar.kind.splats(avatar.network, avatar.open_head(), np.asarray(avatar.metadata.identity, np.float32))
