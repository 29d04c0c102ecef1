# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar for one look as an ONNX file, which ONNX Runtime, TensorRT and others execute."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import onnx
import torch
from torch import Tensor, nn

from ...common.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

OPSET = 17
OUTPUT = "rgba"


def write_onnx(plain: nn.Module, example: Mapping[str, Tensor], path: Path, said: Mapping[str, str]) -> None:
    """Write a plain network (`Exportable.plain`) to `path`, whole or not at all; `said` is kept in it as metadata."""
    model = onnx.load_from_string(onnx_bytes(plain, example))
    onnx.helper.set_model_props(model, dict(said))
    with written_whole(path) as partial:
        onnx.save(model, partial)


def onnx_bytes(plain: nn.Module, example: Mapping[str, Tensor]) -> bytes:
    """A plain network as ONNX, for one frame at a time, whose inputs have the names and shapes of `example`."""
    device = next(plain.buffers()).device
    inputs = tuple(torch.zeros_like(each, device=device) for each in example.values())
    with torch.no_grad(), warnings.catch_warnings(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the newer exporter needs libraries that MediaPipe cannot live with
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            plain, inputs, file, input_names=list(example), output_names=(OUTPUT,), opset_version=OPSET, dynamo=False
        )
        return file.read_bytes()
