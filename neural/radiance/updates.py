# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset updates (OPHAvatars, "Iterative Dataset Update"): what a head has learnt is drawn, restored, learnt again.

A head in three dimensions cannot show what contradicts itself from frame to frame, so that its own pictures are more
consistent than those it was trained on; restoration gives back the detail that they lack. Photographs stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from PIL import Image as Pictures

from ...common.clock import Clock
from ...common.files import written_whole
from ...common.progress import Listener, silent
from ...tracking.datasets.pictures import read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Image
    from .network import RadianceNetwork
    from .restoration.restorer import Restorer
    from .scene import RadianceScene

Objection = Callable[["Image", "Image"], "str | None"]
"""Says why a restored view (the second) does not show what was drawn (the first); None where it does."""


@dataclass(frozen=True)
class Update:
    """A scene with restored views in place of its own.

    Attributes:
        scene: to learn from next; frames: those of it that are.
        rejected: how many views drifted and are left as they were drawn.
    """

    scene: RadianceScene
    frames: list[int]
    rejected: int


def updated(
    scene: RadianceScene,
    network: RadianceNetwork[Any],
    restorer: Restorer,
    cache: Path,
    *,
    objection: Objection | None = None,
    most: int | None = None,
    listener: Listener = silent,
) -> Update:
    """Draw frames of a scene that are no photographs, restore them, and put them in the frames' places.

    Args:
        scene: what was learnt from.
        network: what was learnt.
        restorer: gives drawn views their detail.
        cache: a folder for restored views, which are not restored twice.
        objection: refuses a restored view that shows something else.
        most: how many views are worth the time; all when None.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: the disk is full.
    """
    views = key_views(scene, most)
    colours, alphas, rejected = scene.colours.clone(), scene.alphas.clone(), 0
    cache.mkdir(parents=True, exist_ok=True)
    clock = Clock("Restoring", len(views), listener)
    for done, index in enumerate(views):
        clock.tell(done)
        drawn, alpha = drawn_view(scene, network, index)
        file = cache / f"{index:06}.png"
        if not file.is_file():
            vertices = scene.vertices[index].cpu().numpy()
            restored = restorer.restore(drawn, alpha / np.float32(255), vertices, scene.camera)
            with written_whole(file) as partial:
                Pictures.fromarray(restored).save(partial, "PNG")
        restored = cv2.cvtColor(read_picture(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        refused = objection is not None and objection(drawn, restored) is not None
        rejected += refused
        colours[index] = torch.from_numpy(drawn if refused else restored)
        alphas[index] = torch.from_numpy(alpha)
    frames = sorted({*views, *scene.photographs})
    return Update(replace(scene, colours=colours, alphas=alphas), frames, rejected)


def key_views(scene: RadianceScene, most: int | None) -> list[int]:
    """The frames to restore: all that are no photographs, or evenly apart so many of them."""
    drawn = [index for index in range(len(scene)) if index not in scene.photographs]
    if most is None or len(drawn) <= most:
        return drawn
    return [drawn[place] for place in np.linspace(0, len(drawn) - 1, most).round().astype(int)]


def drawn_view(scene: RadianceScene, network: RadianceNetwork[Any], index: int) -> tuple[Image, NDArray[np.uint8]]:
    """What a network draws of a frame: RGB uint8 `[H, W, 3]` over the frame's own colours, and its alpha `[H, W]`."""
    view = scene.view(index, whole=True)
    rgba = network.render(network.prepare(view.head), view.camera).rgba
    alpha = rgba[..., 3:]
    over = rgba[..., :3] + (1 - alpha) * view.colour
    picture, coverage = ((each * 255 + 0.5).clamp(0, 255).byte().cpu().numpy() for each in (over, alpha[..., 0]))
    return picture, coverage
