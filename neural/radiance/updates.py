# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset updates (OPHAvatars, "Iterative Dataset Update"): what a head has learnt is drawn, restored, and learnt again.

A head in three dimensions cannot show what contradicts itself from frame to frame, so that its own pictures are more
consistent than those it was trained on; restoration gives back the detail that they lack. Photographs stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from ...common.clock import Clock
from ...common.progress import Listener, silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Image
    from ...tracking.heads.camera import PinholeCamera
    from .network import RadianceNetwork
    from .scene import RadianceScene


@dataclass(frozen=True)
class DrawnView:
    """A picture that a head has drawn of itself.

    Attributes:
        picture: `[H, W, 3]` RGB uint8, over the footage's own colours where the head is not.
        vertices: `[V, 3]` of the head, in camera space; expression: `[E]`.
        camera: of the picture.
    """

    picture: Image
    vertices: Floats
    expression: Floats
    camera: PinholeCamera


class Restoration(Protocol):
    """Gives drawn views the detail that they lack.

    Attributes:
        name: what avatar files call it.
        key_views: how many views are worth the time that they take; None for all.
    """

    name: str
    key_views: int | None

    def restored(self, view: DrawnView) -> Image | None:
        """The view with its detail, `[H, W, 3]`; None where it would show somebody else."""


@dataclass(frozen=True)
class Update:
    """A scene with restored views in place of its own.

    Attributes:
        scene: to learn from next; frames: those of it that are.
        rejected: how many views drifted and were left as they were drawn.
    """

    scene: RadianceScene
    frames: list[int]
    rejected: int


def updated(
    scene: RadianceScene, network: RadianceNetwork, restoration: Restoration, listener: Listener = silent
) -> Update:
    """Draw every frame of a scene that is no photograph, restore it, and put it in the frame's place."""
    views = key_views(scene, restoration.key_views)
    colours, alphas, rejected = scene.colours.clone(), scene.alphas.clone(), 0
    clock = Clock("Restoring", len(views), listener)
    for done, index in enumerate(views):
        clock.tell(done)
        drawn, alpha = drawn_view(scene, network, index)
        found = restoration.restored(drawn)
        rejected += found is None
        colours[index] = torch.from_numpy(drawn.picture if found is None else found)
        alphas[index] = torch.from_numpy(alpha)
    frames = sorted({*views, *scene.photographs})
    return Update(replace(scene, colours=colours, alphas=alphas), frames, rejected)


def key_views(scene: RadianceScene, most: int | None) -> list[int]:
    """The frames to restore: all that are no photographs, or evenly apart so many of them."""
    drawn = [index for index in range(len(scene)) if index not in scene.photographs]
    if most is None or len(drawn) <= most:
        return drawn
    return [drawn[place] for place in np.linspace(0, len(drawn) - 1, most).round().astype(int)]


def drawn_view(scene: RadianceScene, network: RadianceNetwork, index: int) -> tuple[DrawnView, NDArray[np.uint8]]:
    """What a network draws of a frame, and its alpha `[H, W]`, 0 to 255."""
    view = scene.view(index, whole=True)
    rgba = network.render(network.prepare(view.head), view.camera).rgba
    alpha = rgba[..., 3:]
    over = rgba[..., :3] + (1 - alpha) * view.colour
    picture, coverage = ((each * 255 + 0.5).clamp(0, 255).byte().cpu().numpy() for each in (over, alpha[..., 0]))
    vertices, expression = (each.cpu().numpy() for each in (view.head.vertices, view.head.expression))
    return DrawnView(picture, vertices, expression, view.camera), coverage
