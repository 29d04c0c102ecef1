# SPDX-License-Identifier: GPL-3.0-or-later
"""`track` and `photo`: footage or a photo to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...common.errors import UserError
from ...protocol.jobs import JobKind
from ...tracking.datasets.dataset import Layout
from .performances import overlay as draw_overlay
from .shared import (
    DatasetOption,
    HeadOnlyOption,
    HeadOption,
    HeadPathOption,
    HomeOption,
    MattingOption,
    SizeOption,
    home_of,
    name_from,
    opened_head,
    run,
)


def track(
    video: Annotated[Path | None, typer.Argument(help="Portrait video.", show_default=False)] = None,
    dataset: DatasetOption = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
    size: SizeOption = 512,
    matting: MattingOption = "auto",
    head_only: HeadOnlyOption = False,
    layout: Annotated[
        Layout, typer.Option(help="styleavatar: as the original code reads it, always 1024 pixels.")
    ] = Layout.SEMBLANCE,
    overlay: Annotated[
        Path | None, typer.Option(help="Also draw over the video: an .mp4, its plot beside it.", show_default=False)
    ] = None,
    camera: Annotated[
        int | None, typer.Option(min=0, help="Track this camera live, until Ctrl-C.", show_default=False)
    ] = None,
    stream: Annotated[
        Path | None, typer.Option(help="Track this video live, at its own pace.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Live: performance (.npz, .csv, .json) to write at the end.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Live: print every frame as a line of JSON.")] = False,
    home: HomeOption = None,
) -> None:
    """Track a portrait video: performance, mattes and maps, as a dataset. Or track live: performance only."""
    if sum(source is not None for source in (video, camera, stream)) != 1:
        raise UserError("Say what to track: a video, --camera with its number, or --stream with a video to play.")
    if video is not None:
        if out or as_json:
            raise UserError("--out and --json are for live tracking; play the video with --stream, or leave them out.")
        folder = dataset or home_of(home).dataset(name_from(video))
        size = 1024 if layout is Layout.STYLEAVATAR else size
        options = {"head": head, "head_path": head_path, "size": size, "layout": layout.value}
        run(JobKind.TRACK, home, source=video, dataset=folder, matting=matting, head_only=head_only, **options)
        if overlay:
            draw_overlay(folder, overlay, video, head_path)
        return
    from .live import track_camera, track_stream

    opened = opened_head(head, head_path, home)
    if camera is not None:
        track_camera(camera, opened, size, out, as_json)
    if stream is not None:
        track_stream(stream, opened, size, out, as_json)


def photo(
    picture: Annotated[Path, typer.Argument(help="Portrait photo.")],
    dataset: DatasetOption = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
    size: SizeOption = 512,
    matting: MattingOption = "auto",
    head_only: HeadOnlyOption = False,
    home: HomeOption = None,
) -> None:
    """Make a dataset from one portrait photo."""
    folder = dataset or home_of(home).dataset(name_from(picture))
    options = {"head": head, "head_path": head_path, "size": size, "matting": matting, "head_only": head_only}
    run(JobKind.PHOTO, home, photo=picture, dataset=folder, **options)
