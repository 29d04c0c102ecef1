# SPDX-License-Identifier: GPL-3.0-or-later
"""`verify`: what films, pictures and avatars say of how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .shared import HomeOption, home_of


def verify(
    file: Annotated[Path, typer.Argument(help="Film (.mp4), picture (.png, .jpg) or avatar (.safetensors).")],
    home: HomeOption = None,
) -> None:
    """Say what a file says of how it was made, and whether it was changed since; 2 is returned where it was."""
    from ..credentials.reading import described

    print("\n".join(described(file.absolute(), home_of(home))))
