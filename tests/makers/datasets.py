# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracking dataset to train on, drawn and not filmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.performance import Crop

from .performances import at_rest

if TYPE_CHECKING:
    from pathlib import Path

COUNT, SIZE = 6, 256


def moving_disc(folder: Path) -> Path:
    """Fill a folder with `COUNT` frames of a disc with a face's colours that moves to and fro over stripes."""
    rows, columns = np.mgrid[0:384, 0:384].astype(np.float32)
    map_rows, map_columns = np.mgrid[0:256, 0:256].astype(np.float32)
    for kind in ("image", "back", "uv", "render"):
        (folder / kind).mkdir(parents=True)
    names = tuple(f"{index + 1:06d}" for index in range(COUNT))
    for index, name in enumerate(names):
        x = 120 + 4 * index
        disc = np.hypot(rows - 192, columns - x - 64) < 60
        map_disc = np.hypot(map_rows - 128, map_columns - x) < 60
        image = np.where(disc[..., None], [200, 150, 120], 60 + 60 * (columns[..., None] % 64 < 32))
        u, v = (map_columns - x + 60) / 120, (map_rows - 68) / 120
        uv = np.stack([u, v, np.ones_like(u)], 2) * map_disc[..., None]
        texture = np.array([220, 170, 140]) * map_disc[..., None]
        cv2.imwrite(str(folder / "image" / f"{name}.jpg"), image.astype(np.uint8)[..., ::-1])
        cv2.imwrite(str(folder / "back" / f"{name}.png"), (disc * 255).astype(np.uint8))
        cv2.imwrite(str(folder / "uv" / f"{name}.png"), (uv * 65535).clip(0, 65535).astype(np.uint16)[..., ::-1])
        cv2.imwrite(str(folder / "render" / f"{name}.png"), texture.astype(np.uint8)[..., ::-1])
    zeros = np.zeros(COUNT)
    at_rest(
        COUNT, open_head("builtin"), translation=np.stack([np.linspace(-0.02, 0.02, COUNT), zeros, zeros + 0.9], 1),
        camera=PinholeCamera.default(SIZE), crop=Crop(0, 0, 256),
        extra={"matting": "built-in", "head_only": "by the tracked head"},
    ).save(folder / "performance.npz")  # fmt: skip
    Dataset(folder, SIZE, names).save()
    return folder
