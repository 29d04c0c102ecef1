# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset's frames for training: decoded once into memory-mapped arrays, cut by a window (Sec. 3.2)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from ....common.clock import Clock
from ....common.errors import UserError
from ....common.files import written_whole
from ....common.progress import Listener, silent
from ....tracking.datasets.dataset import ENLARGED, Dataset
from ....tracking.datasets.pictures import read_picture
from ....tracking.detection.landmarks import Landmarks
from ....tracking.heads.arrays import Floats
from ....tracking.performances.maps import MAP_SIZE
from ...tensors import sent
from ..networks.config import FEATURE_SIZE, SLIDING_MARGIN
from ..networks.features import IDENTITY
from ..networks.windows import CENTRED, Cells, Window
from .bending import PictureName, bend
from .expressive import expressive_region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ....tracking.detection.landmarks import Landmarks
    from ....tracking.heads.arrays import Floats


@dataclass(frozen=True)
class Frames:
    """The decoded frames of a dataset, on disk and mapped into memory.

    Attributes:
        footage: `[T, 1.5 R, 1.5 R, 3]` uint8; matte: `[T, 1.5 R, 1.5 R]` uint8.
        uv: `[T, 256, 256, 3]` uint16; texture: `[T, 256, 256, 3]` uint8.
        expressive: `[T, 256, 256]` uint8, where mouth and eyes lie; zero where that is not known.
    """

    footage: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    uv: NDArray[np.uint16]
    texture: NDArray[np.uint8]
    expressive: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.footage)

    @property
    def resolution(self) -> int:
        """R, side of the window in pixels."""
        return round(self.footage.shape[1] / ENLARGED)


@dataclass(frozen=True)
class Batch:
    """Samples of one training step; pictures are in [-1, 1].

    Attributes:
        footage: `[B, 3, R, R]`; matte, expressive (mouth and eyes): `[B, 1, R, R]`, 0 to 1.
        uv, window_texture: `[B, 3, 256, 256]` maps of the window.
        texture: `[B, 3, 256, 256]` texture map of the central window.
        time_code: `[B]`, or `[1]` for all.
        window: where the window lies.
        bent: how many samples, the first ones, are bent, and their finest detail softened by it.
        identity: of the video, for the feature generators.
    """

    footage: Tensor
    matte: Tensor
    expressive: Tensor
    uv: Tensor
    window_texture: Tensor
    texture: Tensor
    time_code: Tensor
    window: Window | Cells
    bent: int = 0
    identity: float = IDENTITY

    @property
    def sharp(self) -> slice:
        """The samples that are not bent."""
        return slice(self.bent, None)

    @property
    def data(self) -> dict[str, Tensor]:
        """Its tensors by name, with the `rows` and `columns` of a window that slides."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        if self.window == CENTRED:
            return tensors
        return tensors | vars(self.window if isinstance(self.window, Cells) else Cells.of(self.window, self.uv.device))

    def of_data(self, data: Mapping[str, Tensor]) -> Batch:
        """A batch like this one of other `data`."""
        given = dict(data)
        window = self.window if self.window == CENTRED else Cells(given.pop("rows"), given.pop("columns"))
        return replace(self, window=window, **given)  # type: ignore[arg-type]


def open_frames(
    dataset: Dataset,
    names: Sequence[str],
    resolution: int,
    cache: Path,
    landmarks: Landmarks | None = None,
    listener: Listener = silent,
) -> Frames:
    """Decode frames of a dataset into `cache`, or map what an earlier call left there.

    `landmarks [T, 478, 3]`, in pixels of the maps, say where mouth and eyes lie.

    Raises:
        UserError: a picture of the dataset is missing or damaged, or the disk is full.
    """
    side = round(resolution * ENLARGED)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "footage": ((len(names), side, side, 3), np.uint8),
        "matte": ((len(names), side, side), np.uint8),
        "uv": ((len(names), MAP_SIZE, MAP_SIZE, 3), np.uint16),
        "texture": ((len(names), MAP_SIZE, MAP_SIZE, 3), np.uint8),
        "expressive": ((len(names), MAP_SIZE, MAP_SIZE), np.uint8),
    }
    label, mark = fingerprint(dataset, names, resolution, landmarks), cache / "frames.json"
    if not (mark.is_file() and mark.read_text(encoding="utf-8") == label):
        mark.unlink(missing_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        refuse_full_disk(cache, sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in shapes.values()))
        arrays = {
            name: np.lib.format.open_memmap(cache / f"{name}.npy", "w+", kind, shape)
            for name, (shape, kind) in shapes.items()
        }
        decode(dataset, names, arrays, landmarks, listener)
        with written_whole(mark) as partial:
            partial.write_text(label, encoding="utf-8")
    return Frames(**{name: np.load(cache / f"{name}.npy", mmap_mode="r") for name in shapes})


def forget_frames(cache: Path) -> None:
    """Remove decoded frames."""
    shutil.rmtree(cache, ignore_errors=True)


def fingerprint(dataset: Dataset, names: Sequence[str], resolution: int, landmarks: Landmarks | None) -> str:
    """A text that tells whether decoded frames belong to this dataset's frames (with `landmarks [T, 478, 3]`)."""
    description = dataset.description.stat()
    file = [str(dataset.folder.resolve()), description.st_mtime_ns, description.st_size]
    content = [*file, resolution, landmarks is not None, *names]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def refuse_full_disk(folder: Path, needed: int) -> None:
    """Refuse a disk without room for `needed` bytes.

    Raises:
        UserError: the disk of `folder` is too full.
    """
    if shutil.disk_usage(folder).free < needed:
        raise UserError(f"Training needs {needed / 1e9:.1f} GB of disk space at {folder}; free some and try again.")


def decode(
    dataset: Dataset,
    names: Sequence[str],
    arrays: Mapping[str, NDArray[Any]],
    landmarks: Landmarks | None,
    listener: Listener,
) -> None:
    """Read every frame's pictures into the arrays, by a few threads.

    Raises:
        UserError: a picture is missing or damaged.
    """
    side = arrays["footage"].shape[1]

    def decode_one(index: int) -> None:
        name = names[index]
        arrays["footage"][index] = resized(read_picture(dataset.image(name), cv2.IMREAD_COLOR), side)[..., ::-1]
        arrays["matte"][index] = resized(read_picture(dataset.matte(name), cv2.IMREAD_GRAYSCALE), side)
        uv = read_picture(dataset.uv_map(name), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)[..., ::-1]
        arrays["uv"][index] = uv if uv.dtype == np.uint16 else uv.astype(np.uint16) * 257
        arrays["texture"][index] = read_picture(dataset.texture_map(name), cv2.IMREAD_COLOR)[..., ::-1]
        arrays["expressive"][index] = 0 if landmarks is None else expressive_region(landmarks[index])

    clock = Clock("Reading the dataset", len(names), listener)
    pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2))
    try:
        for done, _ in enumerate(pool.map(decode_one, range(len(names))), 1):
            clock.tell_finished(done)
    finally:
        pool.shutdown(cancel_futures=True)


def resized(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """The square picture `[H, H, ...]` at `side` pixels: `[side, side, ...]`."""
    if picture.shape[0] == side:
        return picture
    smaller = picture.shape[0] > side
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    made: NDArray[Any] = cv2.resize(picture, (side, side), interpolation=how)
    return made


def cut_batch(
    frames: Frames,
    samples: NDArray[np.integer[Any]],
    time_codes: NDArray[np.floating[Any]],
    window: Window,
    device: torch.device,
    bent: Floats | None = None,
) -> Batch:
    """Cut one window, at whole cells, out of some frames: pixels are copied, never resampled unless they are bent.

    Args:
        frames: of the dataset.
        samples: `[B]`, which of them.
        time_codes: `[T]`, of all frames.
        window: where it lies.
        device: where the batch goes.
        bent: `[N, ...]` (see `bending.bends`), how the first N samples are bent; it is for the central window.
    """
    side, cell = frames.resolution, frames.resolution // FEATURE_SIZE
    top, left = int(window.row) * cell, int(window.column) * cell
    rows, columns = slice(top, top + side), slice(left, left + side)
    cut: dict[PictureName, NDArray[Any]] = {
        "footage": frames.footage[samples, rows, columns],
        "matte": frames.matte[samples, rows, columns],
        "expressive": frames.expressive[samples],
        "texture": frames.texture[samples],
        "uv": frames.uv[samples],
    }
    if bent is not None:
        bend(cut, bent)
    uv, texture = to_tensor(cut["uv"], 65535, device), to_tensor(cut["texture"], 255, device)
    expressive = to_tensor(cut["expressive"][..., None], 255, device)
    window_uv, window_texture = uv, texture
    if window != CENTRED:
        window_uv, window_texture, expressive = (cut_maps(padded(each), window) for each in (uv, texture, expressive))
    return Batch(
        footage=to_tensor(cut["footage"], 255, device),
        matte=to_tensor(cut["matte"][..., None], 255, device).add(1).mul(0.5),
        expressive=F.interpolate(expressive, (side, side), mode="bilinear").add(1).mul(0.5),
        uv=window_uv,
        window_texture=window_texture,
        texture=texture,
        time_code=sent(torch.from_numpy(time_codes[samples].astype(np.float32)), device),
        window=window,
        bent=0 if bent is None else len(bent),
    )


def to_tensor(pictures: NDArray[Any], white: int, device: torch.device) -> Tensor:
    """Integer pictures `[B, H, W, C]`, 0 to `white`, as `[B, C, H, W]` in [-1, 1], channels last in memory."""
    if pictures.dtype == np.uint16:
        pictures = pictures.astype(np.int32)
    tensor = sent(torch.from_numpy(np.ascontiguousarray(pictures)), device)
    return tensor.permute(0, 3, 1, 2).float().mul(2 / white).sub(1)


def padded(maps: Tensor) -> Tensor:
    """Maps `[B, C, 256, 256]` of the central window with black around: `[B, C, 384, 384]`."""
    return F.pad(maps, (SLIDING_MARGIN,) * 4, value=-1.0)


def cut_maps(maps: Tensor, window: Window) -> Tensor:
    """The window `[B, C, 256, 256]` of padded maps `[B, C, 384, 384]`."""
    scale = MAP_SIZE // FEATURE_SIZE
    row, column = int(window.row) * scale, int(window.column) * scale
    return maps[..., row : row + MAP_SIZE, column : column + MAP_SIZE]
