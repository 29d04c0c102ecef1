# SPDX-License-Identifier: GPL-3.0-or-later
"""What a viewport draws of the engine's pictures: made in short steps, so that nothing waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...protocol.foreground import person_alone_in_steps
from . import pixels, scene_colours
from .layers import Layer, composite

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...tracking.heads.arrays import Floats
    from ..engine.picture_feed import Answer
    from .evaluated_heads import EvaluatedHead
    from .portraits import PortraitHead
    from .sight import Part, Sight

MOST_ALPHA = 255 / 256
ROWS_A_STEP, SECONDS_A_STEP = 64, 0.005
"""How much of an answer is worked on at once, and for how long in one go."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What a viewport showed when pictures were wished for.

    Attributes:
        portrait: seen through this camera's frame; None when none is seen.
        heads: in 3D; part: of the viewport in which they are.
        sight: how that part is seen.
        transparent: the film is, so that a portrait's own background is left out.
    """

    portrait: tuple[PortraitHead, Sight] | None
    heads: tuple[EvaluatedHead, ...]
    part: Part | None
    sight: Sight | None
    transparent: bool


@dataclass(frozen=True, eq=False)
class Shown:
    """What is drawn of an answer, None for none.

    Nothing of it is wholly opaque: over what is, where there is no mesh, such as hair, Blender lays a camera's
    background picture.

    Attributes:
        portrait: `[R, R, 4]` scene-linear, premultiplied; layer: the heads in 3D.
    """

    answer: Answer[Moment] | None
    portrait: Floats | None = None
    layer: Layer | None = None


def shown_of(answer: Answer[Moment] | None) -> Generator[None, None, Shown]:
    """Make of an answer what is drawn, in short steps.

    Raises:
        UserError: the engine sent something else.
    """
    if answer is None:
        return Shown(None)
    pictures, moment, portrait, layer = list(answer.pictures), answer.moment, None, None
    linear = scene_colours.linear_from_rec709()
    if moment.portrait:
        portrait = yield from portrait_in_steps(pictures.pop(0).rgba[0], moment.transparent, linear)
    if moment.sight:
        layers = []
        for head, each in zip(moment.heads, pictures, strict=True):
            layers.append(head.layer(each, moment.sight, linear))
            yield
        layer = composite(layers)
        let_through(layer.colour)
    return Shown(answer, portrait, layer)


def portrait_in_steps(picture: pixels.Image, transparent: bool, linear: Floats) -> Generator[None, None, Floats]:
    """Return `[R, R, 4]`, scene-linear, of `picture [R, R, 4]` (uint8, straight alpha); in memory, as textures are,
    from the bottom up.
    """
    if transparent:
        picture = yield from person_alone_in_steps(picture)
    made = np.empty(picture.shape, np.float32)[::-1]
    for first in range(0, len(picture), ROWS_A_STEP):
        rows = slice(first, first + ROWS_A_STEP)
        made[rows] = pixels.scene_linear(picture[rows], linear, transparent=transparent)
        let_through(made[rows])
        yield
    return made


def let_through(colour: Floats) -> None:
    """Leave nothing of a picture `[H, W, 4]` wholly opaque."""
    np.minimum(colour[..., 3], MOST_ALPHA, out=colour[..., 3])


def advanced(making: Generator[None, None, Shown]) -> Shown | None:
    """Go on for a short while; return what is made when all of it is."""
    began = time.monotonic()
    try:
        while True:
            next(making)
            if time.monotonic() - began > SECONDS_A_STEP:
                return None
    except StopIteration as end:
        made: Shown = end.value
        return made
