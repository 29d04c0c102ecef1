# SPDX-License-Identifier: GPL-3.0-or-later
"""`import-checkpoint`: what the original code has trained becomes an avatar."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...common.files import free_name
from .shared import AVATAR, HomeOption, home_of


def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(help="The original code's checkpoint (.pt).")],
    out: Annotated[
        Path | None, typer.Option(help="Avatar file to write.", show_default="in the home, named like the checkpoint")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="The preprocessing folder that it was trained on: who it is.", show_default="the mean head"),
    ] = None,
    head_path: Annotated[
        Path | None, typer.Option(help="Your file of the head, FaceVerse v3.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Make an avatar of a checkpoint of the original StyleAvatar or StyleUNet."""
    from ...neural.styleavatar.published.conversion import import_checkpoint

    file = out or free_name(home_of(home).avatars / f"{checkpoint.stem}{AVATAR}", Path.exists, AVATAR)
    made = import_checkpoint(checkpoint, file, dataset=dataset, head_path=head_path)
    print(f"avatar: {file}\nkind: {made.metadata.kind}\ntime_code: {made.metadata.time_code}")
