# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering with ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime
import torch
from torch import Tensor

from ...common.errors import UserError
from .onnx_file import OUTPUT, onnx_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocol.look import Look
    from .runtime import Exportable

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""The first that the installed ONNX Runtime has."""


class OnnxRuntime:
    """A network for one look in float32, as ONNX Runtime executes it; inputs and pictures lie on the processor.

    Args:
        model: what `write_onnx` wrote: a path or the bytes.

    Raises:
        UserError: the file is absent, damaged, or another network.
    """

    def __init__(self, model: Path | bytes) -> None:
        available = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting would take others' cores
        try:
            self.session = onnxruntime.InferenceSession(
                model if isinstance(model, bytes) else str(model), options, providers=available
            )
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise UserError(f"{name_of(model)} cannot be read by ONNX Runtime; export the avatar again.") from error
        if [each.name for each in self.session.get_outputs()] != [OUTPUT]:
            raise UserError(f"{name_of(model)} is no avatar's network; export the avatar again.")

    @classmethod
    def of(cls, network: Exportable, look: Look) -> OnnxRuntime:
        """The runtime of a trained network for one look."""
        return cls(onnx_bytes(network.plain(look), network.example))

    @property
    def said(self) -> dict[str, str]:
        """The file's metadata."""
        return dict(self.session.get_modelmeta().custom_metadata_map)

    def run(self, *inputs: Tensor) -> Tensor:
        """See `Runtime.run`."""
        names = [each.name for each in self.session.get_inputs()]
        arrays = {name: each.cpu().numpy() for name, each in zip(names, inputs, strict=True)}
        return torch.from_numpy(self.session.run(None, arrays)[0])


def name_of(model: Path | bytes) -> str:
    """What to call a model in a sentence."""
    return "The network" if isinstance(model, bytes) else str(model)
