# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar with the runtime that the user chose for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...protocol.jobs import RuntimeName
from ..avatar import Avatar
from ..avatar_file import file_sha256
from ..styleavatar.folding.fold import can_fold
from ..styleavatar.networks.windows import Windows
from .frames import frames_of


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

        avatar = foldable(Avatar.load(file, "cpu"))
        return replace(avatar, prepared=partial(OnnxRuntime.of_network, avatar.network))
    from ..runtimes.tensorrt import TensorRtRuntime, tensorrt_module

    tensorrt_module()
    if engines is None:
        raise UserError("TensorRT needs a folder to keep engines in; name the engine's home.")
    avatar = foldable(Avatar.load(file, "cuda"))

    def prepared(time_code: float, windows: Windows) -> TensorRtRuntime:
        return TensorRtRuntime(engine_for(avatar, file, time_code, windows, engines, listener).read_bytes())

    return replace(avatar, prepared=prepared)


def engine_for(
    avatar: Avatar, file: Path, time_code: float, windows: Windows, engines: Path, listener: Listener
) -> Path:
    """The file of TensorRT's engine for one look of an avatar on the GPU; it is built where there is none in `engines`.

    Raises:
        UserError: the avatar's head cannot be opened.
    """
    from ..runtimes.tensorrt import engine_of

    frame = next(iter(frames_of(avatar, avatar.metadata.rest_performance(), [0])))
    maps = avatar.to_network(frame.uv_map[None]), avatar.to_network(frame.texture_map[None])
    return engine_of(avatar.network, file_sha256(file), time_code, windows, [maps], engines, listener)


def foldable(avatar: Avatar) -> Avatar:
    """The avatar, once it is known that its network can be folded, as every runtime but PyTorch's needs.

    Raises:
        UserError: only PyTorch can execute it.
    """
    if not can_fold(avatar.network):
        raise UserError("This avatar is a row of the ablation study, which only PyTorch can render; build another.")
    return avatar
