# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar's network for other runtimes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from ...common.progress import Listener, silent
from ...protocol.look import USUAL_LOOK, Look
from ..avatar import Avatar
from ..avatar_file import FORMAT, file_sha256
from ..runtimes.onnx import OnnxRuntime
from ..runtimes.onnx_file import write_onnx
from ..runtimes.runtime import agree
from .runtime_choice import engine_for

if TYPE_CHECKING:
    from pathlib import Path


def export_onnx(file: Path, out: Path, look: Look = USUAL_LOOK) -> None:
    """Write an avatar's network for one look as ONNX, after seeing that ONNX Runtime paints the same.

    Args:
        file: the avatar.
        out: the ONNX file to write.
        look: what it paints.

    Raises:
        UserError: the avatar is damaged, cannot be exported or cannot look like this.
    """
    avatar = Avatar.load(file, "cpu")
    network, settled = avatar.runtimes.exportable(), avatar.settled(look)
    plain, example = network.plain(settled), network.example
    said = {
        **FORMAT.text_header,
        "format": f"{FORMAT.name}-onnx",
        "kind": avatar.metadata.kind,
        "resolution": str(avatar.metadata.resolution),
        **{name: str(value) for name, value in asdict(settled).items()},
        "avatar_sha256": file_sha256(file),
        "consent": avatar.metadata.provenance.consent,
        "how_to_feed": network.how_to_feed,
    }
    write_onnx(plain, example, out, said)
    with torch.inference_mode():
        if not agree(OnnxRuntime(out).run(*example.values()), plain(*example.values())):
            out.unlink()
            raise RuntimeError("ONNX Runtime paints another picture than PyTorch")


def export_tensorrt(file: Path, engines: Path, look: Look = USUAL_LOOK, listener: Listener = silent) -> Path:
    """Build TensorRT's engine of an avatar for one look and this machine, unless it is there; return its file.

    Arguments as in `export_onnx`; `engines` is the folder where engines are kept.

    Raises:
        UserError: the avatar or its head's file is damaged or missing, or TensorRT or its GPU is.
    """
    from ..runtimes.tensorrt import tensorrt_module

    tensorrt_module()
    avatar = Avatar.load(file, "cuda")
    return engine_for(avatar, file, avatar.runtimes.exportable(), avatar.settled(look), engines, listener)
