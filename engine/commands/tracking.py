# SPDX-License-Identifier: GPL-3.0-or-later
"""`track` and `photo`: footage or a photo to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...common.errors import UserError
from ...protocol.choices import ORIGINAL_SIZE
from ...protocol.jobs import Photo, Track
from .job_options import options_of
from .performances import overlay as draw_overlay
from .remote import EngineOption
from .shared import HomeOption, dataset_for, home_of, opened_head, run


@options_of(Track, optional=("source",))
def track(
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
    engine: EngineOption = None,
    **parameters: Any,
) -> None:
    """Track a portrait video: performance, mattes and maps, as a dataset. Or track live: performance only."""
    video, head_path, size = parameters["source"], parameters["head_path"], parameters["size"]
    if sum(source is not None for source in (video, camera, stream)) != 1:
        raise UserError("Say what to track: a video, --camera with its number, or --stream with a video to play.")
    if video is not None:
        if out or as_json:
            raise UserError("--out and --json are for live tracking; play the video with --stream, or leave them out.")
        folder = parameters["dataset"] or str(dataset_for(Path(video), home_of(home)))
        size = ORIGINAL_SIZE if parameters["layout"] == "styleavatar" else size
        run(Track, home, {**parameters, "dataset": folder, "size": size}, engine)
        if overlay:
            draw_overlay(Path(folder), overlay, Path(video), head_path)
        return
    from .live_tracking import track_camera, track_stream

    opened = opened_head(parameters["head"], head_path, home)
    if camera is not None:
        track_camera(camera, opened, size, out, as_json)
    if stream is not None:
        track_stream(stream, opened, size, out, as_json)


@options_of(Photo)
def photo(
    others: Annotated[
        list[Path] | None,
        typer.Argument(help="More photos of the same person.", metavar="[more]...", show_default=False),
    ] = None,
    home: HomeOption = None,
    engine: EngineOption = None,
    **parameters: Any,
) -> None:
    """Make a dataset from one portrait photo, or from several of the same person."""
    folder = parameters["dataset"] or str(dataset_for(Path(parameters["photo"]), home_of(home)))
    more = tuple(str(each.absolute()) for each in others or ())
    run(Photo, home, {**parameters, "dataset": folder, "more": more}, engine)
