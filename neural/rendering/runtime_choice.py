# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar with the runtime that the user chose for it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.progress import Listener, silent
from ..avatar import Avatar
from ..avatar_file import file_sha256
from .frames import drawn

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocol.choices import RuntimeName
    from ...protocol.look import Look
    from ..runtimes.runtime import Exportable


def avatar_on(runtime: RuntimeName, file: Path, engines: Path | None = None, listener: Listener = silent) -> Avatar:
    """Read an avatar file, to be rendered by a runtime.

    Args:
        runtime: "torch" on the GPU where there is one; "onnx" in float32; "tensorrt", whose engine is built for every
            new look, in minutes.
        file: the avatar.
        engines: the folder where TensorRT's engines are kept.

    Raises:
        UserError: the file is damaged or missing, cannot be rendered so, or the runtime is not installed.
    """
    if runtime == "torch":
        return Avatar.load(file)
    if runtime == "onnx":
        from ..runtimes.onnx import OnnxRuntime

        avatar = Avatar.load(file, "cpu")
        return replace(avatar, prepared=partial(OnnxRuntime.of, avatar.runtimes.exportable()))
    from ..runtimes.tensorrt import TensorRtRuntime, tensorrt_module

    tensorrt_module()
    if engines is None:
        raise UserError("TensorRT needs a folder to keep engines in; name the engine's home.")
    avatar = Avatar.load(file, "cuda")
    network = avatar.runtimes.exportable()

    def prepared(look: Look) -> TensorRtRuntime:
        engine = engine_for(avatar, file, network, look, engines, listener)
        return TensorRtRuntime(engine.read_bytes(), list(network.example), avatar.device)

    return replace(avatar, prepared=prepared)


def engine_for(avatar: Avatar, file: Path, network: Exportable, look: Look, engines: Path, listener: Listener) -> Path:
    """The file of TensorRT's engine for one look of an avatar on the GPU; it is built where there is none in `engines`.

    Args:
        avatar, file: the avatar and where it was read from.
        network: the avatar's, as others than PyTorch execute it.
        look: the look, with its time code.
        engines: the folder where TensorRT's engines are kept.
        listener: hears of the stages.

    Raises:
        UserError: the avatar's head cannot be opened.
    """
    from ..runtimes.tensorrt import engine_of

    rest = avatar.metadata.rest_performance()
    with closing(drawn(avatar, avatar.open_head(), rest, [0])) as frames:  # not painted: that would record a graph
        inputs = [avatar.tensors(each) for _, each in frames]
    return engine_of(network, file_sha256(file), look, inputs, engines, listener)
