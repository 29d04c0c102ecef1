# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar for one look as an ONNX file, which ONNX Runtime, TensorRT and others execute."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from torch import Tensor, nn

from ...common.files import written_whole
from ..styleavatar.networks.config import MAP_SIZE

OPSET = 17
INPUTS, OUTPUT = ("uv", "texture"), "rgba"
HOW_TO_FEED = (
    f"uv: UV map, float32 [1, 3, {MAP_SIZE}, {MAP_SIZE}], channels u, v and mask, scaled from 0..1 to -1..1, all -1 "
    f"outside the face. texture: texture map in RGB, float32 [1, 3, {MAP_SIZE}, {MAP_SIZE}], scaled likewise. "
    "rgba: the portrait over its own background and the foreground's straight alpha, float32 [1, 4, R, R], -1..1."
)


def write_onnx(folded: nn.Module, path: Path, said: Mapping[str, str]) -> None:
    """Write a folded network (`folding.fold`) to `path`, whole or not at all.

    `said` is kept in the file as metadata, beside how to feed the network.
    """
    model = onnx.load_from_string(onnx_bytes(folded))
    onnx.helper.set_model_props(model, {**said, "how_to_feed": HOW_TO_FEED})
    with written_whole(path) as partial:
        onnx.save(model, partial)


def onnx_bytes(folded: nn.Module) -> bytes:
    """A folded network as ONNX, for one frame at a time."""
    device = next(folded.buffers()).device
    maps: tuple[Tensor, ...] = tuple(torch.zeros(2, 1, 3, MAP_SIZE, MAP_SIZE, device=device).unbind())
    with torch.no_grad(), warnings.catch_warnings(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the newer exporter needs libraries that MediaPipe cannot live with
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            folded, maps, file, input_names=INPUTS, output_names=(OUTPUT,), opset_version=OPSET, dynamo=False
        )
        return file.read_bytes()
