# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar's network for other runtimes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...common.progress import Listener, silent
from ..avatar import Avatar, windows_moved
from ..avatar_file import FORMAT, VERSION, file_sha256
from ..runtimes.onnx import OnnxRuntime
from ..runtimes.onnx_file import write_onnx
from ..runtimes.runtime import agree
from ..styleavatar.folding.fold import fold
from ..styleavatar.networks.windows import STILL, Windows
from .runtime_choice import engine_for, foldable

Moves = tuple[tuple[float, float], tuple[float, float]]
NOT_MOVED: Moves = ((0, 0), (0, 0))


def export_onnx(file: Path, out: Path, time_code: float | None = None, moves: Moves = NOT_MOVED) -> None:
    """Write an avatar's network for one look as ONNX, after seeing that ONNX Runtime paints the same.

    Args:
        file: the avatar.
        out: the ONNX file to write.
        time_code: the avatar's own when not given.
        moves: offsets of person and backdrop; see `Avatar.render`.

    Raises:
        UserError: the avatar is damaged or cannot be exported.
    """
    avatar = Avatar.load(file, "cpu")
    code, windows = look_of(avatar, time_code, moves)
    folded = fold(avatar.network, code, windows)
    said = {
        "format": f"{FORMAT}-onnx",
        "version": str(VERSION),
        "kind": avatar.metadata.kind,
        "resolution": str(avatar.metadata.resolution),
        "time_code": str(code),
        "offsets": str(moves),
        "avatar_sha256": file_sha256(file),
        "consent": avatar.metadata.provenance.consent,
    }
    write_onnx(folded, out, said)
    maps = drawn_maps()
    with torch.inference_mode():
        if not agree(OnnxRuntime(out).run(*maps), folded(*maps)):
            out.unlink()
            raise RuntimeError("ONNX Runtime paints another picture than PyTorch")


def export_tensorrt(
    file: Path,
    engines: Path,
    time_code: float | None = None,
    moves: Moves = NOT_MOVED,
    listener: Listener = silent,
) -> Path:
    """Build TensorRT's engine of an avatar for one look and this machine, unless it is there; return its file.

    Arguments as in `export_onnx`; `engines` is the folder where engines are kept.

    Raises:
        UserError: the avatar or its head's file is damaged or missing, or TensorRT or its GPU is.
    """
    from ..runtimes.tensorrt import tensorrt_module

    tensorrt_module()
    avatar = Avatar.load(file, "cuda")
    code, windows = look_of(avatar, time_code, moves)
    return engine_for(avatar, file, code, windows, engines, listener)


def look_of(avatar: Avatar, time_code: float | None, moves: Moves) -> tuple[float, Windows]:
    """The time code and the windows to fold an avatar for.

    Raises:
        UserError: the avatar cannot be folded, or not be moved.
    """
    foldable(avatar)
    offsets = np.array(moves)
    windows = windows_moved(offsets, avatar.metadata.kind) if offsets.any() else STILL
    return avatar.metadata.time_code if time_code is None else time_code, windows


def drawn_maps() -> tuple[Tensor, Tensor]:
    """Maps of a flat face that fills the middle of the picture."""
    ramp = torch.linspace(-1, 1, 256)
    uv = torch.stack([ramp.expand(256, 256), ramp[:, None].expand(256, 256), torch.full((256, 256), -1.0)])
    uv[2, 64:192, 64:192] = 1
    return uv[None].contiguous(), uv.flip(0)[None].contiguous()
