# SPDX-License-Identifier: GPL-3.0-or-later
"""`export`: an avatar for other runtimes than PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...common.errors import UserError
from ...protocol.look import Look
from .job_options import options_of
from .shared import HomeOption, avatar_file, home_of
from .terminal import shown


@options_of(Look)
def export(
    avatar: Annotated[str, typer.Argument(help="Avatar file, or its name in the home.")],
    onnx: Annotated[Path | None, typer.Option(help="ONNX file to write.", show_default=False)] = None,
    tensorrt: Annotated[
        bool, typer.Option("--tensorrt", help="Build TensorRT's engine for this machine's GPU.")
    ] = False,
    splats: Annotated[
        Path | None,
        typer.Option(help="File of Gaussian splats to write: .ply, .spz, .glb or .gltf.", show_default=False),
    ] = None,
    home: HomeOption = None,
    **controls: Any,
) -> None:
    """Write an avatar's network, for one look, as a file that other programs run, or its splats for other viewers."""
    if [onnx is not None, tensorrt, splats is not None].count(True) != 1:
        raise UserError("Say what to export the avatar to: either --onnx FILE, --tensorrt or --splats FILE.")
    if onnx is not None and onnx.suffix.lower() != ".onnx":
        raise UserError(f"{onnx} is not the name of an ONNX file; give one that ends in .onnx.")
    file, look = avatar_file(avatar, home_of(home)), Look(**controls)
    if splats is not None:
        from ...neural.rendering.splat_files.export import export_splats

        export_splats(file, splats)
        print(f"splats: {splats}")
        return
    from ...neural.rendering.export import export_onnx, export_tensorrt

    with shown() as listener:
        if onnx is not None:
            export_onnx(file, onnx, look)
            print(f"onnx: {onnx}")
        else:
            engine = export_tensorrt(file, home_of(home).engines, look, listener)
            print(f"engine: {engine}")
