# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender makes of a movie file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ..words import translated

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class MovieFacts:
    """A movie as Blender counts it: size in pixels, pictures a second, number of pictures.

    Blender finds pictures by their time at this rate, which for uneven frame rates is not the average.
    """

    size: tuple[int, int]
    fps: float
    count: int


def movie_facts(file: Path) -> MovieFacts:
    """Ask Blender about a movie. Raises UserError when it cannot read it."""
    clip = bpy.data.movieclips.load(str(file))
    facts = MovieFacts((clip.size[0], clip.size[1]), clip.fps, clip.frame_duration)
    bpy.data.movieclips.remove(clip)
    if not all(facts.size) or facts.fps <= 0:
        raise UserError(translated("Blender cannot read the movie {file}; convert it to MP4 (H.264).", file=file))
    return facts
