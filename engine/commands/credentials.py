# SPDX-License-Identifier: GPL-3.0-or-later
"""`verify` and `mark`: what films and pictures say of how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .shared import HomeOption, avatar_file, home_of
from .terminal import shown


def verify(
    file: Annotated[Path, typer.Argument(help="Film (.mp4), picture (.png, .jpg) or avatar (.safetensors).")],
    home: HomeOption = None,
) -> None:
    """Say what a file says of how it was made, and whether it was changed since; 2 is returned where it was."""
    from ..credentials.reading import described

    print("\n".join(described(file.absolute(), home_of(home))))


def mark(
    file: Annotated[Path, typer.Argument(help="Film (.mp4), picture (.png, .jpg), or folder of .png frames.")],
    avatar: Annotated[str, typer.Option(help="Avatar file that is seen in it, or its name in the home.")],
    driver: Annotated[Path | None, typer.Option(help="What drove it.", show_default=False)] = None,
    filmed: Annotated[
        bool, typer.Option("--filmed", help="Filmed pictures are seen in it, too, such as a plate.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Sign what another program made of an avatar's frames, such as Blender's movie, with Content Credentials."""
    from ..credentials.marking import mark, usable_key
    from ..credentials.statement import statement_of

    place = home_of(home)
    said = statement_of(avatar_file(avatar, place), driver and driver.absolute(), composite=filmed)
    with shown() as listener:
        mark(file.absolute(), said, usable_key(place.credentials), listener)
    print(f"signed: {file}")
