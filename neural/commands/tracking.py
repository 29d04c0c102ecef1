# SPDX-License-Identifier: GPL-3.0-or-later
"""`track` and `photo`: footage or a photo to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..protocol import JobKind
from .shared import DatasetOption, HeadOption, HeadPathOption, HomeOption, SizeOption, home_of, name_from, run


def track(
    video: Annotated[Path, typer.Argument(help="Portrait video.")],
    dataset: DatasetOption = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
    size: SizeOption = 512,
    home: HomeOption = None,
) -> None:
    """Track a portrait video: performance, mattes and maps, as a dataset."""
    folder = dataset or home_of(home).dataset(name_from(video))
    run(JobKind.TRACK, source=video, dataset=folder, head=head, head_path=head_path, size=size)


def photo(
    picture: Annotated[Path, typer.Argument(help="Portrait photo.")],
    dataset: DatasetOption = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
    size: SizeOption = 512,
    home: HomeOption = None,
) -> None:
    """Make a dataset from one portrait photo."""
    folder = dataset or home_of(home).dataset(name_from(picture))
    run(JobKind.PHOTO, photo=picture, dataset=folder, head=head, head_path=head_path, size=size)
